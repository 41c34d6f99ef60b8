#include "lib/store/change_report.h"

#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/store/change_forecast.h"
#include "lib/store/column_json.h"
#include "change_report.sql.h"

#include <stdlib.h>
#include <string.h>

/* Members in the order of the query's columns, from the first one on; NULL ends them. */
static enum outcome row_object(const struct statement *query, const char *const *names,
                               json_t **out_object, struct error *err)
{
    OWNED(json_decrefp) json_t *object = json_object();

    for (int i = 0; names[i]; i++) {
        bool parsed = strcmp(names[i], "key") == 0 || strcmp(names[i], "columns") == 0;
        bool flag = strcmp(names[i], "open") == 0;
        json_t *value = parsed ? column_json_parsed(query, i) : column_json(query, i);

        if (flag && value) {
            json_decref(value);
            value = json_boolean(statement_column_int(query, i));
        }
        if (json_object_set_new(object, names[i], value) != 0)
            return error_out_of_memory(err);
    }
    *out_object = TAKE(object);
    return OK;
}

/* All rows of a query as objects. */
static enum outcome read_rows(struct statement *query, const char *const *names,
                              json_t **out_rows, struct error *err)
{
    OWNED(json_decrefp) json_t *rows = json_array();
    enum outcome outcome;

    while ((outcome = statement_step(query, err)) == OK) {
        json_t *row = NULL;

        if (row_object(query, names, &row, err) == FAILED)
            return FAILED;
        if (json_array_append_new(rows, row) != 0)
            return error_out_of_memory(err);
    }
    if (outcome == FAILED)
        return FAILED;
    *out_rows = TAKE(rows);
    return OK;
}

/* Adds to each row its columns, read by its id. */
static enum outcome add_columns(struct database *db, const struct sql *sql,
                                const char *const *names, json_t *rows, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    json_t *row;
    size_t i;

    if (statement_prepare(&query, db, sql, err) == FAILED)
        return FAILED;
    json_array_foreach(rows, i, row)
    {
        json_t *columns = NULL;

        statement_reset(&query);
        statement_bind_int(&query, 1, json_integer_value(json_object_get(row, "id")));
        if (read_rows(&query, names, &columns, err) == FAILED)
            return FAILED;
        if (json_object_set_new(row, "columns", columns) != 0)
            return error_out_of_memory(err);
    }
    return OK;
}

/* ---- the outbox ---- */

static int64_t sum_of(const json_t *rows, const char *member)
{
    int64_t sum = 0;
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) sum +=
        json_integer_value(json_object_get(row, member));
    return sum;
}

static const char *oldest_of(const json_t *rows)
{
    const char *oldest = NULL;
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *at = json_string_value(json_object_get(row, "first_changed_at"));

        if (at && (!oldest || strcmp(at, oldest) < 0))
            oldest = at;
    }
    return oldest;
}

static enum outcome correct_row(struct change_forecast *forecast, json_t *row,
                                struct error *err)
{
    OWNED(text_free)
    char *key = json_dumps(json_object_get(row, "key"), JSON_COMPACT | JSON_ENCODE_ANY);
    const char *table = json_string_value(json_object_get(row, "table"));
    const char *operation;
    json_t *columns;
    enum outcome outcome;

    if (!key || !table)
        return error_out_of_memory(err);
    outcome = change_forecast_row(forecast, table, key, &operation, &columns, err);
    if (outcome != OK)
        return outcome;
    if (json_object_set_new(row, "columns", columns) != 0 ||
        json_object_set_new(row, "operation", json_string(operation)) != 0)
        return error_out_of_memory(err);
    return OK;
}

/* What the push will make of the entries, as the rows are now. An entry that is nonsense
 * is the daemon's to set aside; until then it shows as it was read. */
static void correct_rows(struct database *db, json_t *rows)
{
    struct change_forecast *forecast = NULL;
    struct error ignored;
    json_t *row;
    size_t i;

    if (json_array_size(rows) == 0 || change_forecast_new(&forecast, db, &ignored) != OK)
        return;
    json_array_foreach(rows, i, row)
    {
        if (correct_row(forecast, row, &ignored) == FAILED)
            break;
    }
    change_forecast_free(forecast);
}

enum outcome change_report_outbox(struct database *db, json_t **out_document,
                                  struct error *err)
{
    static const char *const names[] = {"table",           "key",     "operation",
                                        "columns",         "entries", "first_changed_at",
                                        "last_changed_at", NULL};
    OWNED(statement_release) struct statement query = {0};
    json_t *rows = NULL;

    if (statement_prepare(&query, db, &change_report_sql.outbox, err) == FAILED ||
        read_rows(&query, names, &rows, err) == FAILED)
        return FAILED;
    statement_release(&query);
    correct_rows(db, rows);
    *out_document = json_pack("{s:i, s:s, s:I, s:I, s:s?, s:o}", "v", 1, "kind", "outbox",
                              "count", (json_int_t)json_array_size(rows), "entries",
                              (json_int_t)sum_of(rows, "entries"), "oldest",
                              oldest_of(rows), "changes", rows);
    return *out_document ? OK : error_out_of_memory(err);
}

/* ---- rejected changes and conflicts ---- */

#define REPORT_NAMES 12

/* Rows, and the columns of each; the names end with NULL. */
struct report {
    const struct sql *rows; /* its parameters are those of the filter */
    const char *names[REPORT_NAMES];
    const struct sql *values; /* its parameter is the row's id */
    const char *value_names[REPORT_NAMES];
};

static enum outcome read_report(struct database *db, const struct report *report,
                                const struct change_filter *filter, json_t **out_rows,
                                struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(json_decrefp) json_t *rows = NULL;

    if (statement_prepare(&query, db, report->rows, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, filter->id);
    statement_bind_text(&query, 2, filter->table);
    statement_bind_text(&query, 3, filter->row_key);
    if (read_rows(&query, report->names, &rows, err) == FAILED ||
        add_columns(db, report->values, report->value_names, rows, err) == FAILED)
        return FAILED;
    *out_rows = TAKE(rows);
    return OK;
}

enum outcome change_report_rejected_rows(struct database *db,
                                         const struct change_filter *filter,
                                         json_t **out_rows, struct error *err)
{
    static const struct report rejected = {
        .rows = &change_report_sql.rejected,
        .names = {"id", "table", "key", "operation", "sqlstate", "message", "constraint",
                  "cause", "unit", "changed_at", "rejected_at"},
        .values = &change_report_sql.rejected_values,
        .value_names = {"name", "base", "value"},
    };

    return read_report(db, &rejected, filter, out_rows, err);
}

enum outcome change_report_conflict_rows(struct database *db,
                                         const struct change_filter *filter,
                                         json_t **out_rows, struct error *err)
{
    static const struct report conflicts = {
        .rows = &change_report_sql.conflicts,
        .names = {"id", "table", "key", "rule", "winner", "open", "changed_at",
                  "found_at"},
        .values = &change_report_sql.conflict_values,
        .value_names = {"name", "base", "local", "remote"},
    };

    return read_report(db, &conflicts, filter, out_rows, err);
}

static enum outcome require(const json_t *rows, int64_t id, const char *what,
                            const char *command, struct error *err)
{
    if (!id || json_array_size(rows))
        return OK;
    error_set(err, ERROR_INVALID, "there is no %s %lld", what, (long long)id);
    return error_hint(err, "`tidemark %s` lists them", command);
}

enum outcome change_report_rejected(struct database *db, int64_t id,
                                    json_t **out_document, struct error *err)
{
    const struct change_filter filter = {.id = id};
    OWNED(json_decrefp) json_t *rows = NULL;

    if (change_report_rejected_rows(db, &filter, &rows, err) == FAILED ||
        require(rows, id, "rejected change", "rejected", err) == FAILED)
        return FAILED;
    *out_document = json_pack("{s:i, s:s, s:I, s:O}", "v", 1, "kind", "rejected", "count",
                              (json_int_t)json_array_size(rows), "changes", rows);
    return *out_document ? OK : error_out_of_memory(err);
}

static int64_t count_open(const json_t *rows)
{
    int64_t count = 0;
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) count += json_is_true(json_object_get(row, "open"));
    return count;
}

enum outcome change_report_conflicts(struct database *db, int64_t id,
                                     json_t **out_document, struct error *err)
{
    const struct change_filter filter = {.id = id};
    OWNED(json_decrefp) json_t *rows = NULL;

    if (change_report_conflict_rows(db, &filter, &rows, err) == FAILED ||
        require(rows, id, "conflict", "conflicts", err) == FAILED)
        return FAILED;
    *out_document = json_pack("{s:i, s:s, s:I, s:I, s:O}", "v", 1, "kind", "conflicts",
                              "count", (json_int_t)json_array_size(rows), "open",
                              (json_int_t)count_open(rows), "conflicts", rows);
    return *out_document ? OK : error_out_of_memory(err);
}
