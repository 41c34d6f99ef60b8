#include "lib/store/change_counts.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/table.h"
#include "change_counts.sql.h"

#include <stdlib.h>
#include <string.h>

void change_counts_release(struct change_counts *counts)
{
    struct change_first_rejected *first = &counts->first_rejected;

    for (size_t i = 0; i < counts->table_count; i++)
        free(counts->tables[i].table);
    free(counts->tables);
    free(first->table);
    free(first->row_key);
    free(first->operation);
    free(first->sqlstate);
    free(first->message);
    free(counts->device_id);
    *counts = (struct change_counts){0};
}

const struct change_count *change_counts_find(const struct change_counts *counts,
                                              const char *table)
{
    for (size_t i = 0; i < counts->table_count; i++)
        if (table_same_name(counts->tables[i].table, table))
            return &counts->tables[i];
    return NULL;
}

/* Found, or added with zeros. */
static enum outcome count_of(struct change_counts *counts, const char *table,
                             struct change_count **out_count, struct error *err)
{
    struct change_count *added;

    *out_count = (struct change_count *)change_counts_find(counts, table);
    if (*out_count)
        return OK;
    if (array_room(&counts->tables, counts->table_count, err) == FAILED)
        return FAILED;
    added = &counts->tables[counts->table_count];
    *added = (struct change_count){.table = strdup(table)};
    if (!added->table)
        return error_out_of_memory(err);
    *out_count = added;
    counts->table_count++;
    return OK;
}

static const char *text_of(const struct statement *query, int column)
{
    const char *text = statement_column_text(query, column);

    return text ? text : "";
}

static enum outcome read_pending(struct database *db, struct change_counts *counts,
                                 struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &change_counts_sql.pending, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK) {
        int64_t oldest_us = statement_column_int(&query, 3);
        struct change_count *count;

        if (count_of(counts, text_of(&query, 0), &count, err) == FAILED)
            return FAILED;
        count->pending += statement_column_int(&query, 1);
        counts->rows += statement_column_int(&query, 1);
        counts->entries += statement_column_int(&query, 2);
        if (!counts->oldest_us || oldest_us < counts->oldest_us)
            counts->oldest_us = oldest_us;
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome read_rejected(struct database *db, struct change_counts *counts,
                                  struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &change_counts_sql.rejected, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK) {
        struct change_count *count;

        if (count_of(counts, text_of(&query, 0), &count, err) == FAILED)
            return FAILED;
        count->rejected += statement_column_int(&query, 1);
        counts->rejected += statement_column_int(&query, 1);
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome read_first_rejected(struct database *db,
                                        struct change_first_rejected *first,
                                        struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &change_counts_sql.first_rejected, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    *first = (struct change_first_rejected){
        .rejected_id = statement_column_int(&query, 0),
        .table = strdup(text_of(&query, 1)),
        .row_key = strdup(text_of(&query, 2)),
        .operation = strdup(text_of(&query, 3)),
        .sqlstate = strdup(text_of(&query, 4)),
        .message = strdup(text_of(&query, 5)),
    };
    if (!first->table || !first->row_key || !first->operation || !first->sqlstate ||
        !first->message)
        return error_out_of_memory(err);
    return OK;
}

static enum outcome read_conflicts(struct database *db, struct change_counts *counts,
                                   struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &change_counts_sql.conflicts, err) == FAILED ||
        statement_step(&query, err) == FAILED)
        return FAILED;
    counts->conflicts = statement_column_int(&query, 0);
    counts->conflicts_open = statement_column_int(&query, 1);
    return OK;
}

static enum outcome read_device(struct database *db, struct change_counts *counts,
                                struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &change_counts_sql.device, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    counts->device_id = strdup(text_of(&query, 0));
    return counts->device_id ? OK : error_out_of_memory(err);
}

enum outcome change_counts_read(struct database *db, struct change_counts *out_counts,
                                struct error *err)
{
    OWNED(change_counts_release) struct change_counts counts = {0};

    if (read_pending(db, &counts, err) == FAILED ||
        read_rejected(db, &counts, err) == FAILED ||
        read_first_rejected(db, &counts.first_rejected, err) == FAILED ||
        read_conflicts(db, &counts, err) == FAILED ||
        read_device(db, &counts, err) == FAILED)
        return FAILED;
    *out_counts = TAKE(counts);
    return OK;
}

void change_tables_release(struct change_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        free(tables->items[i].name);
    free(tables->items);
    *tables = (struct change_tables){0};
}

static enum outcome add_table(struct change_tables *tables, const struct statement *query,
                              struct error *err)
{
    struct change_table table = {.table_id = statement_column_int(query, 0)};

    if (array_room(&tables->items, tables->count, err) == FAILED)
        return FAILED;
    table.name = strdup(text_of(query, 1));
    if (!table.name)
        return error_out_of_memory(err);
    tables->items[tables->count++] = table;
    return OK;
}

enum outcome change_counts_tables(struct database *db, struct change_tables *out_tables,
                                  struct error *err)
{
    OWNED(change_tables_release) struct change_tables tables = {0};
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &change_counts_sql.tables, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (add_table(&tables, &query, err) == FAILED)
            return FAILED;
    if (outcome == FAILED)
        return FAILED;
    *out_tables = TAKE(tables);
    return OK;
}
