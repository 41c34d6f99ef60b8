#include "lib/store/change_forecast.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/row_key.h"
#include "lib/store/local_table.h"
#include "lib/store/pending_filing.h"
#include "lib/store/row_lookup.h"
#include "change_forecast.sql.h"

#include <stdlib.h>

struct change_forecast {
    struct database *db;
    struct table *tables;
    struct outbox_table *numbers;
    struct outbox_tables known;
    struct pending *pending;
    struct row_lookup lookup; /* of the table that was asked for last */
};

void change_forecast_free(struct change_forecast *forecast)
{
    if (!forecast)
        return;
    pending_free(forecast->pending);
    row_lookup_release(&forecast->lookup);
    for (size_t i = 0; i < forecast->known.count; i++)
        table_release(&forecast->tables[i]);
    free(forecast->tables);
    free(forecast->numbers);
    free(forecast);
}

static enum outcome add_table(struct change_forecast *forecast, int64_t table_id,
                              const char *name, struct error *err)
{
    size_t count = forecast->known.count;
    enum outcome found;

    if (array_room(&forecast->tables, count, err) == FAILED ||
        array_room(&forecast->numbers, count, err) == FAILED)
        return FAILED;
    found = local_table_read(forecast->db, name, &forecast->tables[count], err);
    if (found != OK)
        return found == FAILED ? FAILED : OK;
    forecast->numbers[count] = (struct outbox_table){.table_id = table_id};
    forecast->known = (struct outbox_tables){forecast->numbers, count + 1};
    return OK;
}

static enum outcome read_tables(struct change_forecast *forecast, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, forecast->db, &change_forecast_sql.tables, err) ==
        FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (add_table(forecast, statement_column_int(&query, 0),
                      statement_column_text(&query, 1), err) == FAILED)
            return FAILED;
    /* the array does not move any more */
    for (size_t i = 0; i < forecast->known.count; i++)
        forecast->numbers[i].table = &forecast->tables[i];
    return outcome == FAILED ? FAILED : OK;
}

enum outcome change_forecast_new(struct change_forecast **out_forecast,
                                 struct database *db, struct error *err)
{
    struct change_forecast *forecast = calloc(1, sizeof(*forecast));

    if (!forecast)
        return error_out_of_memory(err);
    forecast->db = db;
    if (read_tables(forecast, err) == FAILED ||
        pending_new(&forecast->pending, db, err) == FAILED ||
        pending_refresh(forecast->pending, &forecast->known, err) == FAILED) {
        change_forecast_free(forecast);
        return FAILED;
    }
    *out_forecast = forecast;
    return OK;
}

/* ---- one row ---- */

static enum outcome look_up(struct change_forecast *forecast, const struct table *table,
                            const struct value *key, struct error *err)
{
    if (forecast->lookup.table != table) {
        row_lookup_release(&forecast->lookup);
        if (row_lookup_init(&forecast->lookup, forecast->db, table, err) == FAILED)
            return FAILED;
    }
    return row_lookup_find(&forecast->lookup, key, err);
}

static bool is_sent(const struct pending_change *change, const struct table *table,
                    size_t column, const struct value *row)
{
    if (change->kind == PENDING_UPDATE)
        return pending_change_is_dirty(change, table, column, &row[column]);
    return change->kind == PENDING_DELETE && !table->columns[column].generated &&
           change_base_find(&change->base, table->columns[column].name);
}

static enum outcome list_columns(const struct pending_change *change,
                                 const struct table *table, const struct value *row,
                                 json_t *columns, struct error *err)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (is_sent(change, table, i, row) &&
            json_array_append_new(columns, json_string(table->columns[i].name)) != 0)
            return error_out_of_memory(err);
    return OK;
}

static const char *operation_of(const struct pending_change *change,
                                const struct table *table, size_t column_count)
{
    static const char *const names[] = {
        [PENDING_NOTHING] = "nothing",
        [PENDING_INSERT] = "insert",
        [PENDING_UPDATE] = "update",
        [PENDING_DELETE] = "delete",
    };
    bool touch = change->base.count == 0 && table->updated_at != TABLE_NO_COLUMN;

    if (change->kind == PENDING_UPDATE && !column_count && !touch)
        return names[PENDING_NOTHING];
    return names[change->kind];
}

static enum outcome tell(struct change_forecast *forecast, const struct pending_row *row,
                         const char **out_operation, json_t **out_columns,
                         struct error *err)
{
    const struct pending_change *change = row->change;
    OWNED(json_decrefp) json_t *columns = json_array();
    enum outcome found = OK;
    enum outcome outcome = OK;

    if (!columns)
        return error_out_of_memory(err);
    if (change->kind == PENDING_UPDATE || change->kind == PENDING_INSERT)
        found = look_up(forecast, row->table, row->key, err);
    if (found == OK)
        outcome = list_columns(change, row->table, forecast->lookup.row, columns, err);
    if (found == FAILED || outcome == FAILED)
        return FAILED;
    *out_operation = found == OK
                         ? operation_of(change, row->table, json_array_size(columns))
                         : "nothing";
    *out_columns = TAKE(columns);
    return OK;
}

enum outcome change_forecast_row(struct change_forecast *forecast, const char *table_name,
                                 const char *row_key, const char **out_operation,
                                 json_t **out_columns, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    OWNED(buffer_release) struct buffer bytes = {0};
    OWNED(text_free) char *canonical = NULL;
    const struct table *table = outbox_tables_named(&forecast->known, table_name);
    struct value key[TABLE_KEY_LIMIT];
    const struct pending_row row = {.table = table, .key = key, .change = &change};
    enum outcome outcome;

    if (!table)
        return NOTHING;
    if (row_key_canonical(table, row_key, &canonical, err) == FAILED ||
        row_key_values(table, canonical, &bytes, key, err) == FAILED)
        return FAILED;
    outcome = pending_find(forecast->pending, table, key, &change, err);
    if (outcome == OK)
        outcome = tell(forecast, &row, out_operation, out_columns, err);
    row_lookup_reset(&forecast->lookup);
    return outcome;
}
