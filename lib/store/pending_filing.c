#include "lib/store/pending_filing.h"

#include "lib/base/cleanup.h"
#include "lib/model/conflict_rule.h"
#include "lib/model/row_key.h"
#include "lib/store/conflict_log.h"
#include "lib/store/rejected.h"

#include <stdlib.h>

size_t pending_dirty_columns(const struct pending_change *change,
                             const struct table *table, const struct value *row,
                             bool *out_dirty)
{
    size_t count = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        out_dirty[i] = change->kind == PENDING_UPDATE &&
                       pending_change_is_dirty(change, table, i, &row[i]);
        count += out_dirty[i];
    }
    return count;
}

static enum outcome spell_key(const struct pending_row *row, struct buffer *out_key,
                              struct error *err)
{
    row_key_append(out_key, row->key, row->table->key_count);
    return buffer_check(out_key, err);
}

enum outcome pending_reject(struct database *db, struct pending *pending,
                            const struct pending_row *row,
                            const struct pending_refusal *refusal, struct error *err)
{
    OWNED(buffer_release) struct buffer key = {0};
    OWNED(rejected_values_release) struct rejected_values values = {0};
    struct rejected_change rejected = {
        .table = row->table->name,
        .operation = pending_kind_operation(row->change->kind),
        .sqlstate = refusal->sqlstate,
        .message = refusal->message,
        .constraint = refusal->constraint,
        .cause_id = refusal->cause_id,
        .unit_id = refusal->unit_id,
        .changed_us = row->change->changed_us,
    };
    int64_t id;

    if (spell_key(row, &key, err) == FAILED ||
        rejected_values_of(row->change, row->table, row->row, &values, err) == FAILED)
        return FAILED;
    rejected.row_key = key.data;
    rejected.values = values.items;
    rejected.value_count = values.count;
    if (refusal->units && !rejected.unit_id &&
        pending_units_of(refusal->units, refusal->tables, row->table, row->key,
                         &rejected.unit_id, err) == FAILED)
        return FAILED;
    if (rejected_add(db, &rejected, &id, err) == FAILED)
        return FAILED;
    if (rejected.unit_id && refusal->units &&
        pending_units_break(refusal->units, refusal->tables, row->table, row->key, id,
                            err) == FAILED)
        return FAILED;
    return pending_remove(pending, row->table, row->key, err);
}

/* What was edited, as a conflict without a value on the primary's side. */
static void as_conflict(const struct rejected_values *edited,
                        struct conflict_value *out_values)
{
    for (size_t i = 0; i < edited->count; i++)
        out_values[i] = (struct conflict_value){
            .column = edited->items[i].column,
            .base = edited->items[i].base,
            .local = edited->items[i].value,
        };
}

enum outcome pending_file_deleted(struct database *db, const struct pending_row *row,
                                  bool local_wins, struct error *err)
{
    OWNED(buffer_release) struct buffer key = {0};
    OWNED(rejected_values_release) struct rejected_values edited = {0};
    struct conflict_value *values;
    struct conflict conflict = {
        .table = row->table->name,
        .rule = CONFLICT_DELETED_THERE,
        .local_wins = local_wins,
        .open = conflict_rule_asks(row->table->conflict_policy),
        .changed_us = row->change->changed_us,
    };
    enum outcome outcome;

    if (spell_key(row, &key, err) == FAILED ||
        rejected_values_of(row->change, row->table, row->row, &edited, err) == FAILED)
        return FAILED;
    values = calloc(row->table->column_count + 1, sizeof(*values));
    if (!values)
        return error_out_of_memory(err);
    as_conflict(&edited, values);
    conflict.value_count = edited.count;
    if (conflict.open && !local_wins)
        conflict.value_count =
            conflict_values_complete(values, conflict.value_count, row->table, row->row);
    conflict.row_key = key.data;
    conflict.values = values;
    outcome = conflict_log_add(db, &conflict, err);
    free(values);
    return outcome;
}
