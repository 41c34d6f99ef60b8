#include "daemon/sync/push_history.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/quoted_value.h"

#include <stdlib.h>
#include <string.h>

void push_history_release(struct push_history *history)
{
    for (size_t i = 0; i < history->row_count; i++)
        free(history->rows[i].row_key);
    for (size_t i = 0; i < history->step_count; i++)
        change_base_release(&history->steps[i].base);
    free(history->rows);
    free(history->steps);
    *history = (struct push_history){0};
}

/* ---- the rows ---- */

static int by_table_and_key(const void *a, const void *b)
{
    const struct push_history_row *left = a;
    const struct push_history_row *right = b;

    if (left->table != right->table)
        return left->table < right->table ? -1 : 1;
    return strcmp(left->row_key, right->row_key);
}

static enum outcome add_row(struct push_history *history, const struct table *table,
                            const struct staged_row *row, struct error *err)
{
    struct push_history_row copy = {.table = table, .ordinal = row->ordinal};

    if (array_room(&history->rows, history->row_count, err) == FAILED)
        return FAILED;
    copy.row_key = strdup(row->row_key);
    if (!copy.row_key)
        return error_out_of_memory(err);
    history->rows[history->row_count++] = copy;
    return OK;
}

static enum outcome add_group(struct push_history *history, struct push_context *context,
                              const struct staged_group *group, int64_t from,
                              struct error *err)
{
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct staged_row row;
    enum outcome outcome;

    if (staging_reader_new(&reader, context->staging, group, from, err) == FAILED)
        return FAILED;
    while ((outcome = staging_reader_next(reader, &row, err)) == OK)
        if (add_row(history, group->table, &row, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome add_range(struct push_history *history, struct push_context *context,
                              struct push_range range, struct error *err)
{
    enum outcome outcome = OK;
    int64_t at = range.from;

    while (outcome == OK && at <= range.to) {
        OWNED(staged_group_release) struct staged_group group = {0};

        outcome = staging_group_at(context->staging, at, range.to, &group, err);
        if (outcome == OK)
            outcome = add_group(history, context, &group, at, err);
        at = group.last + 1;
    }
    return outcome == FAILED ? FAILED : OK;
}

/* ---- their steps ---- */

static struct push_history_row *find_row(const struct push_history *history,
                                         const struct outbox_tables *tables,
                                         const struct outbox_entry *entry)
{
    struct push_history_row wanted = {
        .table = outbox_tables_find(tables, entry->table_id), .row_key = entry->row_key};

    if (!wanted.table || !wanted.row_key || !history->row_count)
        return NULL;
    return bsearch(&wanted, history->rows, history->row_count, sizeof(wanted),
                   by_table_and_key);
}

static enum outcome add_step(struct push_history *history,
                             const struct outbox_tables *tables,
                             struct outbox_entry *entry, struct error *err)
{
    struct push_history_row *row = find_row(history, tables, entry);

    if (!row)
        return OK;
    if (history->step_count == PUSH_HISTORY_STEPS)
        return NOTHING;
    if (array_room(&history->steps, history->step_count, err) == FAILED)
        return FAILED;
    row->step_count++;
    history->steps[history->step_count++] = (struct push_history_step){
        .row = (size_t)(row - history->rows),
        .operation = entry->operation,
        .base = TAKE(entry->base),
    };
    return OK;
}

static enum outcome read_steps(struct push_history *history,
                               const struct push_history_source *source,
                               struct error *err)
{
    OWNED(outbox_reader_release) struct outbox_reader reader = {0};
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    enum outcome outcome;

    if (outbox_reader_init(&reader, source->db, source->tables, 0, err) == FAILED)
        return FAILED;
    while ((outcome = outbox_reader_next(&reader, &entry, err)) == OK &&
           entry.sequence <= source->through) {
        outcome = add_step(history, source->tables, &entry, err);
        if (outcome != OK)
            return outcome;
    }
    return outcome == FAILED ? FAILED : OK;
}

static bool adds_something(const struct push_history *history)
{
    for (size_t i = 0; i < history->row_count; i++)
        if (history->rows[i].step_count > 1)
            return true;
    return false;
}

enum outcome push_history_read(struct push_history *history,
                               const struct push_history_source *source,
                               struct error *err)
{
    enum outcome outcome;

    for (size_t i = 0; i < source->ranges->count; i++)
        if (add_range(history, source->context, source->ranges->items[i], err) == FAILED)
            return FAILED;
    if (history->row_count)
        qsort(history->rows, history->row_count, sizeof(*history->rows),
              by_table_and_key);
    outcome = read_steps(history, source, err);
    if (outcome != OK)
        return outcome;
    return adds_something(history) ? OK : NOTHING;
}

/* ---- what a step left behind ---- */

void push_step_values_release(struct push_step_values *values)
{
    for (size_t i = 0; values->bytes && i < 2 * values->count; i++)
        buffer_release(&values->bytes[i]);
    free(values->bytes);
    free(values->columns);
    free(values->values);
    *values = (struct push_step_values){0};
}

static bool is_set_here(const struct table *table, size_t column)
{
    return !table->columns[column].generated && (int)column != table->updated_at;
}

static enum outcome choose_columns(const struct push_history_step *step,
                                   const struct table *table,
                                   struct push_step_values *values, struct error *err)
{
    values->columns = calloc(table->column_count + 1, sizeof(*values->columns));
    values->values = calloc(table->column_count + 1, sizeof(*values->values));
    values->bytes = calloc(2 * table->column_count + 1, sizeof(*values->bytes));
    if (!values->columns || !values->values || !values->bytes)
        return error_out_of_memory(err);
    for (size_t i = 0; i < table->column_count; i++)
        if (is_set_here(table, i) &&
            (step->operation == OUTBOX_INSERT ||
             change_base_find(&step->base, table->columns[i].name)))
            values->columns[values->count++] = i;
    return OK;
}

static enum outcome parse(const struct change_base_item *item, struct buffer *bytes,
                          struct value *out_value, struct error *err)
{
    return quoted_value_parse(item->quoted, item->quoted_size, bytes, out_value, err);
}

/* A value that the staging holds, with bytes of its own. */
static enum outcome copy_value(const struct value *value, struct buffer *bytes,
                               struct value *out_value, struct error *err)
{
    *out_value = *value;
    if (value->type != VALUE_TEXT && value->type != VALUE_BLOB)
        return OK;
    buffer_append(bytes, value->bytes, value->size);
    out_value->bytes = bytes->data;
    return buffer_check(bytes, err);
}

/* The old value of the column in the row's first step at or after `from` that has one. */
static const struct change_base_item *
find_base(const struct push_history *history, size_t from, size_t row, const char *column)
{
    for (size_t i = from; i < history->step_count; i++) {
        const struct change_base_item *item =
            history->steps[i].row == row
                ? change_base_find(&history->steps[i].base, column)
                : NULL;

        if (item)
            return item;
    }
    return NULL;
}

static enum outcome staged_value(struct push_context *context, int64_t ordinal,
                                 size_t column, struct buffer *bytes,
                                 struct value *out_value, struct error *err)
{
    OWNED(staged_group_release) struct staged_group group = {0};
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct staged_row row;

    if (staging_group_at(context->staging, ordinal, ordinal, &group, err) == FAILED ||
        push_read_row(context, &group, ordinal, &reader, &row, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < group.column_count; i++)
        if (group.columns[i] == column && group.phase != STAGED_DELETE)
            return copy_value(&row.values[i].local, bytes, out_value, err);
    return NOTHING;
}

struct moment {
    const struct push_history *history;
    struct push_context *context;
    size_t step;
};

/* A column that is as it was before the first step has nothing staged. */
static enum outcome value_after(const struct moment *moment, size_t column,
                                struct buffer *bytes, struct value *out_value,
                                struct error *err)
{
    const struct push_history *history = moment->history;
    size_t row = history->steps[moment->step].row;
    const struct push_history_row *of = &history->rows[row];
    const char *name = of->table->columns[column].name;
    const struct change_base_item *item = find_base(history, moment->step + 1, row, name);
    enum outcome outcome;

    if (item)
        return parse(item, bytes, out_value, err);
    outcome = staged_value(moment->context, of->ordinal, column, bytes, out_value, err);
    if (outcome != NOTHING)
        return outcome;
    item = find_base(history, 0, row, name);
    return item ? parse(item, bytes, out_value, err) : NOTHING;
}

enum outcome push_history_values(const struct push_history *history,
                                 struct push_context *context, size_t step,
                                 struct push_step_values *out_values, struct error *err)
{
    const struct push_history_step *at = &history->steps[step];
    const struct table *table = history->rows[at->row].table;
    const struct moment moment = {history, context, step};

    if (choose_columns(at, table, out_values, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < out_values->count; i++) {
        size_t column = out_values->columns[i];
        struct staged_value *value = &out_values->values[i];
        const struct change_base_item *base =
            change_base_find(&at->base, table->columns[column].name);
        enum outcome outcome = OK;

        if (base)
            outcome = parse(base, &out_values->bytes[2 * i], &value->base, err);
        if (outcome == OK && at->operation != OUTBOX_DELETE)
            outcome = value_after(&moment, column, &out_values->bytes[2 * i + 1],
                                  &value->local, err);
        if (outcome != OK)
            return outcome;
    }
    return OK;
}
