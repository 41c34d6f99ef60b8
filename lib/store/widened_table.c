#include "lib/store/widened_table.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "widened_table.sql.h"

#include <stdlib.h>
#include <string.h>

static void index_end(struct table_index *index)
{
    free(index->name);
    free(index->columns);
    *index = (struct table_index){0};
}

void widened_table_release(struct widened_table *widened)
{
    for (size_t i = widened->index_count; i < widened->table.index_count; i++)
        index_end(&widened->table.indexes[i]);
    free(widened->table.indexes);
    *widened = (struct widened_table){0};
}

static enum outcome add_index(struct table *table, const char *name, struct error *err)
{
    struct table_index *indexes =
        reallocarray(table->indexes, table->index_count + 1, sizeof(*indexes));

    if (!indexes)
        return error_out_of_memory(err);
    table->indexes = indexes;
    indexes[table->index_count] = (struct table_index){
        .name = strdup(name),
        .unique = true,
        .columns = calloc(table->column_count, sizeof(*indexes->columns)),
    };
    table->index_count++;
    if (!indexes[table->index_count - 1].name || !indexes[table->index_count - 1].columns)
        return error_out_of_memory(err);
    return OK;
}

/* An expression has no name; what applications added to the table is no column of ours.
 */
static bool compares_alike(const struct table *table, int column, const char *collation)
{
    const char *own;

    if (column == TABLE_NO_COLUMN)
        return false;
    own = column_codec_info(table->columns[column].codec)->collation;
    return table_same_name(own ? own : "BINARY", collation);
}

static void drop_last(struct table *table)
{
    index_end(&table->indexes[--table->index_count]);
}

/* The row of the query is one column; skipped: an index that is left out. */
static enum outcome add_column(struct widened_table *widened,
                               const struct statement *query, struct buffer *skipped,
                               struct error *err)
{
    struct table *table = &widened->table;
    const char *name = statement_column_text(query, 0);
    int column = table_find_column(table, statement_column_text(query, 1));
    struct table_index *index;
    bool is_new = table->index_count == widened->index_count ||
                  strcmp(table->indexes[table->index_count - 1].name, name) != 0;

    if (skipped->length && strcmp(skipped->data, name) == 0)
        return OK;
    if (is_new && add_index(table, name, err) == FAILED)
        return FAILED;
    index = &table->indexes[table->index_count - 1];
    if (compares_alike(table, column, statement_column_text(query, 2)) &&
        index->column_count < table->column_count) {
        index->columns[index->column_count++] = column;
        return OK;
    }
    drop_last(table);
    buffer_clear(skipped);
    buffer_append_text(skipped, name);
    return buffer_check(skipped, err);
}

static enum outcome copy_indexes(struct widened_table *widened, const struct table *table,
                                 struct error *err)
{
    widened->table = *table;
    widened->index_count = table->index_count;
    widened->table.indexes = calloc(table->index_count + 1, sizeof(*table->indexes));
    if (!widened->table.indexes) {
        *widened = (struct widened_table){0};
        return error_out_of_memory(err);
    }
    if (table->index_count)
        memcpy(widened->table.indexes, table->indexes,
               table->index_count * sizeof(*table->indexes));
    return OK;
}

enum outcome widened_table_init(struct widened_table *widened, struct database *db,
                                const struct table *table, struct error *err)
{
    OWNED(widened_table_release) struct widened_table made = {0};
    OWNED(statement_release) struct statement query = {0};
    OWNED(buffer_release) struct buffer skipped = {0};
    enum outcome outcome;

    if (copy_indexes(&made, table, err) == FAILED ||
        statement_prepare(&query, db, &widened_table_sql.index_columns, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table->name);
    while ((outcome = statement_step(&query, err)) == OK)
        if (add_column(&made, &query, &skipped, err) == FAILED)
            return FAILED;
    if (outcome == FAILED)
        return FAILED;
    *widened = TAKE(made);
    return OK;
}
