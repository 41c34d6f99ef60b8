#include "tests/support/table_builder.h"

#include "lib/model/table_fingerprint.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    return copy;
}

static void *grow(void *array, size_t count, size_t size)
{
    char *grown = realloc(array, (count + 1) * size);

    assert_non_null(grown);
    memset(grown + count * size, 0, size);
    return grown;
}

static size_t length_of(const char *const *names)
{
    size_t count = 0;

    while (names[count])
        count++;
    return count;
}

static int *columns_named(const struct table *table, const char *const *names)
{
    int *columns = calloc(length_of(names), sizeof(*columns));

    assert_non_null(columns);
    for (size_t i = 0; names[i]; i++) {
        columns[i] = table_find_column(table, names[i]);
        assert_int_not_equal(columns[i], TABLE_NO_COLUMN);
    }
    return columns;
}

struct table table_named(const char *name)
{
    return (struct table){
        .oid = 16384,
        .schema = copy("public"),
        .name = copy(name),
        .updated_at = TABLE_NO_COLUMN,
        .deleted_at = TABLE_NO_COLUMN,
    };
}

struct table_column *table_with_column(struct table *table, const char *name,
                                       enum column_codec codec)
{
    struct table_column *column;

    table->columns = grow(table->columns, table->column_count, sizeof(*table->columns));
    column = &table->columns[table->column_count++];
    column->name = copy(name);
    column->type_name = copy("text");
    column->codec = codec;
    return column;
}

void column_with_default(struct table_column *column, const char *expression)
{
    free(column->cache_default);
    column->cache_default = copy(expression);
}

void column_with_type(struct table_column *column, const char *type_name)
{
    free(column->type_name);
    column->type_name = copy(type_name);
}

void column_with_labels(struct table_column *column, const char *const *labels)
{
    column->label_count = length_of(labels);
    column->labels = calloc(column->label_count, sizeof(*column->labels));
    assert_non_null(column->labels);
    for (size_t i = 0; i < column->label_count; i++)
        column->labels[i] = copy(labels[i]);
}

void table_with_key(struct table *table, const char *const *names)
{
    table->key = columns_named(table, names);
    table->key_count = length_of(names);
    for (size_t i = 0; i < table->key_count; i++)
        table->columns[table->key[i]].not_null = true;
}

struct table_index *table_with_index(struct table *table, const char *name, bool unique,
                                     const char *const *names)
{
    struct table_index *index;

    table->indexes = grow(table->indexes, table->index_count, sizeof(*table->indexes));
    index = &table->indexes[table->index_count++];
    index->name = copy(name);
    index->unique = unique;
    index->columns = columns_named(table, names);
    index->column_count = length_of(names);
    index->descending = calloc(index->column_count, sizeof(*index->descending));
    assert_non_null(index->descending);
    return index;
}

void table_with_foreign_key(struct table *table, const char *const *names,
                            const char *parent_table, const char *const *parent_names)
{
    struct table_foreign_key *key;

    table->foreign_keys =
        grow(table->foreign_keys, table->foreign_key_count, sizeof(*key));
    key = &table->foreign_keys[table->foreign_key_count++];
    key->columns = columns_named(table, names);
    key->column_count = length_of(names);
    key->parent_schema = copy("public");
    key->parent_table = copy(parent_table);
    key->parent_columns = calloc(key->column_count, sizeof(*key->parent_columns));
    assert_non_null(key->parent_columns);
    for (size_t i = 0; i < key->column_count; i++)
        key->parent_columns[i] = copy(parent_names[i]);
}

char *fingerprint_of(const struct table *table)
{
    struct buffer text = {0};
    char *taken;

    table_fingerprint_append(&text, table);
    taken = buffer_take(&text);
    assert_non_null(taken);
    return taken;
}
