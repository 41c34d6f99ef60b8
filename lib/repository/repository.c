#include "lib/repository/repository.h"

#include "lib/base/cleanup.h"
#include "lib/base/text_distance.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/repository/library_error.h"
#include "lib/store/local_table.h"

#include <stdlib.h>
#include <string.h>

static void drop_repository(struct tide_repository **repository)
{
    tide_repository_free(*repository);
}

static enum outcome read_schema_version(struct database *db, int64_t *out_version,
                                        struct error *err)
{
    return database_query_int(db, "read the schema's version", "pragma schema_version",
                              out_version, err);
}

static enum outcome no_such_table(const char *table, struct error *err)
{
    error_set(err, ERROR_INVALID, "the cache mirrors no table %s", table);
    return error_hint(err, "`tidemark status` lists the tables");
}

static enum outcome make(struct tide_repository *repository, const char *table,
                         struct error *err)
{
    struct database *db = repository->cache->file.db;
    enum outcome outcome;

    if (read_schema_version(db, &repository->schema_version, err) == FAILED)
        return FAILED;
    outcome = local_table_read(db, table, &repository->table, err);
    return outcome == NOTHING ? no_such_table(table, err) : outcome;
}

enum tide_result tide_repository_new(struct tide_repository **out_repository,
                                     struct tide_cache *cache, const char *table,
                                     struct tide_error *err)
{
    OWNED(drop_repository)
    struct tide_repository *repository = calloc(1, sizeof(*repository));
    struct error why = {0};

    if (!repository) {
        error_out_of_memory(&why);
        return library_failed(&why, err);
    }
    repository->cache = cache;
    if (make(repository, table, &why) == FAILED)
        return library_failed(&why, err);
    *out_repository = TAKE(repository);
    return TIDE_OK;
}

static void drop_statement(struct kept_statement *kept)
{
    statement_release(&kept->statement);
    free(TAKE(kept->sql));
}

enum outcome repository_prepare(struct tide_repository *repository,
                                struct kept_statement *kept, struct buffer *sql,
                                struct statement **out_statement, struct error *err)
{
    if (buffer_check(sql, err) == FAILED)
        return FAILED;
    if (!kept->sql || strcmp(kept->sql, sql->data) != 0) {
        drop_statement(kept);
        if (statement_prepare_text(&kept->statement, repository->cache->file.db,
                                   repository->table.name, sql->data, err) == FAILED)
            return FAILED;
        kept->sql = buffer_take(sql);
    }
    *out_statement = &kept->statement;
    return OK;
}

void tide_repository_free(struct tide_repository *repository)
{
    if (!repository)
        return;
    drop_statement(&repository->insert);
    drop_statement(&repository->update);
    table_release(&repository->table);
    free(repository);
}

/* The file's schema changes more often than this table does. */
enum outcome repository_check(struct tide_repository *repository, struct error *err)
{
    OWNED(table_release) struct table now = {0};
    struct database *db = repository->cache->file.db;
    int64_t version = 0;
    enum outcome outcome;

    if (read_schema_version(db, &version, err) == FAILED)
        return FAILED;
    if (version == repository->schema_version)
        return OK;
    outcome = local_table_read(db, repository->table.name, &now, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING || strcmp(now.fingerprint, repository->table.fingerprint)) {
        error_set(err, ERROR_SCHEMA,
                  outcome == NOTHING ? "%s is not mirrored any more"
                                     : "%s has changed since its repository was made",
                  repository->table.name);
        return error_hint(err, "make the repository anew");
    }
    repository->schema_version = version;
    return OK;
}

enum outcome repository_column(const struct tide_repository *repository, const char *name,
                               size_t *out_column, struct error *err)
{
    const struct table *table = &repository->table;
    int column = table_find_column(table, name);
    const char **names;

    if (column != TABLE_NO_COLUMN) {
        *out_column = (size_t)column;
        return OK;
    }
    error_set(err, ERROR_INVALID, "%s has no column %s", table->name, name);
    names = calloc(table->column_count, sizeof(*names));
    if (!names)
        return FAILED;
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    if (text_nearest(name, names, table->column_count))
        error_hint(err, "did you mean %s?",
                   text_nearest(name, names, table->column_count));
    free(names);
    return FAILED;
}

/* ---- keys ---- */

void repository_key_release(struct repository_key *key)
{
    for (size_t i = 0; i < TABLE_KEY_LIMIT; i++)
        row_json_cell_release(&key->cells[i]);
    *key = (struct repository_key){0};
}

static enum outcome read_key_column(const struct tide_repository *repository,
                                    const json_t *json, struct repository_key *key,
                                    size_t i, struct error *err)
{
    const struct table *table = &repository->table;
    size_t column = (size_t)table->key[i];

    if (!json || json_is_null(json))
        return error_set(err, ERROR_INVALID, "the id lacks %s.%s", table->name,
                         table->columns[column].name);
    if (row_json_read(table, column, json, &key->cells[i], err) == FAILED)
        return FAILED;
    key->values[i] = key->cells[i].value;
    return OK;
}

static enum outcome only_key_columns(const struct table *table, const json_t *id,
                                     struct error *err)
{
    if (json_object_size(id) == table->key_count)
        return OK;
    return error_set(err, ERROR_INVALID,
                     "the id of %s has %zu columns, and no others are given", table->name,
                     table->key_count);
}

enum outcome repository_key_read(const struct tide_repository *repository,
                                 const json_t *id, struct repository_key *key,
                                 struct error *err)
{
    const struct table *table = &repository->table;

    if (!id)
        return error_set(err, ERROR_INVALID, "%s: there is no id", table->name);
    if (!json_is_object(id) && table->key_count > 1)
        return error_set(
            err, ERROR_INVALID, "the id of %s is an object of %zu columns, %s first",
            table->name, table->key_count, table->columns[table->key[0]].name);
    if (!json_is_object(id))
        return read_key_column(repository, id, key, 0, err);
    for (size_t i = 0; i < table->key_count; i++)
        if (read_key_column(repository,
                            json_object_get(id, table->columns[table->key[i]].name), key,
                            i, err) == FAILED)
            return FAILED;
    return only_key_columns(table, id, err);
}

void repository_append_name(struct buffer *text, const struct table *table,
                            const struct value *key)
{
    buffer_append_text(text, table->name);
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(text, i ? ", " : " ");
        value_append_text(text, &key[i]);
    }
}

/* ---- rows ---- */

bool repository_is_deleted(const struct tide_repository *repository,
                           const struct value *row)
{
    int deleted_at = repository->table.deleted_at;

    return deleted_at != TABLE_NO_COLUMN && row[deleted_at].type != VALUE_NULL;
}

enum outcome repository_row(const struct tide_repository *repository,
                            const struct value *row, json_t **out_row, struct error *err)
{
    json_t *json = row_json(&repository->table, row);

    if (!json)
        return error_out_of_memory(err);
    *out_row = json;
    return OK;
}
