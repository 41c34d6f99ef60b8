#include "lib/store/rejected_entries.h"

#include "lib/base/cleanup.h"
#include "lib/model/row_key.h"
#include "lib/store/pending.h"
#include "lib/store/rejected.h"
#include "lib/store/row_lookup.h"

#include <stdlib.h>
#include <string.h>

struct rejected_entries {
    struct database *db;
    const struct outbox_tables *tables;
    struct pending *pending;
    struct row_lookup lookup; /* of the table of the row before */
};

enum outcome rejected_entries_new(struct rejected_entries **out_entries,
                                  struct database *db, const struct outbox_tables *tables,
                                  struct error *err)
{
    struct rejected_entries *entries = calloc(1, sizeof(*entries));

    if (!entries)
        return error_out_of_memory(err);
    entries->db = db;
    entries->tables = tables;
    if (pending_new(&entries->pending, db, err) == FAILED ||
        pending_refresh(entries->pending, tables, err) == FAILED) {
        rejected_entries_free(entries);
        return FAILED;
    }
    *out_entries = entries;
    return OK;
}

void rejected_entries_free(struct rejected_entries *entries)
{
    if (!entries)
        return;
    pending_free(entries->pending);
    row_lookup_release(&entries->lookup);
    free(entries);
}

static enum outcome look_up(struct rejected_entries *entries, const struct table *table,
                            const struct value *key, const struct value **out_row,
                            struct error *err)
{
    enum outcome outcome;

    if (entries->lookup.table != table) {
        row_lookup_release(&entries->lookup);
        if (row_lookup_init(&entries->lookup, entries->db, table, err) == FAILED)
            return FAILED;
    }
    outcome = row_lookup_find(&entries->lookup, key, err);
    *out_row = outcome == OK ? entries->lookup.row : NULL;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome renew(struct rejected_entries *entries, int64_t rejected_id,
                          const struct pending_change *change, const struct table *table,
                          const struct value *row, struct error *err)
{
    OWNED(rejected_values_release) struct rejected_values values = {0};
    struct rejected_change renewed = {.operation = pending_kind_operation(change->kind),
                                      .changed_us = change->changed_us};

    if (rejected_values_of(change, table, row, &values, err) == FAILED)
        return FAILED;
    if (!values.count)
        return OK;
    renewed.values = values.items;
    renewed.value_count = values.count;
    return rejected_renew(entries->db, rejected_id, &renewed, err);
}

enum outcome rejected_entries_take(struct rejected_entries *entries, int64_t rejected_id,
                                   const char *table_name, const char *row_key,
                                   struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    OWNED(buffer_release) struct buffer bytes = {0};
    const struct table *table = outbox_tables_named(entries->tables, table_name);
    struct value key[TABLE_KEY_LIMIT];
    const struct value *row = NULL;
    enum outcome outcome;

    if (!table)
        return OK;
    if (row_key_values(table, row_key, &bytes, key, err) == FAILED)
        return FAILED;
    outcome = pending_find(entries->pending, table, key, &change, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    outcome = look_up(entries, table, key, &row, err);
    if (outcome == OK)
        outcome = renew(entries, rejected_id, &change, table, row, err);
    row_lookup_reset(&entries->lookup);
    if (outcome == FAILED)
        return FAILED;
    return pending_remove(entries->pending, table, key, err);
}
