#include "lib/store/resolution.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/model/pending_change.h"
#include "lib/model/row_key.h"
#include "lib/store/local_table.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"
#include "resolution.sql.h"

#include <stdlib.h>
#include <string.h>

/* ---- one row, as an application writes it ---- */

/* The values to write, still in the statement that reads them from the log. */
struct edit {
    struct database *db;
    struct table table;
    struct value key[TABLE_KEY_LIMIT];
    struct buffer key_bytes;
    size_t *columns;
    struct value *values;
    struct buffer *bytes; /* of the values, one each */
    size_t count;
};

static void edit_release(struct edit *edit)
{
    for (size_t i = 0; edit->bytes && i < edit->count; i++)
        buffer_release(&edit->bytes[i]);
    free(edit->bytes);
    free(edit->values);
    free(edit->columns);
    buffer_release(&edit->key_bytes);
    table_release(&edit->table);
    *edit = (struct edit){0};
}

/* Until then the row may show the very values that are to be written: no trigger would
 * see a change, and what is read then would undo them. */
static enum outcome refuse_awaited(struct database *db, const char *table,
                                   const char *row_key, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &resolution_sql.is_awaited, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table);
    statement_bind_text(&query, 2, row_key);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    if (!statement_column_int(&query, 0))
        return OK;
    error_set(err, ERROR_REJECTED,
              "the row has not been read again from the primary since then");
    return error_hint(err, "try again after `tidemark sync`, which reads it");
}

static enum outcome edit_init(struct edit *edit, struct database *db, const char *table,
                              const char *row_key, struct error *err)
{
    enum outcome outcome = local_table_read(db, table, &edit->table, err);
    size_t count = edit->table.column_count;

    edit->db = db;
    if (outcome == NOTHING) {
        error_set(err, ERROR_REJECTED, "table %s is not mirrored any more", table);
        return error_hint(err, "`tidemark rejected discard` writes its values to a file");
    }
    if (outcome == FAILED || refuse_awaited(db, table, row_key, err) == FAILED)
        return FAILED;
    edit->columns = calloc(count, sizeof(*edit->columns));
    edit->values = calloc(count, sizeof(*edit->values));
    edit->bytes = calloc(count, sizeof(*edit->bytes));
    if (!edit->columns || !edit->values || !edit->bytes)
        return error_out_of_memory(err);
    return row_key_values(&edit->table, row_key, &edit->key_bytes, edit->key, err);
}

/* Copies: the row of the log goes in the same transaction. */
static enum outcome keep_value(struct edit *edit, const struct statement *query,
                               struct error *err)
{
    const char *name = statement_column_text(query, 0);
    int column = table_find_column(&edit->table, name);
    struct value *value = &edit->values[edit->count];
    struct buffer *bytes = &edit->bytes[edit->count];

    if (column == TABLE_NO_COLUMN)
        return error_set(err, ERROR_REJECTED, "%s has no column %s any more",
                         edit->table.name, name);
    value_read(query, 1, value);
    if (value->type == VALUE_TEXT || value->type == VALUE_BLOB) {
        buffer_append(bytes, value->bytes, value->size);
        value->bytes = bytes->data ? bytes->data : "";
    }
    edit->columns[edit->count++] = (size_t)column;
    return buffer_check(bytes, err);
}

static enum outcome read_values(struct edit *edit, const struct sql *sql, int64_t id,
                                struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, edit->db, sql, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, id);
    while ((outcome = statement_step(&query, err)) == OK)
        if (keep_value(edit, &query, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome build(const struct edit *edit, enum outbox_operation operation,
                          struct buffer *sql, struct error *err)
{
    if (operation == OUTBOX_INSERT)
        mirror_sql_edit_insert(sql, &edit->table, edit->table.name, edit->columns,
                               edit->count);
    else if (operation == OUTBOX_UPDATE)
        mirror_sql_edit_update(sql, &edit->table, edit->columns, edit->count);
    else
        mirror_sql_delete(sql, &edit->table, edit->table.name);
    return buffer_check(sql, err);
}

static enum outcome write_row(const struct edit *edit, enum outbox_operation operation,
                              struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    size_t values = operation == OUTBOX_DELETE ? 0 : edit->count;

    if (operation == OUTBOX_UPDATE && !edit->count)
        return OK;
    if (build(edit, operation, &sql, err) == FAILED ||
        statement_prepare_text(&statement, edit->db, "write the values again", sql.data,
                               err) == FAILED)
        return FAILED;
    value_bind_all(&statement, 1, edit->values, values);
    if (operation != OUTBOX_INSERT)
        value_bind_all(&statement, (int)values + 1, edit->key, edit->table.key_count);
    if (statement_run(&statement, err) == FAILED)
        return FAILED;
    if (operation != OUTBOX_INSERT && database_changes(edit->db) == 0)
        return error_set(err, ERROR_REJECTED, "the row is not in the cache any more");
    return OK;
}

/* ---- rejected changes ---- */

static enum outcome append_id(int64_t **ids, size_t *count, int64_t id, struct error *err)
{
    if (array_room(ids, *count, err) == FAILED)
        return FAILED;
    (*ids)[(*count)++] = id;
    return OK;
}

enum outcome resolution_group(struct database *db, int64_t id, int64_t **out_ids,
                              size_t *out_count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    size_t count = 0;
    enum outcome outcome;

    if (statement_prepare(&query, db, id ? &resolution_sql.group : &resolution_sql.all,
                          err) == FAILED)
        return FAILED;
    if (id)
        statement_bind_int(&query, 1, id);
    while ((outcome = statement_step(&query, err)) == OK)
        if (append_id(&ids, &count, statement_column_int(&query, 0), err) == FAILED)
            return FAILED;
    if (outcome == FAILED)
        return FAILED;
    if (!count && id) {
        error_set(err, ERROR_INVALID, "there is no rejected change %lld", (long long)id);
        return error_hint(err, "`tidemark rejected` lists them");
    }
    *out_ids = TAKE(ids);
    *out_count = count;
    return OK;
}

void resolution_ids_free(int64_t **ids)
{
    free(*ids);
}

static enum outcome run_for(struct database *db, const struct sql *sql, int64_t id,
                            struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, db, sql, err) == FAILED)
        return FAILED;
    statement_bind_int(&statement, 1, id);
    return statement_run(&statement, err);
}

static enum outcome forget(struct database *db, int64_t id, struct error *err)
{
    if (run_for(db, &resolution_sql.forget_rejected_values, id, err) == FAILED)
        return FAILED;
    return run_for(db, &resolution_sql.forget_rejected, id, err);
}

static enum outcome put_back(struct database *db, int64_t id, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(edit_release) struct edit edit = {0};
    enum outbox_operation operation;

    if (statement_prepare(&query, db, &resolution_sql.rejected, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, id);
    if (statement_step(&query, err) != OK)
        return error_set(err, ERROR_INVALID, "it was settled meanwhile");
    operation = outbox_operation_read(statement_column_text(&query, 2));
    if (edit_init(&edit, db, statement_column_text(&query, 0),
                  statement_column_text(&query, 1), err) == FAILED ||
        read_values(&edit, &resolution_sql.rejected_values, id, err) == FAILED ||
        write_row(&edit, operation, err) == FAILED)
        return error_wrap(err, "%s", statement_column_text(&query, 0));
    statement_reset(&query);
    return forget(db, id, err);
}

static enum outcome mark_unit(struct database *db, const char *mark, struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, db, &resolution_sql.mark_unit, err) == FAILED)
        return FAILED;
    statement_bind_text(&statement, 1, mark);
    return statement_run(&statement, err);
}

static enum outcome is_of_unit(struct database *db, int64_t id, bool *out_is,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &resolution_sql.rejected, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, id);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    *out_is = *out_is || !statement_column_is_null(&query, 3);
    return OK;
}

/* A unit of work goes as one again; a parent and its children were none. */
static enum outcome put_all_back(struct database *db, const int64_t *ids, size_t count,
                                 struct error *err)
{
    bool unit = false;

    for (size_t i = 0; i < count; i++)
        if (is_of_unit(db, ids[i], &unit, err) == FAILED)
            return FAILED;
    if (unit && mark_unit(db, "begin", err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        if (put_back(db, ids[i], err) == FAILED)
            return error_wrap(err, "rejected change %lld", (long long)ids[i]);
    return unit ? mark_unit(db, "end", err) : OK;
}

static enum outcome forget_all(struct database *db, const int64_t *ids, size_t count,
                               struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (forget(db, ids[i], err) == FAILED)
            return FAILED;
    return OK;
}

static bool is_one_of(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* The rest would go to the primary alone: nothing would tell any more that it is refused.
 */
static enum outcome refuse_unfinished(struct database *db, const int64_t *ids,
                                      size_t count, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &resolution_sql.broken_units, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (is_one_of(ids, count, statement_column_int(&query, 0))) {
            error_set(err, ERROR_REJECTED,
                      "rejected change %lld: the rest of its unit of work has not been "
                      "set aside with it yet",
                      (long long)statement_column_int(&query, 0));
            return error_hint(err, "try again after `tidemark sync`, which does that");
        }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome resolution_retry(struct database *db, const int64_t *ids, size_t count,
                              struct error *err)
{
    if (database_begin(db, err) == FAILED ||
        refuse_unfinished(db, ids, count, err) == FAILED ||
        put_all_back(db, ids, count, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}

enum outcome resolution_discard(struct database *db, const int64_t *ids, size_t count,
                                struct error *err)
{
    if (database_begin(db, err) == FAILED ||
        refuse_unfinished(db, ids, count, err) == FAILED ||
        forget_all(db, ids, count, err) == FAILED || database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}

/* ---- conflicts ---- */

static enum outcome no_such_conflict(int64_t id, struct error *err)
{
    error_set(err, ERROR_INVALID, "there is no conflict %lld", (long long)id);
    return error_hint(err, "`tidemark conflicts` lists them");
}

static enum outcome settle(struct database *db, int64_t id, struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};
    enum outcome outcome;

    if (statement_prepare(&statement, db, &resolution_sql.settle, err) == FAILED)
        return FAILED;
    statement_bind_int(&statement, 1, id);
    outcome = statement_step(&statement, err);
    return outcome == NOTHING ? no_such_conflict(id, err) : outcome;
}

static enum outcome write_mine(struct database *db, int64_t id, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(edit_release) struct edit edit = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &resolution_sql.conflict, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, id);
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome == NOTHING ? no_such_conflict(id, err) : FAILED;
    if (strcmp(statement_column_text(&query, 2), "local") == 0)
        return error_set(err, ERROR_INVALID,
                         "the local values of conflict %lld won already", (long long)id);
    if (edit_init(&edit, db, statement_column_text(&query, 0),
                  statement_column_text(&query, 1), err) == FAILED ||
        read_values(&edit, &resolution_sql.conflict_values, id, err) == FAILED ||
        write_row(&edit, OUTBOX_UPDATE, err) == FAILED)
        return error_wrap(err, "conflict %lld: %s", (long long)id,
                          statement_column_text(&query, 0));
    statement_reset(&query);
    return settle(db, id, err);
}

enum outcome resolution_keep_mine(struct database *db, int64_t conflict_id,
                                  struct error *err)
{
    if (database_begin(db, err) == FAILED || write_mine(db, conflict_id, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}

enum outcome resolution_keep_theirs(struct database *db, int64_t conflict_id,
                                    struct error *err)
{
    if (database_begin(db, err) == FAILED || settle(db, conflict_id, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}
