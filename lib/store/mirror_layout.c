#include "lib/store/mirror_layout.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/capture.h"
#include "lib/store/carry_over.h"
#include "lib/store/mirror.h"
#include "lib/store/mirror_merge.h"
#include "lib/store/mirror_pending.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/presence.h"
#include "lib/store/value_binding.h"
#include "lib/store/write_guard.h"
#include "mirror_layout.sql.h"

#include <string.h>

enum outcome mirror_layout_copy_name(const char *table_name, char **out_name,
                                     struct error *err)
{
    OWNED(buffer_release) struct buffer name = {0};

    buffer_append_format(&name, "tide_copy_%s", table_name);
    if (buffer_check(&name, err) == FAILED)
        return FAILED;
    *out_name = buffer_take(&name);
    return OK;
}

static enum outcome run_built(struct database *db, const char *what, struct buffer *sql,
                              struct error *err)
{
    if (buffer_check(sql, err) == FAILED)
        return FAILED;
    if (!sql->data)
        return OK;
    return database_run(db, what, sql->data, err);
}

enum outcome mirror_layout_drop_copy(struct database *db, const char *copy_name,
                                     struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "drop table if exists ");
    mirror_sql_identifier(&sql, copy_name);
    buffer_append_format(&sql, ";\n%s", mirror_layout_sql.forget_indexes.text);
    return run_built(db, "drop a table", &sql, err);
}

enum outcome mirror_layout_create_copy(struct database *db, const struct table *table,
                                       const char *copy_name, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (mirror_layout_drop_copy(db, copy_name, err) == FAILED)
        return FAILED;
    mirror_sql_create_table(&sql, table, copy_name);
    if (run_built(db, "make a table", &sql, err) == FAILED)
        return error_wrap(err, "%s", table->name);
    return OK;
}

/* OK: the query has a row for the name; NOTHING: it has none. */
static enum outcome find_by_name(struct database *db, const struct sql *sql,
                                 const char *name, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, sql, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, name);
    return statement_step(&query, err);
}

/* Which of the table's indexes are on the copy is told by their order: they are made in
 * turn. */
static enum outcome count_indexes(struct database *db, const char *copy_name, bool unique,
                                  int64_t *out_count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &mirror_layout_sql.count_indexes, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, copy_name);
    statement_bind_int(&query, 2, unique);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    *out_count = statement_column_int(&query, 0);
    return OK;
}

/* Index names are one name space in SQLite: the table that this one replaces may hold it.
 */
static enum outcome free_index_name(struct database *db, const char *wanted,
                                    struct buffer *out_name, struct error *err)
{
    enum outcome outcome = OK;

    for (int attempt = 1; outcome == OK; attempt++) {
        buffer_clear(out_name);
        if (attempt == 1)
            buffer_append_text(out_name, wanted);
        else
            buffer_append_format(out_name, "%s_%d", wanted, attempt);
        if (buffer_check(out_name, err) == FAILED)
            return FAILED;
        outcome = find_by_name(db, &mirror_layout_sql.is_name_taken, out_name->data, err);
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome note_index(struct database *db, const char *name, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &mirror_layout_sql.note_index, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, name);
    return statement_run(&query, err);
}

static const struct table_index *nth_index(const struct table *table, bool unique,
                                           int64_t number)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique == unique && number-- == 0)
            return &table->indexes[i];
    return NULL;
}

enum outcome mirror_layout_lacks_unique(struct database *db, const struct table *table,
                                        const char *copy_name, bool *out_lacks,
                                        struct error *err)
{
    int64_t made = 0;

    if (count_indexes(db, copy_name, true, &made, err) == FAILED)
        return FAILED;
    *out_lacks = nth_index(table, true, made) != NULL;
    return OK;
}

enum outcome mirror_layout_create_index(struct database *db, const struct table *table,
                                        const char *copy_name, bool unique,
                                        struct error *err)
{
    OWNED(buffer_release) struct buffer name = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    const struct table_index *index;
    int64_t made = 0;

    if (count_indexes(db, copy_name, unique, &made, err) == FAILED)
        return FAILED;
    index = nth_index(table, unique, made);
    if (!index)
        return NOTHING;
    if (free_index_name(db, index->name, &name, err) == FAILED)
        return FAILED;
    mirror_sql_create_index(&sql, table, index, name.data, copy_name);
    if (run_built(db, "make an index", &sql, err) == FAILED)
        return error_wrap(err, "%s", index->name);
    return note_index(db, name.data, err);
}

static enum outcome rename_copy(struct database *db, const struct table *table,
                                const char *copy_name, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "alter table ");
    mirror_sql_identifier(&sql, copy_name);
    buffer_append_text(&sql, " rename to ");
    mirror_sql_identifier(&sql, table->name);
    if (run_built(db, "switch a table in", &sql, err) == FAILED)
        return FAILED;
    return capture_install(db, table, err);
}

/*
 * A copy holds no tombstones, so a pending row that is not in it is one there or gone:
 * that is asked by its key.
 */
static enum outcome refetch_listed(struct mirror *mirror, struct row_list *pending,
                                   struct error *err)
{
    struct value key[TABLE_KEY_LIMIT];
    enum outcome outcome;

    while ((outcome = row_list_first(pending, key, err)) == OK)
        if (mirror_refetch(mirror, key, err) == FAILED ||
            row_list_remove(pending, key, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome remove_absent(struct mirror *mirror, const char *copy_name,
                                  struct error *err)
{
    OWNED(row_list_release) struct row_list kept = {0};

    if (!mirror->pending)
        return presence_delete_absent_from(mirror->db, mirror->table, copy_name, NULL,
                                           err);
    if (mirror_merge_make_lists(mirror, err) == FAILED ||
        row_list_make(&kept, mirror->db, mirror->table, "kept", ROW_LIST_KEYS, err) ==
            FAILED ||
        mirror_pending_keep(mirror, &kept, err) == FAILED ||
        presence_delete_absent_from(mirror->db, mirror->table, copy_name, &kept, err) ==
            FAILED ||
        refetch_listed(mirror, &kept, err) == FAILED)
        return FAILED;
    return row_list_drop(&kept, err);
}

static enum outcome apply_copy(struct mirror *mirror, const char *copy_name,
                               struct value *row, struct error *err)
{
    OWNED(statement_release) struct statement rows = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    const struct change change = {.operation = CHANGE_UPSERT, .values = row};
    struct mirror_counts counts = {0};
    enum outcome outcome;

    mirror_sql_select_all(&sql, mirror->table, copy_name);
    if (buffer_check(&sql, err) == FAILED ||
        statement_prepare_text(&rows, mirror->db, "read the copy", sql.data, err) ==
            FAILED)
        return FAILED;
    while ((outcome = statement_step(&rows, err)) == OK) {
        value_read_all(&rows, row, mirror->table->column_count);
        if (mirror_apply(mirror, &change, &counts, err) == FAILED)
            return FAILED;
    }
    statement_release(&rows);
    return outcome == FAILED ? FAILED : mirror_finish(mirror, false, &counts, err);
}

/* Writes what differs between the copy and the table that applications see. */
static enum outcome merge_copy(struct database *db, const struct table *table,
                               const char *copy_name, struct pending *pending,
                               struct error *err)
{
    OWNED(mirror_release) struct mirror mirror = {0};
    struct value *row = calloc(table->column_count, sizeof(*row));
    enum outcome outcome;

    if (!row)
        return error_out_of_memory(err);
    outcome = mirror_init(&mirror, db, table, table->name, err);
    if (outcome == OK) {
        mirror.pending = pending && !pending_is_empty(pending) ? pending : NULL;
        outcome = remove_absent(&mirror, copy_name, err);
    }
    if (outcome == OK)
        outcome = apply_copy(&mirror, copy_name, row, err);
    free(row);
    return outcome;
}

/* The statements that made what applications put on the table, one after another;
 * indexes with a NUL after each. */
static enum outcome save_application_objects(struct database *db,
                                             const struct table *table, bool triggers,
                                             struct buffer *out_sql, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &mirror_layout_sql.application_objects, err) ==
        FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table->name);
    statement_bind_int(&query, 2, triggers);
    while ((outcome = statement_step(&query, err)) == OK) {
        buffer_append_text(out_sql, statement_column_text(&query, 0));
        buffer_append(out_sql, ";\n", triggers ? 2 : sizeof(";\n"));
    }
    if (outcome == FAILED)
        return FAILED;
    return buffer_check(out_sql, err);
}

static enum outcome run_own(struct database *db, const char *what, const char *name,
                            enum own_operation operation, struct buffer *sql,
                            struct error *err)
{
    enum outcome outcome;

    own_write_expect(db, name, operation, OWN_ALL_ROWS);
    outcome = run_built(db, what, sql, err);
    own_write_end(db);
    return outcome;
}

static enum outcome empty_table(struct database *db, const char *name, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "delete from ");
    mirror_sql_identifier(&sql, name);
    return run_own(db, "empty a table", name, OWN_DELETE, &sql, err);
}

/* So that the application's own insert triggers see every row of the new table. */
static enum outcome refill(struct database *db, const struct table *table,
                           const char *triggers, struct error *err)
{
    OWNED(buffer_release) struct buffer take = {0};
    OWNED(buffer_release) struct buffer put = {0};

    buffer_append_text(&take, "create temp table tide_refill as select * from ");
    mirror_sql_identifier(&take, table->name);
    buffer_append_text(&take, ";\ndelete from ");
    mirror_sql_identifier(&take, table->name);
    buffer_append_format(&take, ";\n%s", triggers);
    buffer_append_text(&put, "insert into ");
    mirror_sql_identifier(&put, table->name);
    buffer_append_text(&put, " select * from temp.tide_refill");
    if (run_built(db, "put triggers back", &take, err) == FAILED ||
        write_guard_refresh(db, err) == FAILED ||
        run_own(db, "fire the application's triggers", table->name, OWN_INSERT, &put,
                err) == FAILED)
        return FAILED;
    return database_run(db, "fire the application's triggers",
                        "drop table temp.tide_refill", err);
}

/* A full disk, say, is no reason to lose an application's trigger. */
static bool does_not_fit(const struct error *err)
{
    return err->kind == ERROR_SCHEMA || err->kind == ERROR_REJECTED;
}

/* What no longer fits the new shape is left out: the application's to mend, not a reason
 * to stop. */
static enum outcome
run_or_skip(struct database *db, const char *what,
            enum outcome (*run)(struct database *, const struct table *, const char *,
                                struct error *),
            const struct table *table, const char *sql, struct error *err)
{
    struct error skipped;

    if (database_run(db, what, "savepoint tide_optional", err) == FAILED)
        return FAILED;
    if (run(db, table, sql, &skipped) == FAILED) {
        if (!does_not_fit(&skipped)) {
            *err = skipped;
            return FAILED;
        }
        if (database_run(db, what, "rollback to tide_optional", err) == FAILED)
            return FAILED;
    }
    return database_run(db, what, "release tide_optional", err);
}

static enum outcome run_index(struct database *db, const struct table *table,
                              const char *sql, struct error *err)
{
    (void)table;
    return database_run(db, "put an application's index back", sql, err);
}

static enum outcome put_indexes_back(struct database *db, const struct table *table,
                                     const struct buffer *indexes, struct error *err)
{
    for (size_t at = 0; at < indexes->length; at += strlen(indexes->data + at) + 1)
        if (run_or_skip(db, "put indexes back", run_index, table, indexes->data + at,
                        err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome replace_table(struct database *db, const struct table *table,
                                  const char *copy_name, struct error *err)
{
    OWNED(buffer_release) struct buffer triggers = {0};
    OWNED(buffer_release) struct buffer indexes = {0};

    if (save_application_objects(db, table, true, &triggers, err) == FAILED ||
        save_application_objects(db, table, false, &indexes, err) == FAILED)
        return FAILED;
    /* deleting first lets the application's delete triggers see the rows go */
    if (triggers.length && empty_table(db, table->name, err) == FAILED)
        return FAILED;
    if (mirror_layout_drop(db, table->name, err) == FAILED ||
        rename_copy(db, table, copy_name, err) == FAILED ||
        put_indexes_back(db, table, &indexes, err) == FAILED)
        return FAILED;
    if (triggers.length)
        return run_or_skip(db, "put triggers back", refill, table, triggers.data, err);
    return OK;
}

/* OK: the table is there; NOTHING: its name is free. */
static enum outcome find_table(struct database *db, const char *name, struct error *err)
{
    enum outcome taken = find_by_name(db, &mirror_layout_sql.is_name_taken, name, err);
    enum outcome mirrored;

    if (taken != OK)
        return taken;
    mirrored = find_by_name(db, &mirror_layout_sql.is_mirrored, name, err);
    if (mirrored != NOTHING)
        return mirrored;
    error_set(err, ERROR_SCHEMA, "%s: an application has made something of that name",
              name);
    return error_hint(err,
                      "rename it in the cache, or leave the table out of it: [sync] "
                      "tables = *, !%s",
                      name);
}

enum outcome mirror_layout_switch_in(struct database *db, const struct table *table,
                                     const char *copy_name, bool same_shape,
                                     struct pending *pending, struct error *err)
{
    enum outcome present = find_table(db, table->name, err);

    if (present == FAILED)
        return FAILED;
    if (present == NOTHING)
        return rename_copy(db, table, copy_name, err);
    if (!same_shape) {
        if (pending && carry_over_into(db, pending, table, copy_name, err) == FAILED)
            return FAILED;
        return replace_table(db, table, copy_name, err);
    }
    if (merge_copy(db, table, copy_name, pending, err) == FAILED ||
        capture_install(db, table, err) == FAILED)
        return FAILED;
    return mirror_layout_drop_copy(db, copy_name, err);
}

enum outcome mirror_layout_drop(struct database *db, const char *table_name,
                                struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    struct table table = {.name = (char *)table_name, .deleted_at = TABLE_NO_COLUMN};

    mirror_sql_drop_helpers(&sql, &table);
    buffer_append_text(&sql, ";\ndrop table if exists ");
    mirror_sql_identifier(&sql, table_name);
    buffer_append_format(&sql, ";\n%s", mirror_layout_sql.forget_indexes.text);
    return run_built(db, "drop a table", &sql, err);
}
