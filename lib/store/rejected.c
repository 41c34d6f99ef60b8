#include "lib/store/rejected.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/statement.h"
#include "lib/model/quoted_value.h"
#include "lib/store/value_binding.h"
#include "rejected.sql.h"

#include <stdlib.h>

static enum outcome add_row(struct database *db, const struct rejected_change *change,
                            int64_t *out_id, struct error *err)
{
    OWNED(statement_release) struct statement add = {0};

    if (statement_prepare(&add, db, &rejected_sql.add, err) == FAILED)
        return FAILED;
    statement_bind_text(&add, 1, change->push_id);
    statement_bind_text(&add, 2, change->table);
    statement_bind_text(&add, 3, change->row_key);
    statement_bind_text(&add, 4, outbox_operation_name(change->operation));
    statement_bind_text(&add, 5, change->sqlstate);
    statement_bind_text(&add, 6, change->message);
    statement_bind_text(&add, 7, change->constraint);
    statement_bind_int(&add, 8, change->cause_id);
    statement_bind_int(&add, 9, change->unit_id);
    statement_bind_int(&add, 10, change->changed_us);
    statement_bind_int(&add, 11, clock_now_us());
    if (statement_step(&add, err) == FAILED)
        return FAILED;
    *out_id = statement_column_int(&add, 0);
    return statement_run(&add, err);
}

static enum outcome add_values(struct database *db, int64_t rejected_id,
                               const struct rejected_value *values, size_t count,
                               struct error *err)
{
    OWNED(statement_release) struct statement add = {0};

    if (statement_prepare(&add, db, &rejected_sql.add_value, err) == FAILED)
        return FAILED;
    statement_bind_int(&add, 1, rejected_id);
    for (size_t i = 0; i < count; i++) {
        statement_bind_text(&add, 2, values[i].column);
        value_bind(&add, 3, &values[i].base);
        value_bind(&add, 4, &values[i].value);
        if (statement_run(&add, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome rejected_add(struct database *db, const struct rejected_change *change,
                          int64_t *out_id, struct error *err)
{
    int64_t rejected_id = 0;

    if (add_row(db, change, &rejected_id, err) == FAILED ||
        add_values(db, rejected_id, change->values, change->value_count, err) == FAILED)
        return error_wrap(err, "keep a rejected change of %s", change->table);
    *out_id = rejected_id;
    return OK;
}

static enum outcome put_change(struct database *db, int64_t rejected_id,
                               const struct rejected_change *change, struct error *err)
{
    OWNED(statement_release) struct statement put = {0};

    if (statement_prepare(&put, db, &rejected_sql.put_change, err) == FAILED)
        return FAILED;
    statement_bind_text(&put, 1, outbox_operation_name(change->operation));
    statement_bind_int(&put, 2, change->changed_us);
    statement_bind_int(&put, 3, rejected_id);
    return statement_run(&put, err);
}

enum outcome rejected_renew(struct database *db, int64_t rejected_id,
                            const struct rejected_change *change, struct error *err)
{
    OWNED(statement_release) struct statement forget = {0};

    if (put_change(db, rejected_id, change, err) == FAILED ||
        statement_prepare(&forget, db, &rejected_sql.forget_values, err) == FAILED)
        return FAILED;
    statement_bind_int(&forget, 1, rejected_id);
    if (statement_run(&forget, err) == FAILED)
        return FAILED;
    return add_values(db, rejected_id, change->values, change->value_count, err);
}

/* ---- what a pending change means ---- */

/* Bytes of old values go to the end of `bytes`, which may move: until settle() the values
 * know only how many they are. */
static enum outcome read_base(const struct pending_change *change, const char *column,
                              struct buffer *bytes, struct rejected_value *value,
                              struct error *err)
{
    OWNED(buffer_release) struct buffer unquoted = {0};
    const struct change_base_item *item = change_base_find(&change->base, column);

    if (!item)
        return OK;
    if (quoted_value_parse(item->quoted, item->quoted_size, &unquoted, &value->base,
                           err) == FAILED)
        return FAILED;
    buffer_append(bytes, unquoted.data ? unquoted.data : "", unquoted.length);
    return buffer_check(bytes, err);
}

static void settle(struct rejected_values *values)
{
    size_t at = 0;

    for (size_t i = 0; i < values->count; i++) {
        struct value *base = &values->items[i].base;

        if (base->type != VALUE_TEXT && base->type != VALUE_BLOB)
            continue;
        base->bytes = values->bytes.data ? values->bytes.data + at : "";
        at += base->size;
    }
}

static bool is_wanted(const struct pending_change *change, const struct table *table,
                      const struct value *row, size_t column)
{
    const char *name = table->columns[column].name;

    if (table->columns[column].generated)
        return false;
    switch (change->kind) {
    case PENDING_NOTHING:
        return false;
    case PENDING_INSERT:
        return row != NULL;
    case PENDING_UPDATE:
        return row ? pending_change_is_dirty(change, table, column, &row[column])
                   : change_base_find(&change->base, name) != NULL;
    case PENDING_DELETE:
        return change_base_find(&change->base, name) != NULL;
    }
    return false;
}

void rejected_values_release(struct rejected_values *values)
{
    free(values->items);
    buffer_release(&values->bytes);
    *values = (struct rejected_values){0};
}

enum outcome rejected_values_of(const struct pending_change *change,
                                const struct table *table, const struct value *row,
                                struct rejected_values *out_values, struct error *err)
{
    OWNED(rejected_values_release)
    struct rejected_values values = {
        .items = calloc(table->column_count + 1, sizeof(*values.items)),
    };
    bool has_value = row && change->kind != PENDING_DELETE;

    if (!values.items)
        return error_out_of_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        struct rejected_value *item = &values.items[values.count];

        if (!is_wanted(change, table, row, i))
            continue;
        item->column = table->columns[i].name;
        if (read_base(change, item->column, &values.bytes, item, err) == FAILED)
            return FAILED;
        if (has_value)
            item->value = row[i];
        values.count++;
    }
    settle(&values);
    *out_values = TAKE(values);
    return OK;
}
