#include "lib/store/mirror.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/presence.h"
#include "lib/store/value_binding.h"

#include <string.h>

typedef void build_sql(struct buffer *sql, const struct table *table,
                       const char *physical_name);

/* When it is first needed: a round touches few of many tables. */
static enum outcome prepare(struct mirror *mirror, struct statement *statement,
                            const char *verb, build_sql *build, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    OWNED(buffer_release) struct buffer name = {0};

    if (statement->handle)
        return OK;
    build(&sql, mirror->table, mirror->physical_name);
    buffer_append_format(&name, "%s %s", verb, mirror->table->name);
    if (buffer_check(&sql, err) == FAILED || buffer_check(&name, err) == FAILED)
        return FAILED;
    return statement_prepare_text(statement, mirror->db, name.data, sql.data, err);
}

enum outcome mirror_init(struct mirror *mirror, struct database *db,
                         const struct table *table, const char *physical_name,
                         struct error *err)
{
    *mirror = (struct mirror){.db = db, .table = table};
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
    statement_release(&mirror->remove);
    statement_release(&mirror->present);
    free(mirror->evict);
    free(mirror->key);
    free(mirror->physical_name);
    *mirror = (struct mirror){0};
}

static void bind_all(struct statement *statement, const struct value *values,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        value_bind(statement, (int)i + 1, &values[i]);
}

enum outcome mirror_insert(struct mirror *mirror, const struct value *values,
                           struct error *err)
{
    if (prepare(mirror, &mirror->insert, "insert into", mirror_sql_insert, err) == FAILED)
        return FAILED;
    bind_all(&mirror->insert, values, mirror->table->column_count);
    return statement_run(&mirror->insert, err);
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

/* The row has arrived after all, in this very cut. */
static enum outcome forget_refetch(struct mirror *mirror, const struct value *values,
                                   struct error *err)
{
    OWNED(buffer_release) struct buffer json = {0};

    row_key_pick(mirror->table, values, mirror->key);
    row_key_append(&json, mirror->key, mirror->table->key_count);
    if (buffer_check(&json, err) == FAILED)
        return FAILED;
    return catalog_remove_refetch(mirror->db, mirror->table->name, json.data, err);
}

static enum outcome prepare_evict(struct mirror *mirror, size_t index, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (mirror->evict[index].handle)
        return OK;
    mirror_sql_evict(&sql, mirror->table, &mirror->table->indexes[index],
                     mirror->physical_name);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return statement_prepare_text(&mirror->evict[index], mirror->db, "make room in",
                                  sql.data, err);
}

static enum outcome evict_by(struct mirror *mirror, size_t index,
                             const struct value *values, struct error *err)
{
    struct statement *evict = &mirror->evict[index];
    enum outcome outcome;

    if (prepare_evict(mirror, index, err) == FAILED)
        return FAILED;
    bind_all(evict, values, mirror->table->column_count);
    while ((outcome = statement_step(evict, err)) == OK) {
        for (size_t i = 0; i < mirror->table->key_count; i++)
            value_read(evict, (int)i, &mirror->key[i]);
        if (mirror_refetch(mirror, mirror->key, err) == FAILED) {
            outcome = FAILED;
            break;
        }
    }
    statement_reset(evict);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome make_room(struct mirror *mirror, const struct value *values,
                              struct error *err)
{
    for (size_t i = 0; i < mirror->table->index_count; i++)
        if (mirror->table->indexes[i].unique &&
            evict_by(mirror, i, values, err) == FAILED)
            return FAILED;
    mirror->has_evicted = true;
    return OK;
}

static enum outcome write_row(struct mirror *mirror, const struct value *values,
                              struct mirror_counts *counts, struct error *err)
{
    if (prepare(mirror, &mirror->upsert, "write", mirror_sql_upsert, err) == FAILED)
        return FAILED;
    bind_all(&mirror->upsert, values, mirror->table->column_count);
    if (statement_run(&mirror->upsert, err) == FAILED) {
        if (!statement_broke_unique(&mirror->upsert) ||
            make_room(mirror, values, err) == FAILED ||
            statement_run(&mirror->upsert, err) == FAILED)
            return FAILED;
    }
    counts->written += database_changes(mirror->db);
    if (mirror->has_evicted)
        return forget_refetch(mirror, values, err);
    return OK;
}

static enum outcome remove_row(struct mirror *mirror, const struct value *key,
                               struct mirror_counts *counts, struct error *err)
{
    if (prepare(mirror, &mirror->remove, "delete from", mirror_sql_delete, err) == FAILED)
        return FAILED;
    bind_all(&mirror->remove, key, mirror->table->key_count);
    if (statement_run(&mirror->remove, err) == FAILED)
        return FAILED;
    counts->deleted += database_changes(mirror->db);
    return OK;
}

static enum outcome remove_all(struct mirror *mirror, struct mirror_counts *counts,
                               struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "delete from ");
    mirror_sql_identifier(&sql, mirror->physical_name);
    if (buffer_check(&sql, err) == FAILED ||
        database_run(mirror->db, "empty a truncated table", sql.data, err) == FAILED)
        return FAILED;
    counts->deleted += database_changes(mirror->db);
    return OK;
}

static enum outcome list_row(struct mirror *mirror, const struct value *key,
                             struct error *err)
{
    if (!mirror->listing &&
        presence_start(mirror->db, mirror->table, &mirror->present, err) == FAILED)
        return FAILED;
    mirror->listing = true;
    return presence_add(&mirror->present, key, mirror->table->key_count, err);
}

enum outcome mirror_apply(struct mirror *mirror, const struct change *change,
                          struct mirror_counts *counts, struct error *err)
{
    switch (change->operation) {
    case CHANGE_UPSERT:
        return write_row(mirror, change->values, counts, err);
    case CHANGE_DELETE:
        return remove_row(mirror, change->values, counts, err);
    case CHANGE_TRUNCATE:
        return remove_all(mirror, counts, err);
    case CHANGE_PRESENT:
        return list_row(mirror, change->values, err);
    }
    return error_set(err, ERROR_CORRUPT, "%s: unknown change", mirror->table->name);
}

enum outcome mirror_finish(struct mirror *mirror, bool list_is_complete,
                           struct mirror_counts *counts, struct error *err)
{
    int64_t deleted = 0;

    if (!mirror->listing && list_is_complete &&
        presence_start(mirror->db, mirror->table, &mirror->present, err) == FAILED)
        return FAILED;
    if (!mirror->listing && !list_is_complete)
        return OK;
    mirror->listing = false;
    statement_release(&mirror->present);
    if (presence_delete_absent(mirror->db, mirror->table, mirror->physical_name, &deleted,
                               err) == FAILED)
        return FAILED;
    counts->deleted += deleted;
    return OK;
}

enum outcome mirror_count_live(struct mirror *mirror, int64_t *out_count,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (prepare(mirror, &query, "count", mirror_sql_count_live, err) == FAILED ||
        statement_step(&query, err) == FAILED)
        return FAILED;
    *out_count = statement_column_int(&query, 0);
    return OK;
}
