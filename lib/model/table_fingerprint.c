#include "lib/model/table_fingerprint.h"

/* " "…"" with quotes doubled, so that no name can look like the end of its item. */
static void append_quoted(struct buffer *text, const char *value)
{
    buffer_append_text(text, " \"");
    for (; *value; value++)
        buffer_append(text, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1);
    buffer_append_text(text, "\"");
}

static void append_optional(struct buffer *text, const char *word, const char *value)
{
    if (!value)
        return;
    buffer_append_format(text, " %s", word);
    append_quoted(text, value);
}

static void append_column_name(struct buffer *text, const struct table *table, int column)
{
    if (column == TABLE_NO_COLUMN)
        buffer_append_text(text, " -");
    else
        append_quoted(text, table->columns[column].name);
}

static void append_column_names(struct buffer *text, const struct table *table,
                                const int *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append_column_name(text, table, columns[i]);
}

static void append_column(struct buffer *text, const struct table_column *column)
{
    buffer_append_text(text, "column");
    append_quoted(text, column->name);
    append_quoted(text, column->type_name);
    buffer_append_format(text, " %s%s%s", column_codec_info(column->codec)->name,
                         column->not_null ? " not null" : "",
                         column->generated ? " generated" : "");
    append_optional(text, "default", column->cache_default);
    if (column->label_count)
        buffer_append_text(text, " labels");
    for (size_t i = 0; i < column->label_count; i++)
        append_quoted(text, column->labels[i]);
    buffer_append_text(text, "\n");
}

static void append_index(struct buffer *text, const struct table *table,
                         const struct table_index *index)
{
    buffer_append_text(text, index->unique ? "unique" : "index");
    append_quoted(text, index->name);
    buffer_append_text(text, " on");
    for (size_t i = 0; i < index->column_count; i++) {
        append_column_name(text, table, index->columns[i]);
        buffer_append_text(text,
                           index->descending && index->descending[i] ? " desc" : "");
    }
    append_optional(text, "where", index->predicate);
    buffer_append_text(text, "\n");
}

static void append_foreign_key(struct buffer *text, const struct table *table,
                               const struct table_foreign_key *foreign_key)
{
    buffer_append_text(text, "foreign key");
    append_column_names(text, table, foreign_key->columns, foreign_key->column_count);
    buffer_append_text(text, " to");
    append_quoted(text, foreign_key->parent_schema);
    append_quoted(text, foreign_key->parent_table);
    for (size_t i = 0; i < foreign_key->column_count; i++)
        append_quoted(text, foreign_key->parent_columns[i]);
    buffer_append_text(text, "\n");
}

void table_fingerprint_append(struct buffer *text, const struct table *table)
{
    buffer_append_format(text, "table %u", table->oid);
    append_quoted(text, table->schema);
    append_quoted(text, table->name);
    buffer_append_text(text, table->partitioned ? " partitioned\n" : "\n");
    for (size_t i = 0; i < table->column_count; i++)
        append_column(text, &table->columns[i]);
    buffer_append_text(text, "key");
    append_column_names(text, table, table->key, table->key_count);
    buffer_append_text(text, "\nupdated_at");
    append_column_name(text, table, table->updated_at);
    buffer_append_text(text, "\ndeleted_at");
    append_column_name(text, table, table->deleted_at);
    buffer_append_text(text, "\n");
    for (size_t i = 0; i < table->index_count; i++)
        append_index(text, table, &table->indexes[i]);
    for (size_t i = 0; i < table->foreign_key_count; i++)
        append_foreign_key(text, table, &table->foreign_keys[i]);
    if (table->partitions) {
        buffer_append_text(text, "partitions");
        append_quoted(text, table->partitions);
        buffer_append_text(text, "\n");
    }
    if (table->scope) {
        buffer_append_text(text, "scope");
        append_quoted(text, table->scope);
        buffer_append_text(text, "\n");
    }
}
