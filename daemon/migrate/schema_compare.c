#include "daemon/migrate/schema_compare.h"

#include "daemon/migrate/schema_alteration.h"
#include "daemon/migrate/schema_hazard.h"
#include "daemon/migrate/schema_steps.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define LINE_LIMIT 160

/* ---- lines ---- */

/* What comes or goes with its owner is not worth a line. */
static bool is_said_by_owner(const struct schema_match *match, size_t pair)
{
    size_t owner = schema_match_owner(match, pair);

    return owner != SCHEMA_NO_OBJECT && (match->pairs[owner].fate == SCHEMA_COMES ||
                                         match->pairs[owner].fate == SCHEMA_GOES);
}

/* The first line, cut short between two characters. */
static void append_first_line(struct buffer *lines, const char *text)
{
    size_t length = strcspn(text, "\n");
    bool cut = text[length] != '\0';

    if (length > LINE_LIMIT) {
        length = LINE_LIMIT;
        while (length && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
        cut = true;
    }
    buffer_append(lines, text, length);
    if (cut)
        buffer_append_text(lines, " …");
}

static bool tells_more(const struct schema_object *object)
{
    switch (object->kind) {
    case SCHEMA_TABLE:
    case SCHEMA_ROUTINE:
    case SCHEMA_VIEW:
    case SCHEMA_MATERIALIZED_VIEW:
        return false;
    default:
        return object->definition[0] != '\0';
    }
}

static void append_line(struct buffer *lines, const struct schema_match *match,
                        size_t pair)
{
    const struct schema_object *from = schema_match_from(match, pair);
    const struct schema_object *to = schema_match_to(match, pair);
    const struct schema_object *object = schema_match_either(match, pair);

    buffer_append_format(lines, "%s %s %s",
                         !from ? "+"
                         : !to ? "-"
                               : "~",
                         schema_kind_name(object->kind), object->identity);
    if (tells_more(object)) {
        buffer_append_text(lines, object->kind == SCHEMA_COMMENT ? ": " : " ");
        if (from && to) {
            append_first_line(lines, from->definition);
            buffer_append_text(lines, " -> ");
        }
        append_first_line(lines, object->definition);
    }
    buffer_append_text(lines, "\n");
}

enum outcome schema_compare_lines(const struct schema *from, const struct schema *to,
                                  struct buffer *lines, struct error *err)
{
    OWNED(schema_match_release) struct schema_match match = {0};
    size_t before = lines->length;

    if (schema_match_make(&match, from, to, false, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < match.count; i++)
        if (match.pairs[i].differs && !is_said_by_owner(&match, i))
            append_line(lines, &match, i);
    if (buffer_check(lines, err) == FAILED)
        return FAILED;
    return lines->length == before ? NOTHING : OK;
}

/* ---- statements ---- */

struct rider {
    const struct schema_object *object;
    size_t step;
};

/* Columns in their order, before constraints. */
static int order_riders(const void *left, const void *right)
{
    const struct schema_object *first = ((const struct rider *)left)->object;
    const struct schema_object *second = ((const struct rider *)right)->object;

    if (first->kind == second->kind && first->kind == SCHEMA_COLUMN)
        return first->address.sub_id < second->address.sub_id ? -1 : 1;
    return schema_object_order(first, second);
}

/* The objects whose arrival rides along with this one's, in order; NULL: out of memory.
 */
static struct rider *list_riders(const struct schema_steps *steps, size_t step,
                                 size_t *out_count)
{
    struct rider *riders = calloc(steps->match->count + 1, sizeof(*riders));
    size_t count = 0;

    for (size_t i = 0; riders && i < steps->match->count; i++)
        if (schema_steps_rides(steps, i, SCHEMA_ARRIVE, step))
            riders[count++] = (struct rider){.object = schema_match_to(steps->match, i),
                                             .step = schema_step(i, SCHEMA_ARRIVE)};
    if (count)
        qsort(riders, count, sizeof(*riders), order_riders);
    *out_count = count;
    return riders;
}

/* NOT NULL, default and identity behind a column. */
static void append_column_parts(struct buffer *script, const struct schema_steps *steps,
                                size_t step)
{
    size_t count;
    struct rider *riders = list_riders(steps, step, &count);

    script->failed |= !riders;
    for (size_t i = 0; riders && i < count; i++)
        buffer_append_text(script, riders[i].object->inlined);
    free(riders);
}

/* A partition has no list when it has nothing of its own. */
static void append_table(struct buffer *script, const struct schema_steps *steps,
                         size_t step, const struct schema_object *table)
{
    size_t count;
    struct rider *riders = list_riders(steps, step, &count);

    script->failed |= !riders;
    buffer_append_text(script, table->create);
    if (!count && strncmp(table->inlined, " FOR VALUES", 11) != 0 &&
        strncmp(table->inlined, " DEFAULT", 8) != 0)
        buffer_append_text(script, " ()");
    for (size_t i = 0; riders && i < count; i++) {
        buffer_append_text(script, i ? ",\n    " : " (\n    ");
        buffer_append_text(script, riders[i].object->inlined);
        append_column_parts(script, steps, riders[i].step);
    }
    if (count)
        buffer_append_text(script, "\n)");
    buffer_append_text(script, table->inlined);
    free(riders);
}

static void append_arrival(struct buffer *script, const struct schema_steps *steps,
                           size_t step)
{
    const struct schema_object *object =
        schema_match_to(steps->match, schema_step_pair(step));

    if (object->kind == SCHEMA_TABLE) {
        append_table(script, steps, step, object);
        return;
    }
    buffer_append_text(script, object->create);
    if (object->kind == SCHEMA_COLUMN)
        append_column_parts(script, steps, step);
}

static void append_statement(struct buffer *script, const struct schema_steps *steps,
                             size_t step, const struct schema_compare_config *config)
{
    size_t pair = schema_step_pair(step);
    const struct schema_object *from = schema_match_from(steps->match, pair);
    bool aside = steps->match->pairs[pair].set_aside;

    schema_hazard_append(script, steps, step);
    switch (schema_step_phase(step)) {
    case SCHEMA_LEAVE:
        buffer_append_text(script, aside ? from->drop_aside : from->drop);
        break;
    case SCHEMA_CHANGE:
        if (aside)
            buffer_append_text(script, from->set_aside);
        else
            schema_alteration_append(script, from, schema_match_to(steps->match, pair),
                                     config);
        break;
    default:
        append_arrival(script, steps, step);
    }
    buffer_append_text(script, ";\n");
}

/* Bodies of SQL functions may name what is made after them. */
static bool makes_sql_function(const struct schema_steps *steps)
{
    for (size_t i = 0; i < steps->match->count; i++) {
        const struct schema_object *to = schema_match_to(steps->match, i);

        if (to && to->kind == SCHEMA_ROUTINE &&
            steps->match->pairs[i].fate != SCHEMA_STAYS &&
            strstr(to->definition, "\n LANGUAGE sql"))
            return true;
    }
    return false;
}

enum outcome schema_compare_script(const struct schema *from, const struct schema *to,
                                   const struct schema_compare_config *config,
                                   struct buffer *script, struct error *err)
{
    OWNED(schema_match_release) struct schema_match match = {0};
    OWNED(schema_steps_release) struct schema_steps steps = {0};

    if (schema_match_make(&match, from, to, config->replace_enums, err) == FAILED ||
        schema_steps_make(&steps, &match, err) == FAILED)
        return FAILED;
    if (!steps.count)
        return NOTHING;
    if (makes_sql_function(&steps))
        buffer_append_text(script, "set local check_function_bodies = off;\n");
    for (size_t i = 0; i < steps.count; i++)
        append_statement(script, &steps, steps.order[i], config);
    return buffer_check(script, err);
}
