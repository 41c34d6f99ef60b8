#include "lib/store/catalog.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/write_guard.h"
#include "catalog.sql.h"

#include <stdlib.h>
#include <string.h>

void catalog_cursor_release(struct catalog_cursor *cursor)
{
    free(cursor->exact);
    free(cursor->basis);
    *cursor = (struct catalog_cursor){0};
}

void catalog_table_release(struct catalog_table *table)
{
    free(table->name);
    free(table->schema);
    free(table->fingerprint);
    catalog_cursor_release(&table->cursor);
    *table = (struct catalog_table){0};
}

void catalog_copy_release(struct catalog_copy *copy)
{
    free(copy->name);
    free(copy->schema);
    free(copy->copy_name);
    free(copy->fingerprint);
    free(copy->last_key);
    catalog_cursor_release(&copy->cursor);
    *copy = (struct catalog_copy){0};
}

void catalog_cluster_release(struct catalog_cluster *cluster)
{
    free(cluster->system_identifier);
    *cluster = (struct catalog_cluster){0};
}

enum outcome catalog_cursor_copy(struct catalog_cursor *out_copy,
                                 const struct catalog_cursor *cursor, struct error *err)
{
    OWNED(catalog_cursor_release) struct catalog_cursor copy = *cursor;

    copy.exact = strdup(cursor->exact);
    copy.basis = strdup(cursor->basis ? cursor->basis : "");
    if (!copy.exact || !copy.basis)
        return error_out_of_memory(err);
    *out_copy = TAKE(copy);
    return OK;
}

/* Whatever comes of it, the table is to be released. */
static enum outcome read_table(const struct statement *query, struct catalog_table *table,
                               struct error *err)
{
    bool failed = false;

    *table = (struct catalog_table){
        .table_id = statement_column_int(query, 8),
        .name = statement_column_copy(query, 0, &failed),
        .schema = statement_column_copy(query, 1, &failed),
        .fingerprint = statement_column_copy(query, 2, &failed),
        .tracked = statement_column_int(query, 3) != 0,
        .cursor = {.exact = statement_column_copy(query, 4, &failed),
                   .mark_us = statement_column_int(query, 5),
                   .swept_us = statement_column_int(query, 6),
                   .basis = statement_column_copy(query, 7, &failed)},
    };
    return failed ? error_out_of_memory(err) : OK;
}

enum outcome catalog_tables(struct database *db, struct catalog_table **out_tables,
                            size_t *out_count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    struct catalog_table *tables = NULL;
    size_t count = 0;
    enum outcome outcome;

    if (statement_prepare(&query, db, &catalog_sql.tables, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (array_room(&tables, count, err) == FAILED ||
            read_table(&query, &tables[count++], err) == FAILED) {
            outcome = FAILED;
            break;
        }
    if (outcome == FAILED) {
        while (count > 0)
            catalog_table_release(&tables[--count]);
        free(tables);
        return FAILED;
    }
    *out_tables = tables;
    *out_count = count;
    return OK;
}

/* As read_table(). */
static enum outcome read_copy(const struct statement *query, struct catalog_copy *copy,
                              struct error *err)
{
    bool failed = false;

    *copy = (struct catalog_copy){
        .name = statement_column_copy(query, 0, &failed),
        .schema = statement_column_copy(query, 1, &failed),
        .copy_name = statement_column_copy(query, 2, &failed),
        .fingerprint = statement_column_copy(query, 3, &failed),
        .cursor = {.exact = statement_column_copy(query, 4, &failed),
                   .mark_us = statement_column_int(query, 5),
                   .swept_us = statement_column_int(query, 5),
                   .basis = statement_column_copy(query, 10, &failed)},
        .last_key = statement_column_copy(query, 6, &failed),
        .row_count = statement_column_int(query, 7),
        .byte_count = statement_column_int(query, 8),
        .complete = statement_column_int(query, 9) != 0,
    };
    return failed ? error_out_of_memory(err) : OK;
}

enum outcome catalog_copies(struct database *db, struct catalog_copy **out_copies,
                            size_t *out_count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    struct catalog_copy *copies = NULL;
    size_t count = 0;
    enum outcome outcome;

    if (statement_prepare(&query, db, &catalog_sql.copies, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (array_room(&copies, count, err) == FAILED ||
            read_copy(&query, &copies[count++], err) == FAILED) {
            outcome = FAILED;
            break;
        }
    if (outcome == FAILED) {
        while (count > 0)
            catalog_copy_release(&copies[--count]);
        free(copies);
        return FAILED;
    }
    *out_copies = copies;
    *out_count = count;
    return OK;
}

static void bind_table(struct statement *query, const struct catalog_table *table)
{
    statement_bind_text(query, 1, table->name);
    statement_bind_text(query, 2, table->schema);
    statement_bind_text(query, 3, table->fingerprint);
    statement_bind_int(query, 4, table->tracked);
    statement_bind_text(query, 5, table->cursor.exact);
    statement_bind_int(query, 6, table->cursor.mark_us);
    statement_bind_int(query, 7, table->cursor.swept_us);
    statement_bind_text(query, 8, table->cursor.basis ? table->cursor.basis : "");
}

enum outcome catalog_put_tables(struct database *db, const struct catalog_table *tables,
                                size_t count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &catalog_sql.put_table, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        bind_table(&query, &tables[i]);
        if (statement_run(&query, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome catalog_put_copy(struct database *db, const struct catalog_copy *copy,
                              struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &catalog_sql.put_copy, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, copy->name);
    statement_bind_text(&query, 2, copy->schema);
    statement_bind_text(&query, 3, copy->copy_name);
    statement_bind_text(&query, 4, copy->fingerprint);
    statement_bind_text(&query, 5, copy->cursor.exact);
    statement_bind_int(&query, 6, copy->cursor.mark_us);
    statement_bind_text(&query, 7, copy->last_key);
    statement_bind_int(&query, 8, copy->row_count);
    statement_bind_int(&query, 9, copy->byte_count);
    statement_bind_int(&query, 10, copy->complete);
    statement_bind_text(&query, 11, copy->cursor.basis ? copy->cursor.basis : "");
    return statement_run(&query, err);
}

/* Runs a statement with one or two texts. */
static enum outcome run_with(struct database *db, const struct sql *sql,
                             const char *first, const char *second, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, sql, err) == FAILED)
        return FAILED;
    if (first)
        statement_bind_text(&query, 1, first);
    if (second)
        statement_bind_text(&query, 2, second);
    return statement_run(&query, err);
}

enum outcome catalog_find_table_id(struct database *db, const char *schema,
                                   const char *name, int64_t *out_table_id,
                                   struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &catalog_sql.table_id, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, name);
    statement_bind_text(&query, 2, schema);
    outcome = statement_step(&query, err);
    if (outcome == OK)
        *out_table_id = statement_column_int(&query, 0);
    return outcome;
}

enum outcome catalog_table_id(struct database *db, const char *schema, const char *name,
                              int64_t *out_table_id, struct error *err)
{
    const struct catalog_table ahead = {.name = (char *)(uintptr_t)name,
                                        .schema = (char *)(uintptr_t)schema,
                                        .fingerprint = (char *)(uintptr_t) "",
                                        .cursor = {.exact = (char *)(uintptr_t) ""}};
    enum outcome outcome = catalog_find_table_id(db, schema, name, out_table_id, err);

    if (outcome != NOTHING)
        return outcome;
    /* the same name in another schema is another table */
    if (catalog_remove_table(db, name, err) == FAILED ||
        catalog_put_tables(db, &ahead, 1, err) == FAILED)
        return FAILED;
    return catalog_find_table_id(db, schema, name, out_table_id, err);
}

enum outcome catalog_remove_table(struct database *db, const char *name,
                                  struct error *err)
{
    if (run_with(db, &catalog_sql.note_last_table, NULL, NULL, err) == FAILED)
        return FAILED;
    return run_with(db, &catalog_sql.remove_table, name, NULL, err);
}

enum outcome catalog_remove_copy(struct database *db, const char *name, struct error *err)
{
    return run_with(db, &catalog_sql.remove_copy, name, NULL, err);
}

enum outcome catalog_forget_cursors(struct database *db, struct error *err)
{
    if (run_with(db, &catalog_sql.forget_cursors, NULL, NULL, err) == FAILED)
        return FAILED;
    return run_with(db, &catalog_sql.forget_copies, NULL, NULL, err);
}

enum outcome catalog_cluster(struct database *db, struct catalog_cluster *out_cluster,
                             struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    bool failed = false;
    enum outcome outcome;
    char *identifier;

    if (statement_prepare(&query, db, &catalog_sql.cluster, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome;
    identifier = statement_column_copy(&query, 0, &failed);
    if (failed)
        return error_out_of_memory(err);
    *out_cluster = (struct catalog_cluster){
        .system_identifier = identifier,
        .timeline = statement_column_int(&query, 1),
        .next_xid = statement_column_int(&query, 2),
    };
    return OK;
}

enum outcome catalog_put_cluster(struct database *db,
                                 const struct catalog_cluster *cluster, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (run_with(db, &catalog_sql.forget_cluster, NULL, NULL, err) == FAILED ||
        statement_prepare(&query, db, &catalog_sql.put_cluster, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, cluster->system_identifier);
    statement_bind_int(&query, 2, cluster->timeline);
    statement_bind_int(&query, 3, cluster->next_xid);
    return statement_run(&query, err);
}

enum outcome catalog_add_refetch(struct database *db, const char *table,
                                 const char *row_key, struct error *err)
{
    return run_with(db, &catalog_sql.add_refetch, table, row_key, err);
}

enum outcome catalog_remove_refetch(struct database *db, const char *table,
                                    const char *row_key, struct error *err)
{
    return run_with(db, &catalog_sql.remove_refetch, table, row_key, err);
}

enum outcome catalog_remove_refetches(struct database *db, const char *table,
                                      struct error *err)
{
    return run_with(db, &catalog_sql.remove_refetches, table, NULL, err);
}

static enum outcome read_key(const struct statement *query, char **key, struct error *err)
{
    bool failed = false;

    *key = statement_column_copy(query, 0, &failed);
    return failed ? error_out_of_memory(err) : OK;
}

enum outcome catalog_refetches(struct database *db, const char *table, size_t limit,
                               char ***out_keys, size_t *out_count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    char **keys = NULL;
    size_t count = 0;
    enum outcome outcome;

    if (statement_prepare(&query, db, &catalog_sql.refetches, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table);
    statement_bind_int(&query, 2, (int64_t)limit);
    while ((outcome = statement_step(&query, err)) == OK)
        if (array_room(&keys, count, err) == FAILED ||
            read_key(&query, &keys[count++], err) == FAILED) {
            outcome = FAILED;
            break;
        }
    if (outcome == FAILED) {
        while (count > 0)
            free(keys[--count]);
        free(keys);
        return FAILED;
    }
    *out_keys = keys;
    *out_count = count;
    return OK;
}

enum outcome catalog_put_state(struct database *db, const char *state, int64_t since_us,
                               const char *reason, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &catalog_sql.put_state, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, state);
    statement_bind_int(&query, 2, since_us);
    statement_bind_text(&query, 3, reason);
    return statement_run(&query, err);
}

static enum outcome put_number(struct database *db, const struct sql *sql, int64_t number,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, sql, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, number);
    return statement_run(&query, err);
}

enum outcome catalog_put_mark(struct database *db, int64_t mark_us, int64_t next_xid,
                              struct error *err)
{
    if (put_number(db, &catalog_sql.put_mark, mark_us, err) == FAILED)
        return FAILED;
    return put_number(db, &catalog_sql.put_next_xid, next_xid, err);
}

enum outcome catalog_open_gate(struct database *db, struct error *err)
{
    if (write_guard_refresh(db, err) == FAILED ||
        run_with(db, &catalog_sql.forget_replaced, NULL, NULL, err) == FAILED)
        return FAILED;
    return run_with(db, &catalog_sql.open_gate, NULL, NULL, err);
}

enum outcome catalog_close_gate(struct database *db, struct error *err)
{
    database_set_triggers(db, true);
    return run_with(db, &catalog_sql.close_gate, NULL, NULL, err);
}
