#include "lib/store/row_list.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/mirror_sql_list.h"
#include "lib/store/value_binding.h"

#include <stdio.h>
#include <string.h>

static enum outcome shape_keys(struct table *shape, const struct table *table,
                               struct error *err)
{
    shape->columns = calloc(table->key_count, sizeof(*shape->columns));
    shape->key = calloc(table->key_count, sizeof(*shape->key));
    if (!shape->columns || !shape->key)
        return error_out_of_memory(err);
    for (size_t i = 0; i < table->key_count; i++) {
        shape->columns[i] = table->columns[table->key[i]];
        shape->key[i] = (int)i;
    }
    shape->column_count = shape->key_count = table->key_count;
    return OK;
}

static enum outcome shape_rows(struct table *shape, const struct table *table,
                               struct error *err)
{
    shape->columns = calloc(table->column_count, sizeof(*shape->columns));
    shape->key = calloc(table->key_count, sizeof(*shape->key));
    if (!shape->columns || !shape->key)
        return error_out_of_memory(err);
    memcpy(shape->columns, table->columns, table->column_count * sizeof(*shape->columns));
    memcpy(shape->key, table->key, table->key_count * sizeof(*shape->key));
    shape->column_count = table->column_count;
    shape->key_count = table->key_count;
    return OK;
}

enum outcome row_list_make(struct row_list *list, struct database *db,
                           const struct table *table, const char *purpose,
                           enum row_list_shape shape, struct error *err)
{
    OWNED(row_list_release) struct row_list made = {.db = db};
    OWNED(buffer_release) struct buffer sql = {0};

    snprintf(made.name, sizeof(made.name), "tide_%s_%u", purpose, table->oid);
    if ((shape == ROW_LIST_KEYS ? shape_keys(&made.shape, table, err)
                                : shape_rows(&made.shape, table, err)) == FAILED)
        return FAILED;
    mirror_sql_create_list(&sql, &made.shape, made.name);
    if (buffer_check(&sql, err) == FAILED ||
        database_run(db, "make a list of rows", sql.data, err) == FAILED)
        return FAILED;
    *list = TAKE(made);
    return OK;
}

typedef void build_sql(struct buffer *sql, const struct table *table,
                       const char *physical_name);

static enum outcome prepare(struct row_list *list, struct statement *statement,
                            build_sql *build, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (statement->handle)
        return OK;
    build(&sql, &list->shape, list->name);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return statement_prepare_text(statement, list->db, "list rows", sql.data, err);
}

enum outcome row_list_put(struct row_list *list, const struct value *row,
                          struct error *err)
{
    if (prepare(list, &list->put, mirror_sql_upsert, err) == FAILED)
        return FAILED;
    value_bind_all(&list->put, 1, row, list->shape.column_count);
    return statement_run(&list->put, err);
}

enum outcome row_list_find(struct row_list *list, const struct value *key,
                           struct value *out_row, struct error *err)
{
    enum outcome outcome;

    if (prepare(list, &list->find, mirror_sql_select_by_key, err) == FAILED)
        return FAILED;
    statement_reset(&list->find);
    value_bind_all(&list->find, 1, key, list->shape.key_count);
    outcome = statement_step(&list->find, err);
    if (outcome == OK && out_row)
        value_read_all(&list->find, out_row, list->shape.column_count);
    if (!out_row)
        statement_reset(&list->find);
    return outcome;
}

enum outcome row_list_remove(struct row_list *list, const struct value *key,
                             struct error *err)
{
    if (prepare(list, &list->remove, mirror_sql_delete, err) == FAILED)
        return FAILED;
    value_bind_all(&list->remove, 1, key, list->shape.key_count);
    return statement_run(&list->remove, err);
}

enum outcome row_list_first(struct row_list *list, struct value *out_row,
                            struct error *err)
{
    enum outcome outcome;

    if (prepare(list, &list->first, mirror_sql_select_all, err) == FAILED)
        return FAILED;
    statement_reset(&list->first);
    outcome = statement_step(&list->first, err);
    if (outcome == OK)
        value_read_all(&list->first, out_row, list->shape.column_count);
    return outcome;
}

void row_list_rest(struct row_list *list)
{
    if (list->find.handle)
        statement_reset(&list->find);
    if (list->first.handle)
        statement_reset(&list->first);
}

enum outcome row_list_drop(struct row_list *list, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    struct database *db = list->db;

    if (!db)
        return OK;
    mirror_sql_drop_list(&sql, list->name);
    row_list_release(list);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return database_run(db, "drop a list of rows", sql.data, err);
}

void row_list_release(struct row_list *list)
{
    statement_release(&list->put);
    statement_release(&list->find);
    statement_release(&list->remove);
    statement_release(&list->first);
    free(list->shape.columns);
    free(list->shape.key);
    *list = (struct row_list){0};
}
