/* The part of lib/tidemark.h that reads rows of one table. */
#include "lib/repository/repository.h"

#include "lib/base/cleanup.h"
#include "lib/repository/library_error.h"
#include "lib/repository/row_query.h"
#include "lib/store/value_binding.h"

#include <stdlib.h>

/* The row that the statement stands on. */
static enum outcome take_row(const struct tide_repository *repository,
                             const struct statement *statement, json_t **out_row,
                             struct error *err)
{
    size_t count = repository->table.column_count;
    OWNED(text_free) char *memory = calloc(count, sizeof(struct value));
    struct value *row = (struct value *)(void *)memory;

    if (!row)
        return error_out_of_memory(err);
    value_read_all(statement, row, count);
    return repository_row(repository, row, out_row, err);
}

static enum outcome find(struct tide_repository *repository,
                         const struct tide_query *wanted, json_t **out_rows,
                         struct error *err)
{
    OWNED(row_query_release) struct row_query query = {0};
    OWNED(json_decrefp) json_t *rows = json_array();
    enum outcome outcome;

    if (!rows)
        return error_out_of_memory(err);
    if (repository_check(repository, err) == FAILED ||
        row_query_init(&query, repository, wanted, false, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query.statement, err)) == OK) {
        json_t *row;

        if (take_row(repository, &query.statement, &row, err) == FAILED)
            return FAILED;
        if (json_array_append_new(rows, row))
            return error_out_of_memory(err);
    }
    if (outcome == NOTHING)
        *out_rows = TAKE(rows);
    return outcome == FAILED ? FAILED : OK;
}

enum tide_result tide_repository_find(struct tide_repository *repository,
                                      const struct tide_query *query, json_t **out_rows,
                                      struct tide_error *err)
{
    struct error why = {0};

    return library_result(find(repository, query, out_rows, &why), &why, err);
}

static enum outcome get_one(struct tide_repository *repository,
                            const struct tide_filter *filters, enum tide_scope scope,
                            json_t **out_row, struct error *err)
{
    const struct tide_query two = {.filters = filters, .limit = 2, .scope = scope};
    OWNED(json_decrefp) json_t *rows = NULL;

    if (find(repository, &two, &rows, err) == FAILED)
        return FAILED;
    if (json_array_size(rows) > 1)
        return error_set(err, ERROR_CONFLICT, "more than one row of %s is like that",
                         repository->table.name);
    if (json_array_size(rows) == 0)
        return NOTHING;
    *out_row = json_incref(json_array_get(rows, 0));
    return OK;
}

enum tide_result tide_repository_get_one(struct tide_repository *repository,
                                         const struct tide_filter *filters,
                                         enum tide_scope scope, json_t **out_row,
                                         struct tide_error *err)
{
    struct error why = {0};

    return library_result(get_one(repository, filters, scope, out_row, &why), &why, err);
}

static enum outcome count(struct tide_repository *repository,
                          const struct tide_query *wanted, int64_t *out_count,
                          struct error *err)
{
    OWNED(row_query_release) struct row_query query = {0};

    if (repository_check(repository, err) == FAILED ||
        row_query_init(&query, repository, wanted, true, err) == FAILED ||
        statement_step(&query.statement, err) == FAILED)
        return FAILED;
    *out_count = statement_column_int(&query.statement, 0);
    return OK;
}

enum tide_result tide_repository_count(struct tide_repository *repository,
                                       const struct tide_filter *filters,
                                       enum tide_scope scope, int64_t *out_count,
                                       struct tide_error *err)
{
    const struct tide_query all = {.filters = filters, .scope = scope};
    struct error why = {0};

    return library_result(count(repository, &all, out_count, &why), &why, err);
}

static enum outcome get_by_id(struct tide_repository *repository, const json_t *id,
                              json_t **out_row, bool *out_deleted, struct error *err)
{
    OWNED(repository_key_release) struct repository_key key = {0};
    OWNED(row_lookup_release) struct row_lookup lookup = {0};
    enum outcome outcome;

    if (repository_check(repository, err) == FAILED ||
        repository_key_read(repository, id, &key, err) == FAILED ||
        row_lookup_init(&lookup, repository->cache->file.db, &repository->table, err) ==
            FAILED)
        return FAILED;
    outcome = row_lookup_find(&lookup, key.values, err);
    if (outcome != OK)
        return outcome;
    *out_deleted = repository_is_deleted(repository, lookup.row);
    return repository_row(repository, lookup.row, out_row, err);
}

enum tide_result tide_repository_get_by_id(struct tide_repository *repository,
                                           const json_t *id, enum tide_scope scope,
                                           json_t **out_row, struct tide_error *err)
{
    OWNED(json_decrefp) json_t *row = NULL;
    bool is_deleted = false;
    struct error why = {0};
    enum outcome outcome = get_by_id(repository, id, &row, &is_deleted, &why);

    if (outcome == OK && scope == TIDE_ONLY_DELETED && !is_deleted)
        outcome = NOTHING;
    if (outcome != OK)
        return library_result(outcome, &why, err);
    *out_row = TAKE(row);
    return is_deleted && scope == TIDE_LIVE ? TIDE_DELETED : TIDE_OK;
}
