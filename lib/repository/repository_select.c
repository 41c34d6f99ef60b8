/* The part of lib/tidemark.h that runs an application's own queries. */
#include "lib/base/json_writer.h"
#include "lib/repository/repository.h"

#include "lib/base/cleanup.h"
#include "lib/repository/library_error.h"
#include "lib/repository/scoped_sql.h"
#include "lib/store/column_json.h"

#include <string.h>

/* Of a query's parameters that are arrays or objects: their text, which must live until
 * the query has run. */
struct parameter_texts {
    struct buffer *items;
    size_t count;
};

static void release_texts(struct parameter_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        buffer_release(&texts->items[i]);
    free(texts->items);
}

static enum outcome bind_text_of(struct statement *query, int parameter,
                                 const json_t *json, struct parameter_texts *texts,
                                 struct error *err)
{
    struct buffer *text = &texts->items[texts->count++];

    json_writer_append(text, json, JSON_FORM_COMPACT);
    if (buffer_check(text, err) == FAILED)
        return FAILED;
    statement_bind_bytes(query, parameter, text->data, text->length);
    return OK;
}

static enum outcome bind(struct statement *query, int parameter, const json_t *json,
                         struct parameter_texts *texts, struct error *err)
{
    switch (json_typeof(json)) {
    case JSON_NULL:
        statement_bind_null(query, parameter);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        statement_bind_int(query, parameter, json_is_true(json));
        break;
    case JSON_INTEGER:
        statement_bind_int(query, parameter, json_integer_value(json));
        break;
    case JSON_REAL:
        statement_bind_real(query, parameter, json_real_value(json));
        break;
    case JSON_STRING:
        statement_bind_bytes(query, parameter, json_string_value(json),
                             json_string_length(json));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return bind_text_of(query, parameter, json, texts, err);
    }
    return OK;
}

/* The value for a parameter; NULL and an error when it was not given. */
static const json_t *value_for(const struct statement *query, int parameter,
                               const json_t *parameters, struct error *err)
{
    const char *name = statement_parameter_name(query, parameter);
    bool is_numbered = !name || *name == '?';
    const json_t *value =
        json_is_object(parameters) && !is_numbered
            ? json_object_get(parameters, name + 1)
            : json_array_get(parameters, (size_t)parameter - 1); /* NULL for no array */

    if (!value)
        error_set(err, ERROR_INVALID, "no value was given for parameter %d%s%s",
                  parameter, name ? ", " : "", name ? name : "");
    return value;
}

static bool is_parameter(const struct statement *query, const char *name)
{
    for (int i = 1; i <= statement_parameter_count(query); i++) {
        const char *known = statement_parameter_name(query, i);

        if (known && *known != '?' && strcmp(known + 1, name) == 0)
            return true;
    }
    return false;
}

/* A value too many is a mistake too. */
static enum outcome check_all_used(const struct statement *query,
                                   const json_t *parameters, struct error *err)
{
    int count = statement_parameter_count(query);
    const char *name;
    json_t *value;

    if (json_is_array(parameters) && json_array_size(parameters) > (size_t)count)
        return error_set(err, ERROR_INVALID, "%zu values were given for %d parameters",
                         json_array_size(parameters), count);
    json_object_foreach((json_t *)(uintptr_t)parameters, name, value)
    {
        if (!is_parameter(query, name))
            return error_set(err, ERROR_INVALID, "the query has no parameter :%s", name);
    }
    return OK;
}

static enum outcome bind_all(struct statement *query, const json_t *parameters,
                             struct parameter_texts *texts, struct error *err)
{
    int count = statement_parameter_count(query);

    if (parameters && !json_is_array(parameters) && !json_is_object(parameters))
        return error_set(err, ERROR_INVALID, "parameters are an array or an object");
    if (check_all_used(query, parameters, err) == FAILED)
        return FAILED;
    texts->items = calloc((size_t)count + 1, sizeof(*texts->items));
    if (!texts->items)
        return error_out_of_memory(err);
    for (int i = 1; i <= count; i++) {
        const json_t *value = value_for(query, i, parameters, err);

        if (!value || bind(query, i, value, texts, err) == FAILED)
            return FAILED;
    }
    return OK;
}

static enum outcome check_columns(const struct statement *query, struct error *err)
{
    int count = statement_column_count(query);

    for (int i = 0; i < count; i++) {
        const char *name = statement_column_name(query, i);

        if (!name)
            return error_out_of_memory(err);
        for (int k = 0; k < i; k++)
            if (strcmp(statement_column_name(query, k), name) == 0) {
                error_set(err, ERROR_INVALID, "two columns of the result are called %s",
                          name);
                return error_hint(err, "name one of them with AS");
            }
    }
    return OK;
}

static enum outcome append_row(const struct statement *query, json_t *rows,
                               struct error *err)
{
    json_t *row = json_object();
    int count = statement_column_count(query);

    if (json_array_append_new(rows, row))
        return error_out_of_memory(err);
    for (int i = 0; i < count; i++)
        if (json_object_set_new_nocheck(row, statement_column_name(query, i),
                                        column_json(query, i)))
            return error_out_of_memory(err);
    return OK;
}

static enum outcome run(struct database *db, const char *sql, const json_t *parameters,
                        json_t *rows, struct error *err)
{
    OWNED(release_texts) struct parameter_texts texts = {0};
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare_query(&query, db, "query", sql, err) == FAILED ||
        check_columns(&query, err) == FAILED ||
        bind_all(&query, parameters, &texts, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (append_row(&query, rows, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome select_rows(struct tide_repository *repository, const char *sql,
                                const json_t *parameters, enum tide_scope scope,
                                json_t **out_rows, struct error *err)
{
    struct database *db = repository->cache->file.db;
    OWNED(buffer_release) struct buffer scoped = {0};
    OWNED(json_decrefp) json_t *rows = json_array();

    if (!rows)
        return error_out_of_memory(err);
    if (scoped_sql_append(&scoped, db, sql, (enum mirror_scope)scope, err) == FAILED ||
        run(db, scoped.data, parameters, rows, err) == FAILED)
        return FAILED;
    *out_rows = TAKE(rows);
    return OK;
}

enum tide_result tide_repository_select(struct tide_repository *repository,
                                        const char *sql, const json_t *parameters,
                                        enum tide_scope scope, json_t **out_rows,
                                        struct tide_error *err)
{
    struct error why = {0};

    return library_result(select_rows(repository, sql, parameters, scope, out_rows, &why),
                          &why, err);
}
