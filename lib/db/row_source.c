#include "lib/db/row_source.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/statement.h"

#include <sqlite3.h>
#include <stdlib.h>

/* As many as a table of PostgreSQL can have. */
#define COLUMN_COUNT 1600
#define POINTER_TYPE "tide_row_source"

struct cursor {
    sqlite3_vtab_cursor base;
    struct row_source *source;
    sqlite3_int64 row_number;
    bool at_end;
};

/* ---- what SQLite calls ---- */

static int connect_table(sqlite3 *db, void *context, int count,
                         const char *const *arguments, sqlite3_vtab **out_table,
                         char **out_message)
{
    OWNED(buffer_release) struct buffer sql = {0};
    int result;

    (void)context, (void)count, (void)arguments, (void)out_message;
    buffer_append_text(&sql, "create table tide_rows (");
    for (int i = 0; i < COLUMN_COUNT; i++)
        buffer_append_format(&sql, "c%d, ", i);
    buffer_append_text(&sql, "source hidden)");
    if (sql.failed || !(*out_table = calloc(1, sizeof(**out_table))))
        return SQLITE_NOMEM;
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    result = sqlite3_declare_vtab(db, sql.data);
    if (result != SQLITE_OK)
        free(*out_table);
    return result;
}

static int disconnect_table(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

/* Only with its argument. */
static int choose_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != COLUMN_COUNT ||
            info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
            !info->aConstraint[i].usable)
            continue;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        return SQLITE_OK;
    }
    return SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out_cursor)
{
    struct cursor *cursor = calloc(1, sizeof(*cursor));

    (void)table;
    if (!cursor)
        return SQLITE_NOMEM;
    *out_cursor = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    enum outcome outcome =
        cursor->source->next(cursor->source->context, cursor->source->failure);

    cursor->row_number++;
    cursor->at_end = outcome != OK;
    return outcome == FAILED ? SQLITE_ABORT : SQLITE_OK;
}

static int first_row(sqlite3_vtab_cursor *base, int plan, const char *plan_text,
                     int count, sqlite3_value **arguments)
{
    struct cursor *cursor = (struct cursor *)base;

    (void)plan, (void)plan_text, (void)count;
    cursor->source = sqlite3_value_pointer(arguments[0], POINTER_TYPE);
    return cursor->source ? next_row(base) : SQLITE_MISUSE;
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    return ((const struct cursor *)base)->at_end;
}

static int read_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    struct row_source *source = ((struct cursor *)base)->source;

    if (column < COLUMN_COUNT)
        source->column(source->context, (size_t)column, (struct row_result *)result);
    return SQLITE_OK;
}

static int read_row_number(sqlite3_vtab_cursor *base, sqlite3_int64 *out_number)
{
    *out_number = ((const struct cursor *)base)->row_number;
    return SQLITE_OK;
}

int row_source_register(struct sqlite3 *handle)
{
    static const sqlite3_module module = {
        .xConnect = connect_table,
        .xDisconnect = disconnect_table,
        .xBestIndex = choose_plan,
        .xOpen = open_cursor,
        .xClose = close_cursor,
        .xFilter = first_row,
        .xNext = next_row,
        .xEof = is_at_end,
        .xColumn = read_column,
        .xRowid = read_row_number,
    };

    return sqlite3_create_module(handle, "tide_rows", &module, NULL);
}

/* ---- what sources call ---- */

void row_result_int(struct row_result *result, int64_t value)
{
    sqlite3_result_int64((sqlite3_context *)result, value);
}

void row_result_real(struct row_result *result, double value)
{
    sqlite3_result_double((sqlite3_context *)result, value);
}

void row_result_text(struct row_result *result, const char *text, size_t size)
{
    sqlite3_result_text64((sqlite3_context *)result, text ? text : "", size,
                          SQLITE_STATIC, SQLITE_UTF8);
}

void row_result_blob(struct row_result *result, const void *data, size_t size)
{
    sqlite3_result_blob64((sqlite3_context *)result, data ? data : "", size,
                          SQLITE_STATIC);
}

enum outcome row_source_run(struct statement *statement, struct row_source *source,
                            struct error *err)
{
    struct error failure = {0};
    enum outcome outcome;

    source->failure = &failure;
    sqlite3_bind_pointer(statement->handle, 1, source, POINTER_TYPE, NULL);
    outcome = statement_run(statement, err);
    source->failure = NULL;
    if (outcome == FAILED && failure.kind)
        *err = failure;
    return outcome;
}
