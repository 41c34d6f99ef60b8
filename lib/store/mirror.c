#include "lib/store/mirror.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/row_source.h"
#include "lib/model/row_key.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_merge.h"
#include "lib/store/mirror_pending.h"
#include "lib/store/mirror_room.h"
#include "lib/store/mirror_row.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/mirror_sql_list.h"
#include "lib/store/presence.h"
#include "lib/store/value_binding.h"

#include <string.h>

enum outcome mirror_init(struct mirror *mirror, struct database *db,
                         const struct table *table, const char *physical_name,
                         struct error *err)
{
    *mirror = (struct mirror){.db = db, .table = table};
    for (size_t i = 0; i < table->key_count; i++)
        mirror->has_bytes_in_key |= table->columns[table->key[i]].codec == CODEC_BYTEA;
    mirror->physical_name = strdup(physical_name);
    mirror->key = calloc(table->key_count, sizeof(*mirror->key));
    mirror->evict = calloc(table->index_count + 1, sizeof(*mirror->evict));
    if (!mirror->physical_name || !mirror->key || !mirror->evict) {
        mirror_release(mirror);
        return error_out_of_memory(err);
    }
    return OK;
}

void mirror_release(struct mirror *mirror)
{
    for (size_t i = 0; mirror->evict && i < mirror->table->index_count; i++)
        statement_release(&mirror->evict[i]);
    statement_release(&mirror->insert);
    statement_release(&mirror->upsert);
    statement_release(&mirror->change);
    statement_release(&mirror->add);
    statement_release(&mirror->remove);
    statement_release(&mirror->text_key);
    statement_release(&mirror->respell);
    row_list_release(&mirror->present);
    mirror_merge_free(mirror->merge, mirror->table);
    free(mirror->evict);
    free(mirror->key);
    free(mirror->physical_name);
    *mirror = (struct mirror){0};
}

struct inserting {
    const struct mirror_rows *rows;
    const struct value *values;
};

static enum outcome next_row(void *context, struct error *err)
{
    struct inserting *inserting = context;

    return inserting->rows->next(inserting->rows->context, &inserting->values, err);
}

static void give_column(void *context, size_t column, struct row_result *result)
{
    const struct inserting *inserting = context;

    value_give(result, &inserting->values[column]);
}

enum outcome mirror_insert(struct mirror *mirror, const struct mirror_rows *rows,
                           struct error *err)
{
    struct inserting inserting = {.rows = rows};
    struct row_source source = {next_row, give_column, &inserting, NULL};

    if (mirror_row_prepare(mirror, &mirror->insert, "insert into", mirror_sql_insert_rows,
                           err) == FAILED)
        return FAILED;
    return row_source_run(&mirror->insert, &source, err);
}

enum outcome mirror_refetch(struct mirror *mirror, const struct value *key,
                            struct error *err)
{
    OWNED(buffer_release) struct buffer json = {0};

    row_key_append(&json, key, mirror->table->key_count);
    if (buffer_check(&json, err) == FAILED)
        return FAILED;
    return catalog_add_refetch(mirror->db, mirror->table->name, json.data, err);
}

static enum outcome write_row(struct mirror *mirror, const struct value *values,
                              struct mirror_counts *counts, struct error *err)
{
    const struct incoming_row row = {.values = values};

    if (mirror->pending)
        return mirror_merge_row(mirror, values, counts, err);
    return mirror_room_write(mirror, &row, counts, err);
}

static enum outcome remove_row(struct mirror *mirror, const struct value *key,
                               struct mirror_counts *counts, struct error *err)
{
    int64_t removed = 0;

    if (mirror->pending)
        return mirror_merge_gone(mirror, key, counts, err);
    if (mirror_row_remove(mirror, key, &removed, err) == FAILED)
        return FAILED;
    counts->deleted += removed;
    return OK;
}

enum outcome mirror_has_pending(struct mirror *mirror, const struct value *key,
                                bool *out_has, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    enum outcome outcome = NOTHING;

    if (mirror->pending)
        outcome = pending_find(mirror->pending, mirror->table, key, &change, err);
    *out_has = outcome == OK;
    return outcome == FAILED ? FAILED : OK;
}

/* The push takes the key as it is, where the answer came under another spelling: to judge
 * an edit by that would be to lose it. */
static enum outcome remove_unknown(struct mirror *mirror, const struct value *key,
                                   struct mirror_counts *counts, struct error *err)
{
    bool waits;

    if (mirror_has_pending(mirror, key, &waits, err) == FAILED)
        return FAILED;
    return waits ? OK : remove_row(mirror, key, counts, err);
}

static enum outcome remove_all(struct mirror *mirror, struct mirror_counts *counts,
                               struct error *err)
{
    int64_t deleted = 0;

    if (mirror->pending)
        return mirror_pending_truncate(mirror, counts, err);
    if (presence_delete_all(mirror->db, mirror->table, mirror->physical_name, NULL,
                            &deleted, err) == FAILED)
        return FAILED;
    counts->deleted += deleted;
    return OK;
}

static enum outcome start_list(struct mirror *mirror, struct error *err)
{
    if (mirror->present.db)
        return OK;
    return row_list_make(&mirror->present, mirror->db, mirror->table, "present",
                         ROW_LIST_KEYS, err);
}

enum outcome mirror_apply(struct mirror *mirror, const struct change *change,
                          struct mirror_counts *counts, struct error *err)
{
    switch (change->operation) {
    case CHANGE_UPSERT:
        return write_row(mirror, change->values, counts, err);
    case CHANGE_DELETE:
        return remove_row(mirror, change->values, counts, err);
    case CHANGE_UNKNOWN:
        return remove_unknown(mirror, change->values, counts, err);
    case CHANGE_TRUNCATE:
        return remove_all(mirror, counts, err);
    case CHANGE_PRESENT:
        if (start_list(mirror, err) == FAILED)
            return FAILED;
        return row_list_put(&mirror->present, change->values, err);
    }
    return error_set(err, ERROR_CORRUPT, "%s: unknown change", mirror->table->name);
}

static enum outcome delete_absent(struct mirror *mirror, struct mirror_counts *counts,
                                  struct error *err)
{
    int64_t deleted = 0;

    if (mirror->pending && mirror_pending_absent(mirror, &mirror->present, err) == FAILED)
        return FAILED;
    if (presence_delete_absent(mirror->table, mirror->physical_name, &mirror->present,
                               &deleted, err) == FAILED)
        return FAILED;
    counts->deleted += deleted;
    return row_list_drop(&mirror->present, err);
}

enum outcome mirror_finish(struct mirror *mirror, bool list_is_complete,
                           struct mirror_counts *counts, struct error *err)
{
    if (list_is_complete && start_list(mirror, err) == FAILED)
        return FAILED;
    if (mirror->present.db && delete_absent(mirror, counts, err) == FAILED)
        return FAILED;
    return mirror->pending ? mirror_merge_finish(mirror, counts, err) : OK;
}

static enum outcome count_live(struct mirror *mirror, int64_t *out_count,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (mirror_row_prepare(mirror, &query, "count", mirror_sql_count_live, err) ==
            FAILED ||
        statement_step(&query, err) == FAILED)
        return FAILED;
    *out_count = statement_column_int(&query, 0);
    return OK;
}

enum outcome mirror_count_live(struct mirror *mirror, struct mirror_live *out_live,
                               struct error *err)
{
    struct mirror_live live = {.uncertain = mirror->unsettled_rows};
    int64_t surplus = 0;
    int64_t pending = 0;

    if (count_live(mirror, &live.rows, err) == FAILED)
        return FAILED;
    if (mirror->pending &&
        mirror_pending_count(mirror, &surplus, &pending, err) == FAILED)
        return FAILED;
    live.rows_there = live.rows - surplus;
    live.uncertain += pending;
    *out_live = live;
    return OK;
}

enum outcome mirror_purge_tombstones(struct mirror *mirror, const char *before,
                                     struct error *err)
{
    OWNED(row_list_release) struct row_list kept = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    enum outcome outcome;

    mirror_sql_purge_tombstones(&sql, mirror->table, before);
    if (mirror->pending) {
        if (row_list_make(&kept, mirror->db, mirror->table, "kept", ROW_LIST_KEYS, err) ==
                FAILED ||
            mirror_pending_keep(mirror, &kept, err) == FAILED)
            return FAILED;
        mirror_sql_and_not_listed(&sql, mirror->table, kept.name);
    }
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    own_write_expect(mirror->db, mirror->table->name, OWN_DELETE, OWN_ALL_ROWS);
    outcome = database_run(mirror->db, "purge old tombstones", sql.data, err);
    own_write_end(mirror->db);
    return outcome == FAILED ? FAILED : row_list_drop(&kept, err);
}
