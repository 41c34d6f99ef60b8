#include "lib/store/row_lookup.h"

#include "lib/base/cleanup.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"

#include <stdlib.h>

enum outcome row_lookup_init(struct row_lookup *lookup, struct database *db,
                             const struct table *table, struct error *err)
{
    OWNED(row_lookup_release) struct row_lookup made = {.table = table};
    OWNED(buffer_release) struct buffer sql = {0};

    made.row = calloc(table->column_count, sizeof(*made.row));
    if (!made.row)
        return error_out_of_memory(err);
    mirror_sql_select_by_key(&sql, table, table->name);
    if (buffer_check(&sql, err) == FAILED ||
        statement_prepare_text(&made.query, db, table->name, sql.data, err) == FAILED)
        return FAILED;
    *lookup = TAKE(made);
    return OK;
}

void row_lookup_release(struct row_lookup *lookup)
{
    statement_release(&lookup->query);
    free(lookup->row);
    *lookup = (struct row_lookup){0};
}

void row_lookup_reset(struct row_lookup *lookup)
{
    statement_reset(&lookup->query);
}

/* An application may have put text where blobs belong: such a key is spelled alike. */
static bool has_blob(const struct value *key, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (key[i].type == VALUE_BLOB)
            return true;
    return false;
}

static enum outcome find(struct row_lookup *lookup, const struct value *key,
                         bool blobs_as_text, struct error *err)
{
    enum outcome outcome;

    statement_reset(&lookup->query);
    for (size_t i = 0; i < lookup->table->key_count; i++) {
        struct value value = key[i];

        if (blobs_as_text && value.type == VALUE_BLOB)
            value.type = VALUE_TEXT;
        value_bind(&lookup->query, (int)i + 1, &value);
    }
    outcome = statement_step(&lookup->query, err);
    if (outcome == OK)
        value_read_all(&lookup->query, lookup->row, lookup->table->column_count);
    return outcome;
}

enum outcome row_lookup_find(struct row_lookup *lookup, const struct value *key,
                             struct error *err)
{
    enum outcome outcome = find(lookup, key, false, err);

    if (outcome == NOTHING && has_blob(key, lookup->table->key_count))
        outcome = find(lookup, key, true, err);
    return outcome;
}
