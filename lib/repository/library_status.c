#include "lib/repository/library_status.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/statement.h"
#include "lib/store/change_counts.h"
#include "lib/store/local_table.h"
#include "library_status.sql.h"

#include <stdbool.h>

static json_t *time_json(int64_t time_us)
{
    char text[CLOCK_TEXT_SIZE];

    if (!time_us)
        return json_null();
    clock_format_utc(time_us, text);
    return json_string(text);
}

static enum outcome count_rows(struct database *db, const char *name, int64_t *out_rows,
                               struct error *err)
{
    OWNED(table_release) struct table table = {0};
    enum outcome outcome = local_table_read(db, name, &table, err);

    return outcome == OK ? local_table_count(db, &table, out_rows, err) : outcome;
}

static enum outcome append_table(struct database *db, const struct statement *query,
                                 const struct change_counts *changes, json_t *tables,
                                 struct error *err)
{
    const char *name = statement_column_text(query, 0);
    const struct change_count *own = change_counts_find(changes, name);
    int64_t rows = 0;
    json_t *table;

    if (count_rows(db, name, &rows, err) == FAILED)
        return FAILED;
    table = json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:I}", "name", name, "schema",
                      statement_column_text(query, 1), "mode",
                      statement_column_int(query, 2) ? "tracked" : "untracked", "rows",
                      (json_int_t)rows, "mark", time_json(statement_column_int(query, 3)),
                      "pending", (json_int_t)(own ? own->pending : 0), "rejected",
                      (json_int_t)(own ? own->rejected : 0));
    return json_array_append_new(tables, table) ? error_out_of_memory(err) : OK;
}

static enum outcome tables_of(struct database *db, const struct change_counts *changes,
                              json_t **out_tables, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(json_decrefp) json_t *tables = json_array();
    enum outcome outcome;

    if (!tables)
        return error_out_of_memory(err);
    if (statement_prepare(&query, db, &library_status_sql.tables, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (append_table(db, &query, changes, tables, err) == FAILED)
            return FAILED;
    if (outcome == NOTHING)
        *out_tables = TAKE(tables);
    return outcome == FAILED ? FAILED : OK;
}

static json_t *changes_of(const struct change_counts *changes)
{
    int64_t age_us = clock_now_us() - changes->oldest_us;

    return json_pack(
        "{s:{s:I, s:I, s:o, s:o}, s:{s:I}, s:{s:I, s:I}}", "pending", "count",
        (json_int_t)changes->rows, "entries", (json_int_t)changes->entries, "oldest",
        time_json(changes->oldest_us), "oldest_s",
        changes->oldest_us ? json_real(age_us > 0 ? (double)age_us / 1e6 : 0)
                           : json_null(),
        "rejected", "count", (json_int_t)changes->rejected, "conflicts", "count",
        (json_int_t)changes->conflicts, "open", (json_int_t)changes->conflicts_open);
}

/* Takes tables over. */
static enum outcome document_of(const struct statement *state, const char *path,
                                const struct change_counts *changes, json_t *tables,
                                json_t **out_document, struct error *err)
{
    OWNED(json_decrefp)
    json_t *document =
        json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:[{s:s, s:s}]}", "v", 1, "kind",
                  "status", "state", "stopped", "cache", path, "since",
                  time_json(statement_column_int(state, 0)), "mark",
                  time_json(statement_column_int(state, 1)), "tables", tables, "hints",
                  "text", "the daemon is not running", "command", "tidemarkd");
    OWNED(json_decrefp) json_t *more = changes_of(changes);

    if (!document || !more || json_object_update(document, more))
        return error_out_of_memory(err);
    *out_document = TAKE(document);
    return OK;
}

enum outcome library_status_of_file(struct database *db, const char *path,
                                    json_t **out_document, struct error *err)
{
    OWNED(change_counts_release) struct change_counts changes = {0};
    OWNED(statement_release) struct statement state = {0};
    json_t *tables = NULL;

    if (change_counts_read(db, &changes, err) == FAILED ||
        statement_prepare(&state, db, &library_status_sql.state, err) == FAILED ||
        statement_step(&state, err) == FAILED ||
        tables_of(db, &changes, &tables, err) == FAILED)
        return FAILED;
    return document_of(&state, path, &changes, tables, out_document, err);
}
