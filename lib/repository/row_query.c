#include "lib/repository/row_query.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/store/value_binding.h"

#include <stdlib.h>

/* Below SQLite's limit of 32766. */
#define PARAMETER_LIMIT 32000

_Static_assert((int)TIDE_LIVE == (int)MIRROR_LIVE &&
                   (int)TIDE_ONLY_DELETED == (int)MIRROR_ONLY_DELETED &&
                   (int)TIDE_EQUAL == (int)MIRROR_EQUAL &&
                   (int)TIDE_LIKE == (int)MIRROR_LIKE &&
                   (int)TIDE_IS_NOT_NULL == (int)MIRROR_IS_NOT_NULL,
               "scopes and comparisons are cast");

void row_query_release(struct row_query *query)
{
    statement_release(&query->statement);
    for (size_t i = 0; i < query->cell_count; i++)
        row_json_cell_release(&query->cells[i]);
    free(query->cells);
    free(query->conditions);
    free(query->order);
    *query = (struct row_query){0};
}

/* A new parameter; its number is the count then. */
static enum outcome add_cell(struct row_query *query, struct row_json_cell **out_cell,
                             struct error *err)
{
    if (query->cell_count == PARAMETER_LIMIT)
        return error_set(err, ERROR_INVALID, "more than %d values in one query",
                         PARAMETER_LIMIT);
    if (array_room(&query->cells, query->cell_count, err) == FAILED)
        return FAILED;
    *out_cell = &query->cells[query->cell_count++];
    **out_cell = (struct row_json_cell){0};
    return OK;
}

static enum outcome add_value(struct row_query *query, size_t column, const json_t *json,
                              struct error *err)
{
    struct row_json_cell *cell;

    if (add_cell(query, &cell, err) == FAILED)
        return FAILED;
    return row_json_read(query->shape.table, column, json, cell, err);
}

/* ---- filters ---- */

static enum outcome add_pattern(struct row_query *query, const json_t *json,
                                struct error *err)
{
    struct row_json_cell *cell;

    if (!json_is_string(json))
        return error_set(err, ERROR_INVALID, "a pattern is a string");
    if (add_cell(query, &cell, err) == FAILED)
        return FAILED;
    cell->value = (struct value){.type = VALUE_TEXT,
                                 .bytes = json_string_value(json),
                                 .size = json_string_length(json)};
    return OK;
}

static enum outcome add_list(struct row_query *query, struct mirror_condition *condition,
                             const json_t *json, struct error *err)
{
    const json_t *element;
    size_t i;

    if (!json_is_array(json))
        return error_set(err, ERROR_INVALID, "a list is an array");
    json_array_foreach(json, i, element)
    {
        if (json_is_null(element))
            condition->or_null = true;
        else if (add_value(query, condition->column, element, err) == FAILED)
            return FAILED;
    }
    condition->parameter_count = query->cell_count + 1 - condition->parameter;
    return OK;
}

static enum outcome check_comparable(const struct table_column *column,
                                     enum tide_comparison comparison, const json_t *value,
                                     struct error *err)
{
    bool is_json = column->codec == CODEC_JSON || column->codec == CODEC_JSONB;

    if (comparison < TIDE_EQUAL || comparison > TIDE_IS_NOT_NULL)
        return error_set(err, ERROR_INVALID, "there is no comparison %d",
                         (int)comparison);
    if (comparison >= TIDE_IS_NULL)
        return OK;
    if (!value)
        return error_set(err, ERROR_INVALID, "there is no value to compare with");
    if (!is_json)
        return OK;
    error_set(err, ERROR_INVALID, "JSON is not compared");
    return error_hint(err, "tide_repository_select() can look into it");
}

static enum outcome add_condition(struct row_query *query,
                                  struct mirror_condition *condition,
                                  const struct tide_filter *filter, struct error *err)
{
    const struct table_column *column = &query->shape.table->columns[condition->column];

    condition->test = (enum mirror_test)filter->comparison;
    condition->parameter = query->cell_count + 1;
    if (check_comparable(column, filter->comparison, filter->value, err) == FAILED)
        return error_wrap(err, "%s.%s", query->shape.table->name, column->name);
    if (filter->comparison >= TIDE_IS_NULL)
        return OK;
    if (filter->comparison == TIDE_IN)
        return add_list(query, condition, filter->value, err);
    if (filter->comparison == TIDE_LIKE)
        return add_pattern(query, filter->value, err);
    return add_value(query, condition->column, filter->value, err);
}

static enum outcome add_filters(struct row_query *query,
                                const struct tide_repository *repository,
                                const struct tide_filter *filters, struct error *err)
{
    size_t count = 0;

    while (filters && filters[count].column)
        count++;
    query->conditions = calloc(count + 1, sizeof(*query->conditions));
    if (!query->conditions)
        return error_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        if (repository_column(repository, filters[i].column, &query->conditions[i].column,
                              err) == FAILED ||
            add_condition(query, &query->conditions[i], &filters[i], err) == FAILED)
            return FAILED;
    query->shape.conditions = query->conditions;
    query->shape.condition_count = count;
    return OK;
}

/* ---- order and page ---- */

static bool is_ordered_by(const struct row_query *query, size_t column)
{
    for (size_t i = 0; i < query->shape.order_count; i++)
        if (query->order[i].column == column)
            return true;
    return false;
}

static enum outcome add_order(struct row_query *query,
                              const struct tide_repository *repository,
                              const struct tide_order *order, struct error *err)
{
    const struct table *table = query->shape.table;
    size_t count = 0;

    while (order && order[count].column)
        count++;
    query->order = calloc(count + table->key_count, sizeof(*query->order));
    query->shape.order = query->order;
    if (!query->order)
        return error_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct mirror_order *next = &query->order[query->shape.order_count];

        if (repository_column(repository, order[i].column, &next->column, err) == FAILED)
            return FAILED;
        next->descending = order[i].descending;
        query->shape.order_count += !is_ordered_by(query, next->column);
    }
    for (size_t i = 0; i < table->key_count; i++) {
        size_t column = (size_t)table->key[i];

        if (!is_ordered_by(query, column))
            query->order[query->shape.order_count++] =
                (struct mirror_order){.column = column};
    }
    return OK;
}

static enum outcome add_page(struct row_query *query, const json_t *after,
                             struct error *err)
{
    const struct table *table = query->shape.table;

    for (size_t i = 0; after && i < query->shape.order_count; i++) {
        struct mirror_order *order = &query->order[i];
        const char *name = table->columns[order->column].name;
        const json_t *last = json_object_get(after, name);

        if (!last)
            return error_set(err, ERROR_INVALID, "the row to go on after lacks %s.%s",
                             table->name, name);
        order->after_is_null = json_is_null(last);
        order->after = query->cell_count + 1;
        if (!order->after_is_null && add_value(query, order->column, last, err) == FAILED)
            return FAILED;
    }
    query->shape.has_after = after != NULL;
    return OK;
}

/* ---- the statement ---- */

static enum outcome prepare(struct row_query *query, struct database *db, bool counts,
                            struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (counts)
        mirror_sql_repository_count(&sql, &query->shape);
    else
        mirror_sql_repository_select(&sql, &query->shape);
    if (buffer_check(&sql, err) == FAILED ||
        statement_prepare_text(&query->statement, db, query->shape.table->name, sql.data,
                               err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < query->cell_count; i++)
        value_bind(&query->statement, (int)i + 1, &query->cells[i].value);
    return OK;
}

enum outcome row_query_init(struct row_query *query,
                            const struct tide_repository *repository,
                            const struct tide_query *wanted, bool counts,
                            struct error *err)
{
    const struct tide_query all = {0};
    OWNED(row_query_release) struct row_query made = {0};

    wanted = wanted ? wanted : &all;
    if (wanted->scope > TIDE_ONLY_DELETED)
        return error_set(err, ERROR_INVALID, "there is no scope %d", (int)wanted->scope);
    made.shape = (struct mirror_query){
        .table = &repository->table,
        .scope = (enum mirror_scope)wanted->scope,
        .limit = wanted->limit > INT32_MAX ? 0 : wanted->limit,
    };
    if (add_filters(&made, repository, wanted->filters, err) == FAILED ||
        add_order(&made, repository, wanted->order, err) == FAILED ||
        add_page(&made, wanted->after, err) == FAILED ||
        prepare(&made, repository->cache->file.db, counts, err) == FAILED)
        return FAILED;
    *query = TAKE(made);
    return OK;
}
