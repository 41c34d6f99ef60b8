#include "daemon/primary/catalog_keys.h"

#include "daemon/primary/index_predicate.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"

#include "catalog_keys.sql.h"

#include <stdlib.h>
#include <string.h>

enum index_at {
    INDEX_RELATION,
    INDEX_NAME,
    INDEX_UNIQUE,
    INDEX_COLUMNS,
    INDEX_OPTIONS,
    INDEX_PREDICATE,
    INDEX_IS_DEFERRABLE_KEY
};
enum foreign_key_at {
    FOREIGN_RELATION,
    FOREIGN_PARENT,
    FOREIGN_COLUMNS,
    FOREIGN_PARENT_COLUMNS
};

#define OPTION_DESCENDING 1

/* Attribute numbers ("1 3") as column indexes; NOTHING when one is not mirrored. */
static enum outcome read_columns(const struct table_draft *draft, const char *text,
                                 int **out_columns, size_t *out_count, struct error *err)
{
    int *columns;
    size_t count;

    if (table_draft_numbers(text, &columns, &count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        columns[i] = table_draft_column(draft, columns[i]);
        if (columns[i] == TABLE_NO_COLUMN) {
            free(columns);
            return NOTHING;
        }
    }
    *out_columns = columns;
    *out_count = count;
    return OK;
}

static enum outcome read_options(struct table_index *index, const char *text,
                                 struct error *err)
{
    int *options;
    size_t count;

    if (table_draft_numbers(text, &options, &count, err) == FAILED)
        return FAILED;
    index->descending = calloc(index->column_count, sizeof(index->descending[0]));
    for (size_t i = 0; index->descending && i < index->column_count && i < count; i++)
        index->descending[i] = options[i] & OPTION_DESCENDING;
    free(options);
    return index->descending ? OK : error_out_of_memory(err);
}

static enum outcome read_predicate(struct table_index *index, const struct table *table,
                                   const char *expression, struct error *err)
{
    OWNED(buffer_release) struct buffer predicate = {0};

    if (!expression)
        return OK;
    if (!index_predicate_translate(&predicate, table, expression))
        return NOTHING;
    index->predicate = buffer_take(&predicate);
    return index->predicate ? OK : error_out_of_memory(err);
}

/* Numbers that differ on the primary may be one double here. */
static bool keeps_values_apart(const struct table *table, const struct table_index *index)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (table->columns[index->columns[i]].codec == CODEC_NUMERIC_AS_REAL)
            return false;
    return true;
}

static enum outcome read_index(struct table_index *index, const struct table_draft *draft,
                               const struct primary_result *result, size_t row,
                               struct error *err)
{
    enum outcome outcome;

    outcome = read_columns(draft, primary_result_text(result, row, INDEX_COLUMNS),
                           &index->columns, &index->column_count, err);
    if (outcome != OK)
        return outcome;
    outcome = read_predicate(index, &draft->table,
                             primary_result_text(result, row, INDEX_PREDICATE), err);
    if (outcome != OK)
        return outcome;
    index->unique = primary_result_bool(result, row, INDEX_UNIQUE) &&
                    keeps_values_apart(&draft->table, index);
    index->name = strdup(primary_result_text(result, row, INDEX_NAME));
    if (!index->name)
        return error_out_of_memory(err);
    return read_options(index, primary_result_text(result, row, INDEX_OPTIONS), err);
}

static enum outcome read_indexes(struct table_draft *draft,
                                 const struct primary_result *result, size_t row,
                                 size_t end, struct error *err)
{
    struct table *table = &draft->table;

    table->indexes = calloc(end - row, sizeof(table->indexes[0]));
    if (!table->indexes)
        return error_out_of_memory(err);
    for (; row < end; row++) {
        OWNED(table_index_release) struct table_index index = {0};
        enum outcome outcome;

        if (primary_result_bool(result, row, INDEX_IS_DEFERRABLE_KEY)) {
            table->deferrable_key = true;
            continue;
        }
        outcome = read_index(&index, draft, result, row, err);
        if (outcome == FAILED)
            return FAILED;
        if (outcome == OK)
            table->indexes[table->index_count++] = TAKE(index);
    }
    return OK;
}

/* What the parent's key is made of, in any order. */
static bool same_columns(const int *some, size_t some_count, const int *others,
                         size_t other_count)
{
    for (size_t i = 0; i < some_count; i++) {
        bool found = false;

        for (size_t j = 0; j < other_count; j++)
            found = found || some[i] == others[j];
        if (!found)
            return false;
    }
    return some_count == other_count;
}

static bool is_unique_key(const struct table *table, const int *columns, size_t count)
{
    if (same_columns(columns, count, table->key, table->key_count))
        return true;
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];

        if (index->unique && !index->predicate &&
            same_columns(columns, count, index->columns, index->column_count))
            return true;
    }
    return false;
}

static bool is_integer(enum column_codec codec)
{
    return codec == CODEC_SMALLINT || codec == CODEC_INTEGER || codec == CODEC_BIGINT;
}

/* Equal on the primary must be equal in the cache: 1.0 = 1.00 there, not as text. */
static bool compare_alike(const struct table_draft *child, int column,
                          const struct table_draft *parent, int parent_column)
{
    const struct table_column *here = &child->table.columns[column];
    const struct table_column *there = &parent->table.columns[parent_column];

    if (is_integer(here->codec) && is_integer(there->codec))
        return true;
    if (here->codec != there->codec || here->codec == CODEC_NUMERIC_AS_REAL)
        return false;
    if (here->codec == CODEC_NUMERIC)
        return strchr(here->type_name, '(') && !strcmp(here->type_name, there->type_name);
    return here->codec == CODEC_TEXT ||
           child->facts[column].base_type == parent->facts[parent_column].base_type;
}

static bool can_keep(const struct table_draft *child, const int *columns,
                     const struct table_draft *parent, const int *parent_columns,
                     size_t count)
{
    if (child->table.scope || parent->table.scope ||
        !is_unique_key(&parent->table, parent_columns, count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!compare_alike(child, columns[i], parent, parent_columns[i]))
            return false;
    return true;
}

static enum outcome name_parent(struct table_foreign_key *key, const struct table *parent,
                                const int *parent_columns, struct error *err)
{
    key->parent_schema = strdup(parent->schema);
    key->parent_table = strdup(parent->name);
    key->parent_columns = calloc(key->column_count, sizeof(key->parent_columns[0]));
    if (!key->parent_schema || !key->parent_table || !key->parent_columns)
        return error_out_of_memory(err);
    for (size_t i = 0; i < key->column_count; i++) {
        key->parent_columns[i] = strdup(parent->columns[parent_columns[i]].name);
        if (!key->parent_columns[i])
            return error_out_of_memory(err);
    }
    return OK;
}

static void free_columns(int **columns)
{
    free(*columns);
}

static enum outcome read_foreign_key(struct table_foreign_key *key,
                                     const struct table_draft *child,
                                     const struct table_draft *parent,
                                     const struct primary_result *result, size_t row,
                                     struct error *err)
{
    OWNED(free_columns) int *parent_columns = NULL;
    enum outcome outcome;
    size_t count;

    outcome = read_columns(child, primary_result_text(result, row, FOREIGN_COLUMNS),
                           &key->columns, &key->column_count, err);
    if (outcome != OK)
        return outcome;
    outcome =
        read_columns(parent, primary_result_text(result, row, FOREIGN_PARENT_COLUMNS),
                     &parent_columns, &count, err);
    if (outcome != OK)
        return outcome;
    if (!can_keep(child, key->columns, parent, parent_columns, key->column_count))
        return NOTHING;
    return name_parent(key, &parent->table, parent_columns, err);
}

static enum outcome read_foreign_keys(struct table_draft *draft,
                                      const struct table_drafts *drafts,
                                      const struct primary_result *result, size_t row,
                                      struct error *err)
{
    size_t end = table_draft_group_end(result, row);
    struct table *table = &draft->table;

    table->foreign_keys = calloc(end - row, sizeof(table->foreign_keys[0]));
    if (!table->foreign_keys)
        return error_out_of_memory(err);
    for (; row < end; row++) {
        OWNED(table_foreign_key_release) struct table_foreign_key key = {0};
        uint32_t oid = (uint32_t)primary_result_int(result, row, FOREIGN_PARENT);
        const struct table_draft *parent = table_drafts_find(drafts, oid);
        enum outcome outcome = NOTHING;

        if (parent && !parent->reason)
            outcome = read_foreign_key(&key, draft, parent, result, row, err);
        if (outcome == FAILED)
            return FAILED;
        if (outcome == OK)
            table->foreign_keys[table->foreign_key_count++] = TAKE(key);
    }
    return OK;
}

static enum outcome query_all(struct primary *primary, const struct sql *sql,
                              const struct table_drafts *drafts,
                              struct primary_result **out_result, struct error *err)
{
    OWNED(buffer_release) struct buffer oids = {0};

    table_drafts_oids(&oids, drafts);
    if (buffer_check(&oids, err) == FAILED)
        return FAILED;
    return primary_query(primary, sql, (const char *const[]){oids.data}, 1, out_result,
                         err);
}

enum outcome catalog_keys_read_indexes(struct primary *primary,
                                       struct table_drafts *drafts, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    size_t end;

    if (query_all(primary, &catalog_keys_sql.indexes, drafts, &result, err) == FAILED)
        return FAILED;
    for (size_t row = 0; row < primary_result_rows(result); row = end) {
        uint32_t oid = (uint32_t)primary_result_int(result, row, INDEX_RELATION);
        struct table_draft *draft = table_drafts_find(drafts, oid);

        end = table_draft_group_end(result, row);
        if (draft && read_indexes(draft, result, row, end, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome catalog_keys_read_foreign_keys(struct primary *primary,
                                            struct table_drafts *drafts,
                                            struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    size_t rows;

    if (query_all(primary, &catalog_keys_sql.foreign_keys, drafts, &result, err) ==
        FAILED)
        return FAILED;
    rows = primary_result_rows(result);
    for (size_t row = 0; row < rows; row = table_draft_group_end(result, row)) {
        uint32_t oid = (uint32_t)primary_result_int(result, row, FOREIGN_RELATION);
        struct table_draft *draft = table_drafts_find(drafts, oid);

        if (draft && read_foreign_keys(draft, drafts, result, row, err) == FAILED)
            return FAILED;
    }
    return OK;
}
