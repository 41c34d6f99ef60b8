#include "daemon/migrate/schema_hazard.h"

#include "daemon/migrate/schema_alteration.h"

#include <string.h>

static void append(struct buffer *script, const char *name, const char *text)
{
    buffer_append_format(script, "-- hazard %s: %s\n", name, text);
}

static void of_leaving(struct buffer *script, const struct schema_match *match,
                       size_t pair)
{
    const struct schema_object *object = schema_match_from(match, pair);
    bool comes_again = match->pairs[pair].fate == SCHEMA_RENEWED;

    if (object->kind == SCHEMA_TABLE)
        append(script, "DATA_LOSS",
               comes_again ? "the table is made anew, its rows are lost"
                           : "the rows of the table are lost");
    else if (object->kind == SCHEMA_COLUMN && !object->fixed)
        append(script, "DATA_LOSS",
               comes_again ? "the column is made anew, its values are lost"
                           : "the values of the column are lost");
    else if (object->kind == SCHEMA_SEQUENCE)
        append(script, "DATA_LOSS", "how far the sequence has counted is lost");
    else if (object->kind == SCHEMA_TRACKING)
        append(script, "COPY", "devices copy the whole table when it is tracked again");
}

static void of_change(struct buffer *script, const struct schema_match *match,
                      size_t pair)
{
    const struct schema_object *from = schema_match_from(match, pair);
    const struct schema_object *to = schema_match_to(match, pair);

    if (match->pairs[pair].set_aside)
        return;
    if (to->kind == SCHEMA_COLUMN)
        append(script, "REWRITE",
               "may rewrite the table while nobody can use it; a value that does not fit "
               "makes it fail");
    else if (to->kind == SCHEMA_TABLE)
        append(script, "VALIDATION", "rows outside of the new bounds make it fail");
    else if (to->kind == SCHEMA_COMPOSITE && schema_alteration_drops_attributes(from, to))
        append(script, "DATA_LOSS", "the values of the dropped attributes are lost");
}

/* Does something of this kind come together with the column? */
static bool brings(const struct schema_steps *steps, size_t column, enum schema_kind kind)
{
    for (size_t i = 0; i < steps->match->count; i++) {
        const struct schema_object *object = schema_match_to(steps->match, i);

        if (object && object->kind == kind &&
            schema_steps_rides(steps, i, SCHEMA_ARRIVE,
                               schema_step(column, SCHEMA_ARRIVE)))
            return true;
    }
    return false;
}

/* Owner and owner's owner may be new too: then there are no rows. */
static bool is_on_old_table(const struct schema_match *match, size_t pair)
{
    size_t owner = schema_match_owner(match, pair);

    while (owner != SCHEMA_NO_OBJECT && !schema_match_arrives(match, owner)) {
        if (schema_match_either(match, owner)->kind == SCHEMA_TABLE)
            return true;
        owner = schema_match_owner(match, owner);
    }
    return false;
}

static void of_constraint(struct buffer *script, const struct schema_object *object)
{
    if (object->occupies)
        append(script, "INDEX_BUILD",
               "nobody can use the table while its index is built");
    else if (!strstr(object->definition, " NOT VALID"))
        append(script, "VALIDATION",
               "checks all rows while nobody can write; for a large table: not valid "
               "first, then validate constraint in a file of its own");
}

static void of_arrival(struct buffer *script, const struct schema_steps *steps,
                       size_t pair)
{
    const struct schema_object *object = schema_match_to(steps->match, pair);

    if (!is_on_old_table(steps->match, pair))
        return;
    if (object->kind == SCHEMA_NOT_NULL)
        append(script, "NOT_NULL",
               "fails when a row has no value; checks all rows while "
               "nobody can use the table");
    else if (object->kind == SCHEMA_COLUMN && brings(steps, pair, SCHEMA_NOT_NULL) &&
             !object->fixed && !brings(steps, pair, SCHEMA_DEFAULT) &&
             !brings(steps, pair, SCHEMA_IDENTITY))
        append(script, "NOT_NULL", "no default: fails unless the table is empty");
    else if (object->kind == SCHEMA_COLUMN &&
             (object->fixed || brings(steps, pair, SCHEMA_IDENTITY)))
        append(script, "REWRITE", "rewrites the table while nobody can use it");
    else if (object->kind == SCHEMA_IDENTITY || object->kind == SCHEMA_SEQUENCE_OWNER)
        append(script, "SEQUENCE",
               "counts from its start: set it beyond the rows that are there, select "
               "setval(pg_get_serial_sequence(…), …)");
    else if (object->kind == SCHEMA_TABLE_OPTION && strstr(object->create, " unlogged"))
        append(script, "DATA_LOSS", "an unlogged table is empty after a crash");
    else if (object->kind == SCHEMA_INDEX)
        append(script, "INDEX_BUILD",
               "nobody can write while it is built; for a large table: create index "
               "concurrently in a -- no-transaction file of its own");
    else if (object->kind == SCHEMA_CONSTRAINT || object->kind == SCHEMA_FOREIGN_KEY)
        of_constraint(script, object);
}

void schema_hazard_append(struct buffer *script, const struct schema_steps *steps,
                          size_t step)
{
    size_t pair = schema_step_pair(step);

    switch (schema_step_phase(step)) {
    case SCHEMA_LEAVE:
        if (!steps->match->pairs[pair].set_aside)
            of_leaving(script, steps->match, pair);
        break;
    case SCHEMA_CHANGE:
        of_change(script, steps->match, pair);
        break;
    default:
        of_arrival(script, steps, pair);
    }
}
