#include "lib/store/outbox_by_row.h"

#include "lib/base/cleanup.h"
#include "lib/model/row_key.h"
#include "outbox_by_row.sql.h"

#include <stdlib.h>
#include <string.h>

/* The table's number and the canonical key, which begins with a bracket. */
static enum outcome append_sort_key(void *context, int64_t table_id, const char *text,
                                    size_t size, struct buffer *out_text)
{
    struct outbox_by_row *reader = context;
    const struct table *table = outbox_tables_find(reader->tables, table_id);

    if (!table || reader->malformed.kind != ERROR_NONE)
        return NOTHING;
    buffer_append_format(out_text, "%lld", (long long)table_id);
    if (row_key_respell(out_text, table, text, size, &reader->bytes,
                        &reader->malformed) == FAILED)
        return NOTHING;
    return OK;
}

enum outcome outbox_by_row_init(struct outbox_by_row *reader, struct database *db,
                                const struct outbox_tables *tables, struct error *err)
{
    *reader = (struct outbox_by_row){
        .tables = tables,
        .sort_key = {.call = append_sort_key, .context = reader},
    };
    if (statement_prepare(&reader->query, db, &outbox_by_row_sql.entries, err) == FAILED)
        return FAILED;
    statement_bind_function(&reader->query, 1, &reader->sort_key);
    return OK;
}

void outbox_by_row_release(struct outbox_by_row *reader)
{
    statement_release(&reader->query);
    buffer_release(&reader->bytes);
}

static enum outcome step(struct outbox_by_row *reader, struct error *err)
{
    enum outcome outcome = statement_step(&reader->query, err);

    if (outcome == FAILED || reader->malformed.kind == ERROR_NONE)
        return outcome;
    *err = reader->malformed;
    return error_wrap(err, "tide_outbox");
}

enum outcome outbox_by_row_next(struct outbox_by_row *reader,
                                struct outbox_entry *out_entry, struct error *err)
{
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    enum outcome outcome;

    outbox_entry_release(out_entry);
    do
        outcome = step(reader, err);
    while (outcome == OK && statement_column_is_null(&reader->query, 0));
    if (outcome != OK)
        return outcome;
    entry.sequence = statement_column_int(&reader->query, 1);
    entry.table_id = statement_column_int(&reader->query, 2);
    entry.row_key = strdup(strchr(statement_column_text(&reader->query, 0), '['));
    if (!entry.row_key)
        return error_out_of_memory(err);
    if (outbox_entry_read(&entry, &reader->query, 3, err) == FAILED)
        return error_wrap(err, "tide_outbox, sequence %lld", (long long)entry.sequence);
    *out_entry = TAKE(entry);
    return OK;
}
