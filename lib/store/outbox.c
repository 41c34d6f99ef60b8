#include "lib/store/outbox.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "outbox.sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_DAY 86400000.0
#define JULIAN_DAY_OF_1970 2440587.5

const struct table *outbox_tables_named(const struct outbox_tables *tables,
                                        const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (table_same_name(tables->items[i].table->name, name))
            return tables->items[i].table;
    return NULL;
}

const struct table *outbox_tables_find(const struct outbox_tables *tables,
                                       int64_t table_id)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->items[i].table_id == table_id)
            return tables->items[i].table;
    return NULL;
}

/* Which of two copies of the definition is asked with must not make a difference. */
static bool is_same_table(const struct table *a, const struct table *b)
{
    return a == b || (a->oid == b->oid && table_same_name(a->name, b->name));
}

int64_t outbox_tables_id(const struct outbox_tables *tables, const struct table *table)
{
    for (size_t i = 0; i < tables->count; i++)
        if (is_same_table(tables->items[i].table, table))
            return tables->items[i].table_id;
    return 0;
}

/* julianday('now') counts whole milliseconds. Anything can stand in the column. */
static int64_t time_us(double julian_day)
{
    if (!(julian_day > 0 && julian_day < 1e7))
        return 0;
    return llround((julian_day - JULIAN_DAY_OF_1970) * MS_PER_DAY) * US_PER_MS;
}

enum outcome outbox_first_sequence(struct database *db, int64_t *out_sequence,
                                   struct error *err)
{
    return database_query_int(db, outbox_sql.first_sequence.name,
                              outbox_sql.first_sequence.text, out_sequence, err);
}

enum outcome outbox_last_sequence(struct database *db, int64_t *out_sequence,
                                  struct error *err)
{
    return database_query_int(db, outbox_sql.last_sequence.name,
                              outbox_sql.last_sequence.text, out_sequence, err);
}

enum outcome outbox_reader_init(struct outbox_reader *reader, struct database *db,
                                const struct outbox_tables *tables, int64_t after,
                                struct error *err)
{
    *reader = (struct outbox_reader){.tables = tables};
    if (statement_prepare(&reader->query, db, &outbox_sql.entries, err) == FAILED)
        return FAILED;
    statement_bind_int(&reader->query, 1, after);
    return OK;
}

void outbox_reader_release(struct outbox_reader *reader)
{
    statement_release(&reader->query);
    *reader = (struct outbox_reader){0};
}

static enum outcome read_key(const struct outbox_reader *reader,
                             struct outbox_entry *entry, struct error *err)
{
    const char *key = statement_column_text(&reader->query, 2);
    const struct table *table = outbox_tables_find(reader->tables, entry->table_id);

    if (!key)
        return OK;
    if (table)
        return row_key_canonical_bytes(
            table, key, statement_column_size(&reader->query, 2), &entry->row_key, err);
    entry->row_key = strdup(key);
    return entry->row_key ? OK : error_out_of_memory(err);
}

static enum outcome name_entry(int64_t sequence, struct error *err)
{
    return error_wrap(err, "tide_outbox, sequence %lld", (long long)sequence);
}

static enum outcome read_change(struct outbox_entry *entry, const struct statement *query,
                                int column, struct error *err)
{
    const char *operation = statement_column_text(query, column);
    const char *base = statement_column_text(query, column + 1);

    entry->operation = outbox_operation_read(operation ? operation : "");
    if (entry->operation == OUTBOX_NONE)
        return error_set(err, ERROR_CORRUPT, "not an operation: %.40s",
                         operation ? operation : "(null)");
    entry->changed_us = time_us(statement_column_real(query, column + 2));
    return change_base_parse(&entry->base, base, statement_column_size(query, column + 1),
                             err);
}

enum outcome outbox_entry_read(struct outbox_entry *entry, const struct statement *query,
                               int column, struct error *err)
{
    if (read_change(entry, query, column, err) == FAILED)
        return name_entry(entry->sequence, err);
    return OK;
}

enum outcome outbox_reader_next(struct outbox_reader *reader,
                                struct outbox_entry *out_entry, struct error *err)
{
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    enum outcome outcome = statement_step(&reader->query, err);

    outbox_entry_release(out_entry);
    if (outcome != OK)
        return outcome;
    entry.sequence = statement_column_int(&reader->query, 0);
    entry.table_id = statement_column_int(&reader->query, 1);
    if (read_key(reader, &entry, err) == FAILED)
        return name_entry(entry.sequence, err);
    if (outbox_entry_read(&entry, &reader->query, 3, err) == FAILED)
        return FAILED;
    *out_entry = TAKE(entry);
    return OK;
}

enum outcome outbox_delete_through(struct database *db, int64_t sequence,
                                   struct error *err)
{
    OWNED(statement_release) struct statement remove = {0};

    if (statement_prepare(&remove, db, &outbox_sql.delete_through, err) == FAILED)
        return FAILED;
    statement_bind_int(&remove, 1, sequence);
    return statement_run(&remove, err);
}
