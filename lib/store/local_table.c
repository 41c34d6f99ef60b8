#include "lib/store/local_table.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "local_table.sql.h"

#include <stdlib.h>
#include <string.h>

struct declared_type {
    const char *name;
    enum column_codec codec;
};

static const struct declared_type declared_types[] = {
    {"INTEGER", CODEC_BIGINT},
    {"REAL", CODEC_DOUBLE},
    {"NUMERIC", CODEC_NUMERIC_SHORT},
    {"BLOB", CODEC_BYTEA},
};

static enum column_codec codec_of(const char *type)
{
    for (size_t i = 0; i < sizeof(declared_types) / sizeof(declared_types[0]); i++)
        if (strcmp(declared_types[i].name, type) == 0)
            return declared_types[i].codec;
    return CODEC_TEXT;
}

static enum outcome add_column(struct table *table, const struct statement *query,
                               struct error *err)
{
    size_t count = table->column_count;
    struct table_column *columns =
        reallocarray(table->columns, count + 1, sizeof(*columns));
    int64_t position = statement_column_int(query, 5);

    if (!columns)
        return error_out_of_memory(err);
    table->columns = columns;
    columns[count] = (struct table_column){
        .name = strdup(statement_column_text(query, 2)),
        .type_name = strdup(statement_column_text(query, 3)),
        .codec = codec_of(statement_column_text(query, 3)),
        .not_null = statement_column_int(query, 4) != 0,
    };
    table->column_count++;
    if (!columns[count].name || !columns[count].type_name)
        return error_out_of_memory(err);
    if (position > 0 && position <= TABLE_KEY_LIMIT) {
        table->key[position - 1] = (int)count;
        table->key_count += 1;
    }
    return OK;
}

static enum outcome start_table(struct table *table, const struct statement *query,
                                struct error *err)
{
    table->name = strdup(statement_column_text(query, 0));
    table->schema = strdup(statement_column_text(query, 1));
    table->key = calloc(TABLE_KEY_LIMIT, sizeof(*table->key));
    return table->name && table->schema && table->key ? OK : error_out_of_memory(err);
}

static enum outcome read_columns(struct statement *query, struct table *table,
                                 struct error *err)
{
    enum outcome outcome;

    while ((outcome = statement_step(query, err)) == OK) {
        if (!table->name && start_table(table, query, err) == FAILED)
            return FAILED;
        if (add_column(table, query, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome local_table_read(struct database *db, const char *name,
                              struct table *out_table, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(table_release) struct table table = {0};

    table.updated_at = table.deleted_at = TABLE_NO_COLUMN;
    if (statement_prepare(&query, db, &local_table_sql.columns, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, name);
    if (read_columns(&query, &table, err) == FAILED)
        return FAILED;
    if (!table.key_count)
        return NOTHING;
    *out_table = TAKE(table);
    return OK;
}
