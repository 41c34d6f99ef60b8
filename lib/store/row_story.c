#include "lib/store/row_story.h"

#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/row_key.h"
#include "lib/store/change_report.h"
#include "lib/store/column_json.h"
#include "lib/store/local_table.h"
#include "lib/store/row_lookup.h"
#include "row_story.sql.h"

#include <string.h>

static enum outcome find_table(struct database *db, const char *name,
                               struct table *out_table, struct error *err)
{
    enum outcome outcome = local_table_read(db, name, out_table, err);

    if (outcome != NOTHING)
        return outcome;
    error_set(err, ERROR_INVALID, "%s is not a mirrored table", name);
    return error_hint(err, "`tidemark status` lists them");
}

/* A key of one column is given as it is, more of them as JSON. */
static enum outcome read_key(const struct table *table, const char *key, char **out_key,
                             struct error *err)
{
    const struct value text = {.type = VALUE_TEXT, .bytes = key, .size = strlen(key)};
    OWNED(buffer_release) struct buffer json = {0};
    enum outcome outcome;

    if (key[0] == '[' || table->key_count > 1)
        buffer_append_text(&json, key);
    else
        row_key_append(&json, &text, 1);
    if (buffer_check(&json, err) == FAILED)
        return FAILED;
    outcome = row_key_canonical(table, json.data, out_key, err);
    if (outcome == OK || err->kind != ERROR_CORRUPT)
        return outcome;
    error_set(err, ERROR_INVALID, "the key of %s has %zu columns", table->name,
              table->key_count);
    return error_hint(err, "give it as a JSON array of strings: '[\"…\", \"…\"]'");
}

static enum outcome read_row(struct database *db, const struct table *table,
                             const char *key, json_t **out_row, struct error *err)
{
    OWNED(row_lookup_release) struct row_lookup lookup = {0};
    OWNED(buffer_release) struct buffer bytes = {0};
    OWNED(json_decrefp) json_t *row = NULL;
    struct value values[TABLE_KEY_LIMIT];
    enum outcome outcome;

    if (row_key_values(table, key, &bytes, values, err) == FAILED ||
        row_lookup_init(&lookup, db, table, err) == FAILED)
        return FAILED;
    outcome = row_lookup_find(&lookup, values, err);
    if (outcome == FAILED)
        return FAILED;
    row = outcome == OK ? json_object() : json_null();
    for (size_t i = 0; outcome == OK && i < table->column_count; i++)
        if (json_object_set_new(row, table->columns[i].name,
                                column_json_of(&lookup.row[i])) != 0)
            return error_out_of_memory(err);
    *out_row = TAKE(row);
    return OK;
}

static bool is_of_row(const struct table *table, const struct statement *entry,
                      const char *key)
{
    OWNED(text_free) char *canonical = NULL;
    struct error ignored;

    return row_key_canonical_bytes(table, statement_column_text(entry, 0),
                                   statement_column_size(entry, 0), &canonical,
                                   &ignored) == OK &&
           strcmp(canonical, key) == 0;
}

static enum outcome read_pending(struct database *db, const struct table *table,
                                 const char *key, json_t **out_entries, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(json_decrefp) json_t *entries = json_array();
    enum outcome outcome;

    if (statement_prepare(&query, db, &row_story_sql.entries, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table->name);
    while ((outcome = statement_step(&query, err)) == OK) {
        if (!is_of_row(table, &query, key))
            continue;
        if (json_array_append_new(
                entries, json_pack("{s:o, s:o, s:o}", "operation", column_json(&query, 1),
                                   "columns", column_json_parsed(&query, 2), "changed_at",
                                   column_json(&query, 3))) != 0)
            return error_out_of_memory(err);
    }
    if (outcome == FAILED)
        return FAILED;
    *out_entries = TAKE(entries);
    return OK;
}

static enum outcome read_mark(struct database *db, const struct table *table,
                              json_t **out_mark, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &row_story_sql.mark, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table->name);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    *out_mark = column_json(&query, 0);
    return OK;
}

static enum outcome is_to_be_read_again(struct database *db, const struct table *table,
                                        const char *key, bool *out_is, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &row_story_sql.refetch, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table->name);
    statement_bind_text(&query, 2, key);
    outcome = statement_step(&query, err);
    *out_is = outcome == OK;
    return outcome == FAILED ? FAILED : OK;
}

enum outcome row_story(struct database *db, const char *table_name, const char *key_text,
                       json_t **out_document, struct error *err)
{
    OWNED(table_release) struct table table = {0};
    OWNED(text_free) char *key = NULL;
    OWNED(json_decrefp) json_t *row = NULL;
    OWNED(json_decrefp) json_t *mark = NULL;
    OWNED(json_decrefp) json_t *pending = NULL;
    OWNED(json_decrefp) json_t *rejected = NULL;
    OWNED(json_decrefp) json_t *conflicts = NULL;
    struct change_filter filter = {0};
    bool refetch = false;

    if (find_table(db, table_name, &table, err) == FAILED ||
        read_key(&table, key_text, &key, err) == FAILED)
        return FAILED;
    filter = (struct change_filter){.table = table.name, .row_key = key};
    if (read_row(db, &table, key, &row, err) == FAILED ||
        read_mark(db, &table, &mark, err) == FAILED ||
        read_pending(db, &table, key, &pending, err) == FAILED ||
        is_to_be_read_again(db, &table, key, &refetch, err) == FAILED ||
        change_report_rejected_rows(db, &filter, &rejected, err) == FAILED ||
        change_report_conflict_rows(db, &filter, &conflicts, err) == FAILED)
        return FAILED;
    *out_document =
        json_pack("{s:i, s:s, s:s, s:o, s:O, s:O, s:b, s:O, s:O, s:O}", "v", 1, "kind",
                  "explain", "table", table.name, "key", json_loads(key, 0, NULL), "row",
                  row, "complete_up_to", mark, "refetch", refetch, "pending", pending,
                  "rejected", rejected, "conflicts", conflicts);
    return *out_document ? OK : error_out_of_memory(err);
}
