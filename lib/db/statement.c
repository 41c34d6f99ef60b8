#include "lib/db/statement.h"

#include "lib/db/database.h"
#include "lib/db/sqlite_error.h"
#include "lib/db/text_function.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum outcome statement_prepare_text(struct statement *statement, struct database *db,
                                    const char *name, const char *text, struct error *err)
{
    *statement = (struct statement){0};
    snprintf(statement->name, sizeof(statement->name), "%s", name);
    if (sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT,
                           &statement->handle, NULL) != SQLITE_OK)
        return sqlite_error_set(db->handle, err, "%s", name);
    return OK;
}

enum outcome statement_prepare(struct statement *statement, struct database *db,
                               const struct sql *sql, struct error *err)
{
    return statement_prepare_text(statement, db, sql->name, sql->text, err);
}

enum outcome statement_prepare_query(struct statement *statement, struct database *db,
                                     const char *name, const char *text,
                                     struct error *err)
{
    sqlite3_stmt *second = NULL;
    const char *rest = "";
    int code;

    *statement = (struct statement){0};
    snprintf(statement->name, sizeof(statement->name), "%s", name);
    code = sqlite3_prepare_v3(db->handle, text, -1, 0, &statement->handle, &rest);
    if (code != SQLITE_OK) {
        sqlite_error_set(db->handle, err, "%s", name);
        if (err->kind == ERROR_SCHEMA)
            err->kind = ERROR_INVALID;
        return FAILED;
    }
    /* white space and comments make no statement; what cannot be prepared is none of ours
     */
    code = sqlite3_prepare_v3(db->handle, rest, -1, 0, &second, NULL);
    sqlite3_finalize(second);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_ERROR)
        return sqlite_error_set(db->handle, err, "%s", name); /* memory, say */
    if (!statement->handle)
        return error_set(err, ERROR_INVALID, "%s: there is no statement in it", name);
    if (code != SQLITE_OK || second)
        return error_set(err, ERROR_INVALID, "%s: more than one statement", name);
    if (!sqlite3_stmt_readonly(statement->handle))
        return error_set(err, ERROR_INVALID, "%s: not a statement that only reads", name);
    return OK;
}

int statement_parameter_count(const struct statement *statement)
{
    return sqlite3_bind_parameter_count(statement->handle);
}

const char *statement_parameter_name(const struct statement *statement, int parameter)
{
    return sqlite3_bind_parameter_name(statement->handle, parameter);
}

const char *statement_column_name(const struct statement *statement, int column)
{
    return sqlite3_column_name(statement->handle, column);
}

void statement_release(struct statement *statement)
{
    sqlite3_finalize(statement->handle);
    *statement = (struct statement){0};
}

/* A wrong parameter number is a bug here, not bad input; out of memory shows in the step.
 */
static void check_bound(int rc)
{
    assert(rc != SQLITE_RANGE && rc != SQLITE_MISUSE);
    (void)rc;
}

void statement_bind_int(struct statement *statement, int parameter, int64_t value)
{
    check_bound(sqlite3_bind_int64(statement->handle, parameter, value));
}

void statement_bind_real(struct statement *statement, int parameter, double value)
{
    check_bound(sqlite3_bind_double(statement->handle, parameter, value));
}

void statement_bind_text(struct statement *statement, int parameter, const char *text)
{
    check_bound(sqlite3_bind_text(statement->handle, parameter, text, -1, SQLITE_STATIC));
}

void statement_bind_bytes(struct statement *statement, int parameter, const char *text,
                          size_t size)
{
    check_bound(sqlite3_bind_text64(statement->handle, parameter, text, size,
                                    SQLITE_STATIC, SQLITE_UTF8));
}

void statement_bind_blob(struct statement *statement, int parameter, const void *data,
                         size_t size)
{
    /* SQLite reads a NULL pointer as null, but an empty blob is a value */
    check_bound(sqlite3_bind_blob64(statement->handle, parameter, data ? data : "", size,
                                    SQLITE_STATIC));
}

void statement_bind_null(struct statement *statement, int parameter)
{
    check_bound(sqlite3_bind_null(statement->handle, parameter));
}

void statement_bind_function(struct statement *statement, int parameter,
                             struct text_function *function)
{
    check_bound(sqlite3_bind_pointer(statement->handle, parameter, function,
                                     TEXT_FUNCTION_POINTER, NULL));
}

enum outcome statement_step(struct statement *statement, struct error *err)
{
    switch (sqlite3_step(statement->handle)) {
    case SQLITE_ROW:
        return OK;
    case SQLITE_DONE:
        return NOTHING;
    default:
        return sqlite_error_set(sqlite3_db_handle(statement->handle), err, "%s",
                                statement->name);
    }
}

enum outcome statement_run(struct statement *statement, struct error *err)
{
    enum outcome outcome;

    do
        outcome = statement_step(statement, err);
    while (outcome == OK);
    sqlite3_reset(statement->handle);
    return outcome == FAILED ? FAILED : OK;
}

void statement_reset(struct statement *statement)
{
    sqlite3_reset(statement->handle);
}

int statement_column_type(const struct statement *statement, int column)
{
    switch (sqlite3_column_type(statement->handle, column)) {
    case SQLITE_INTEGER:
        return 1;
    case SQLITE_FLOAT:
        return 2;
    case SQLITE_TEXT:
        return 3;
    case SQLITE_BLOB:
        return 4;
    default:
        return 0;
    }
}

const void *statement_column_bytes(const struct statement *statement, int column)
{
    return sqlite3_column_blob(statement->handle, column);
}

int statement_column_count(const struct statement *statement)
{
    return sqlite3_column_count(statement->handle);
}

int64_t statement_column_int(const struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

double statement_column_real(const struct statement *statement, int column)
{
    return sqlite3_column_double(statement->handle, column);
}

const char *statement_column_text(const struct statement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement->handle, column);
}

size_t statement_column_size(const struct statement *statement, int column)
{
    return (size_t)sqlite3_column_bytes(statement->handle, column);
}

char *statement_column_copy(const struct statement *statement, int column, bool *failed)
{
    const char *text = statement_column_text(statement, column);
    char *copy = text ? strdup(text) : NULL;

    *failed |= !copy && !statement_column_is_null(statement, column);
    return copy;
}

bool statement_column_is_null(const struct statement *statement, int column)
{
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

bool statement_broke_unique(const struct statement *statement)
{
    int code = sqlite3_extended_errcode(sqlite3_db_handle(statement->handle));

    return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
           code == SQLITE_CONSTRAINT_ROWID;
}
