#include "lib/model/table.h"

#include <stdlib.h>
#include <string.h>

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

void table_column_release(struct table_column *column)
{
    free(column->name);
    free(column->type_name);
    free(column->cache_default);
    free_texts(column->labels, column->label_count);
    *column = (struct table_column){0};
}

void table_index_release(struct table_index *index)
{
    free(index->name);
    free(index->columns);
    free(index->descending);
    free(index->predicate);
    *index = (struct table_index){0};
}

void table_foreign_key_release(struct table_foreign_key *foreign_key)
{
    free(foreign_key->columns);
    free(foreign_key->parent_schema);
    free(foreign_key->parent_table);
    free_texts(foreign_key->parent_columns, foreign_key->column_count);
    *foreign_key = (struct table_foreign_key){0};
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        table_column_release(&table->columns[i]);
    for (size_t i = 0; i < table->index_count; i++)
        table_index_release(&table->indexes[i]);
    for (size_t i = 0; i < table->foreign_key_count; i++)
        table_foreign_key_release(&table->foreign_keys[i]);
    free(table->schema);
    free(table->name);
    free(table->partitions);
    free(table->tracking);
    free(table->columns);
    free(table->key);
    free(table->indexes);
    free(table->foreign_keys);
    free(table->scope);
    free(table->fingerprint);
    *table = (struct table){0};
}

void table_refusal_release(struct table_refusal *refusal)
{
    free(refusal->schema);
    free(refusal->name);
    free(refusal->reason);
    free(refusal->remedy);
    *refusal = (struct table_refusal){0};
}

void table_set_release(struct table_set *set)
{
    for (size_t i = 0; i < set->table_count; i++)
        table_release(&set->tables[i]);
    for (size_t i = 0; i < set->refusal_count; i++)
        table_refusal_release(&set->refusals[i]);
    free(set->tables);
    free(set->refusals);
    *set = (struct table_set){0};
}

/* Not tolower(): what SQLite folds does not depend on the locale. */
static int fold(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

bool table_same_name(const char *a, const char *b)
{
    while (*a && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return fold(*a) == fold(*b);
}

const struct table *table_set_find(const struct table_set *set, const char *name)
{
    for (size_t i = 0; i < set->table_count; i++)
        if (table_same_name(set->tables[i].name, name))
            return &set->tables[i];
    return NULL;
}

int table_find_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    return TABLE_NO_COLUMN;
}

bool table_is_key(const struct table *table, size_t column)
{
    for (size_t i = 0; i < table->key_count; i++)
        if ((size_t)table->key[i] == column)
            return true;
    return false;
}
