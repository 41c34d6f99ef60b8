#include "lib/store/mirror_sql_repository.h"

#include "lib/store/mirror_sql.h"

static void name_of(struct buffer *sql, const struct table *table, size_t column)
{
    mirror_sql_identifier(sql, table->columns[column].name);
}

/* Exact numerics are text in the cache: in order they are numbers. */
static bool is_number_as_text(const struct table *table, size_t column)
{
    return table->columns[column].codec == CODEC_NUMERIC;
}

static void ordered(struct buffer *sql, const struct table *table, size_t column)
{
    bool cast = is_number_as_text(table, column);

    buffer_append_text(sql, cast ? "CAST(" : "");
    name_of(sql, table, column);
    buffer_append_text(sql, cast ? " AS REAL)" : "");
}

static void ordered_parameter(struct buffer *sql, const struct table *table,
                              size_t column, size_t parameter)
{
    buffer_append_format(
        sql, is_number_as_text(table, column) ? "CAST(?%zu AS REAL)" : "?%zu", parameter);
}

static void in_list(struct buffer *sql, const struct table *table,
                    const struct mirror_condition *condition)
{
    buffer_append_text(sql, "(");
    name_of(sql, table, condition->column);
    buffer_append_text(sql, " IN (");
    for (size_t i = 0; i < condition->parameter_count; i++)
        buffer_append_format(sql, "%s?%zu", i ? ", " : "", condition->parameter + i);
    buffer_append_text(sql, ")");
    if (condition->or_null) {
        buffer_append_text(sql, " OR ");
        name_of(sql, table, condition->column);
        buffer_append_text(sql, " IS NULL");
    }
    buffer_append_text(sql, ")");
}

static void condition(struct buffer *sql, const struct table *table,
                      const struct mirror_condition *condition)
{
    static const char *const operators[] = {
        [MIRROR_EQUAL] = " IS ",       [MIRROR_NOT_EQUAL] = " IS NOT ",
        [MIRROR_LESS] = " < ",         [MIRROR_LESS_OR_EQUAL] = " <= ",
        [MIRROR_GREATER] = " > ",      [MIRROR_GREATER_OR_EQUAL] = " >= ",
        [MIRROR_LIKE] = " LIKE ",      [MIRROR_IN] = "",
        [MIRROR_IS_NULL] = " IS NULL", [MIRROR_IS_NOT_NULL] = " IS NOT NULL",
    };
    bool is_about_order =
        condition->test >= MIRROR_LESS && condition->test <= MIRROR_GREATER_OR_EQUAL;

    if (condition->test == MIRROR_IN) {
        in_list(sql, table, condition);
        return;
    }
    if (is_about_order)
        ordered(sql, table, condition->column);
    else
        name_of(sql, table, condition->column);
    buffer_append_text(sql, operators[condition->test]);
    if (is_about_order)
        ordered_parameter(sql, table, condition->column, condition->parameter);
    else if (condition->test < MIRROR_IN)
        buffer_append_format(sql, "?%zu", condition->parameter);
    buffer_append_text(sql, condition->test == MIRROR_LIKE ? " ESCAPE '\\'" : "");
}

/* Rows behind one value: nulls come first, and last when descending. */
static void behind(struct buffer *sql, const struct table *table,
                   const struct mirror_order *order)
{
    if (order->after_is_null) {
        ordered(sql, table, order->column);
        buffer_append_text(sql, order->descending ? " IS NULL AND 0" : " IS NOT NULL");
        return;
    }
    buffer_append_text(sql, "(");
    ordered(sql, table, order->column);
    buffer_append_text(sql, order->descending ? " < " : " > ");
    ordered_parameter(sql, table, order->column, order->after);
    if (order->descending) {
        buffer_append_text(sql, " OR ");
        name_of(sql, table, order->column);
        buffer_append_text(sql, " IS NULL");
    }
    buffer_append_text(sql, ")");
}

static void beside(struct buffer *sql, const struct table *table,
                   const struct mirror_order *order)
{
    ordered(sql, table, order->column);
    if (order->after_is_null) {
        buffer_append_text(sql, " IS NULL");
        return;
    }
    buffer_append_text(sql, " = ");
    ordered_parameter(sql, table, order->column, order->after);
}

/* a > ?1 OR (a = ?1 AND (b > ?2 OR (b = ?2 AND …))) */
static void after_page(struct buffer *sql, const struct mirror_query *query)
{
    for (size_t i = 0; i < query->order_count; i++) {
        bool is_last = i + 1 == query->order_count;

        buffer_append_text(sql, "(");
        behind(sql, query->table, &query->order[i]);
        if (is_last)
            continue;
        buffer_append_text(sql, " OR (");
        beside(sql, query->table, &query->order[i]);
        buffer_append_text(sql, " AND ");
    }
    for (size_t i = 0; i < query->order_count; i++)
        buffer_append_text(sql, i ? "))" : ")");
}

static void scope_test(struct buffer *sql, const struct table *table,
                       enum mirror_scope scope)
{
    if (table->deleted_at == TABLE_NO_COLUMN) {
        buffer_append_text(sql, scope == MIRROR_ONLY_DELETED ? "0" : "1");
    } else if (scope == MIRROR_WITH_DELETED) {
        buffer_append_text(sql, "1");
    } else {
        name_of(sql, table, (size_t)table->deleted_at);
        buffer_append_text(sql, scope == MIRROR_LIVE ? " IS NULL" : " IS NOT NULL");
    }
}

static void where(struct buffer *sql, const struct mirror_query *query)
{
    buffer_append_text(sql, " WHERE ");
    scope_test(sql, query->table, query->scope);
    for (size_t i = 0; i < query->condition_count; i++) {
        buffer_append_text(sql, " AND ");
        condition(sql, query->table, &query->conditions[i]);
    }
}

void mirror_sql_repository_select(struct buffer *sql, const struct mirror_query *query)
{
    mirror_sql_select_all(sql, query->table, query->table->name);
    where(sql, query);
    if (query->has_after) {
        buffer_append_text(sql, " AND ");
        after_page(sql, query);
    }
    for (size_t i = 0; i < query->order_count; i++) {
        buffer_append_text(sql, i ? ", " : " ORDER BY ");
        ordered(sql, query->table, query->order[i].column);
        buffer_append_text(sql, query->order[i].descending ? " DESC" : "");
    }
    if (query->limit)
        buffer_append_format(sql, " LIMIT %zu", query->limit);
}

void mirror_sql_repository_count(struct buffer *sql, const struct mirror_query *query)
{
    buffer_append_text(sql, "SELECT count(*) FROM ");
    mirror_sql_identifier(sql, query->table->name);
    where(sql, query);
}

void mirror_sql_repository_insert(struct buffer *sql, const struct table *table,
                                  const size_t *columns, size_t count)
{
    if (count) {
        mirror_sql_edit_insert(sql, table, table->name, columns, count);
    } else {
        buffer_append_text(sql, "INSERT INTO ");
        mirror_sql_identifier(sql, table->name);
        buffer_append_text(sql, " DEFAULT VALUES");
    }
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? ", " : " RETURNING ");
        name_of(sql, table, (size_t)table->key[i]);
    }
}

void mirror_sql_repository_rows_as(struct buffer *sql, const struct table *table,
                                   enum mirror_scope scope)
{
    mirror_sql_identifier(sql, table->name);
    buffer_append_text(sql, " AS (SELECT * FROM main.");
    mirror_sql_identifier(sql, table->name);
    buffer_append_text(sql, " WHERE ");
    scope_test(sql, table, scope);
    buffer_append_text(sql, ")");
}
