#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"

static void quote(struct buffer *sql, char mark, const char *text)
{
    buffer_append(sql, &mark, 1);
    for (; *text; text++) {
        if (*text == mark)
            buffer_append(sql, &mark, 1);
        buffer_append(sql, text, 1);
    }
    buffer_append(sql, &mark, 1);
}

void mirror_sql_identifier(struct buffer *sql, const char *name)
{
    quote(sql, '"', name);
}

void mirror_sql_literal(struct buffer *sql, const char *text)
{
    quote(sql, '\'', text);
}

void mirror_sql_prefixed(struct buffer *sql, const char *prefix, const char *name)
{
    OWNED(buffer_release) struct buffer whole = {0};

    buffer_append_text(&whole, prefix);
    buffer_append_text(&whole, name);
    if (whole.failed)
        sql->failed = true;
    else
        mirror_sql_identifier(sql, whole.data);
}

static void column_name(struct buffer *sql, const struct table *table, int column)
{
    mirror_sql_identifier(sql, table->columns[column].name);
}

/* The names of the given columns, or of all when columns is NULL, with commas. */
static void column_names(struct buffer *sql, const struct table *table,
                         const int *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_append_text(sql, ", ");
        column_name(sql, table, columns ? columns[i] : (int)i);
    }
}

/* ---- tables, indexes, views ---- */

bool mirror_sql_has_rowid_key(const struct table *table)
{
    enum column_codec codec;

    if (table->key_count != 1)
        return false;
    codec = table->columns[table->key[0]].codec;
    return codec == CODEC_SMALLINT || codec == CODEC_INTEGER || codec == CODEC_BIGINT;
}

static void column_check(struct buffer *sql, const struct table_column *column)
{
    if (column->codec == CODEC_BOOLEAN) {
        buffer_append_text(sql, " CHECK (");
        mirror_sql_identifier(sql, column->name);
        buffer_append_text(sql, " IN (0, 1))");
    } else if (column->label_count) {
        buffer_append_text(sql, " CHECK (");
        mirror_sql_identifier(sql, column->name);
        buffer_append_text(sql, " IN (");
        for (size_t i = 0; i < column->label_count; i++) {
            if (i)
                buffer_append_text(sql, ", ");
            mirror_sql_literal(sql, column->labels[i]);
        }
        buffer_append_text(sql, "))");
    }
}

static void column_definition(struct buffer *sql, const struct table_column *column,
                              bool is_rowid)
{
    const struct column_codec_info *codec = column_codec_info(column->codec);

    mirror_sql_identifier(sql, column->name);
    buffer_append_format(sql, " %s", codec->cache_type);
    if (is_rowid)
        buffer_append_text(sql, " PRIMARY KEY");
    if (codec->collation)
        buffer_append_format(sql, " COLLATE %s", codec->collation);
    if (column->not_null)
        buffer_append_text(sql, " NOT NULL");
    if (column->cache_default)
        buffer_append_format(sql, " DEFAULT (%s)", column->cache_default);
    column_check(sql, column);
}

static void foreign_key(struct buffer *sql, const struct table *table,
                        const struct table_foreign_key *key)
{
    buffer_append_text(sql, ",\n    FOREIGN KEY (");
    column_names(sql, table, key->columns, key->column_count);
    buffer_append_text(sql, ") REFERENCES ");
    mirror_sql_identifier(sql, key->parent_table);
    buffer_append_text(sql, " (");
    for (size_t i = 0; i < key->column_count; i++) {
        if (i)
            buffer_append_text(sql, ", ");
        mirror_sql_identifier(sql, key->parent_columns[i]);
    }
    buffer_append_text(sql, ") DEFERRABLE INITIALLY DEFERRED");
}

void mirror_sql_create_table(struct buffer *sql, const struct table *table,
                             const char *physical_name)
{
    bool rowid_key = mirror_sql_has_rowid_key(table);

    buffer_append_text(sql, "CREATE TABLE ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_text(sql, " (");
    for (size_t i = 0; i < table->column_count; i++) {
        buffer_append_text(sql, i ? ",\n    " : "\n    ");
        column_definition(sql, &table->columns[i],
                          rowid_key && (size_t)table->key[0] == i);
    }
    if (!rowid_key) {
        buffer_append_text(sql, ",\n    PRIMARY KEY (");
        column_names(sql, table, table->key, table->key_count);
        buffer_append_text(sql, ")");
    }
    for (size_t i = 0; i < table->foreign_key_count; i++)
        foreign_key(sql, table, &table->foreign_keys[i]);
    buffer_append_text(sql, "\n)");
}

void mirror_sql_create_index(struct buffer *sql, const struct table *table,
                             const struct table_index *index, const char *index_name,
                             const char *physical_name)
{
    buffer_append_text(sql, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    mirror_sql_identifier(sql, index_name);
    buffer_append_text(sql, " ON ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_text(sql, " (");
    for (size_t i = 0; i < index->column_count; i++) {
        if (i)
            buffer_append_text(sql, ", ");
        column_name(sql, table, index->columns[i]);
        if (index->descending && index->descending[i])
            buffer_append_text(sql, " DESC");
    }
    buffer_append_text(sql, ")");
    if (index->predicate)
        buffer_append_format(sql, " WHERE %s", index->predicate);
}

void mirror_sql_create_live_view(struct buffer *sql, const struct table *table)
{
    if (table->deleted_at == TABLE_NO_COLUMN)
        return;
    buffer_append_text(sql, "CREATE VIEW ");
    mirror_sql_prefixed(sql, "live_", table->name);
    buffer_append_text(sql, " AS SELECT * FROM ");
    mirror_sql_identifier(sql, table->name);
    buffer_append_text(sql, " WHERE ");
    column_name(sql, table, table->deleted_at);
    buffer_append_text(sql, " IS NULL;\n");
}

/* ---- rows ---- */

static void insert_into(struct buffer *sql, const struct table *table,
                        const char *physical_name, const char *alias)
{
    buffer_append_text(sql, "INSERT INTO ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_format(sql, "%s (", alias);
    column_names(sql, table, NULL, table->column_count);
    buffer_append_text(sql, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++)
        buffer_append_format(sql, "%s?%zu", i ? ", " : "", i + 1);
    buffer_append_text(sql, ")");
}

void mirror_sql_insert_rows(struct buffer *sql, const struct table *table,
                            const char *physical_name)
{
    buffer_append_text(sql, "INSERT INTO ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_text(sql, " (");
    column_names(sql, table, NULL, table->column_count);
    buffer_append_text(sql, ") SELECT ");
    for (size_t i = 0; i < table->column_count; i++)
        buffer_append_format(sql, "%sc%zu", i ? ", " : "", i);
    buffer_append_text(sql, " FROM tide_rows(?1)");
}

static bool has_collation(const struct table *table, size_t column)
{
    return column_codec_info(table->columns[column].codec)->collation != NULL;
}

/* Columns that can differ although the key is the same. A key is written only where its
 * collation is not BINARY: writing it costs an update of every index. */
static bool is_updatable(const struct table *table, size_t column)
{
    return !table_is_key(table, column) || has_collation(table, column);
}

enum list_kind { LIST_ASSIGNMENTS, LIST_OLD, LIST_NEW, LIST_SET, LIST_PARAMETERS };

static size_t updatable_list(struct buffer *sql, const struct table *table,
                             enum list_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        if (!is_updatable(table, i))
            continue;
        buffer_append_text(sql, count++ ? ", " : "");
        if (kind == LIST_PARAMETERS) {
            buffer_append_format(sql, "?%zu", i + 1);
            continue;
        }
        buffer_append_text(sql, kind == LIST_OLD ? "t." : "");
        buffer_append_text(sql, kind == LIST_NEW ? "excluded." : "");
        column_name(sql, table, (int)i);
        if (kind == LIST_SET) {
            buffer_append_format(sql, " = ?%zu", i + 1);
        } else if (kind == LIST_ASSIGNMENTS) {
            buffer_append_text(sql, " = excluded.");
            column_name(sql, table, (int)i);
        } else if (kind == LIST_OLD && has_collation(table, i)) {
            buffer_append_text(sql, " COLLATE BINARY");
        }
    }
    return count;
}

void mirror_sql_upsert(struct buffer *sql, const struct table *table,
                       const char *physical_name)
{
    OWNED(buffer_release) struct buffer assignments = {0};

    insert_into(sql, table, physical_name, " AS t");
    buffer_append_text(sql, " ON CONFLICT (");
    column_names(sql, table, table->key, table->key_count);
    if (updatable_list(&assignments, table, LIST_ASSIGNMENTS) == 0) {
        buffer_append_text(sql, ") DO NOTHING");
        return;
    }
    if (assignments.failed) {
        sql->failed = true;
        return;
    }
    buffer_append_text(sql, ") DO UPDATE SET ");
    buffer_append_text(sql, assignments.data);
    buffer_append_text(sql, " WHERE (");
    updatable_list(sql, table, LIST_OLD);
    buffer_append_text(sql, ") IS NOT (");
    updatable_list(sql, table, LIST_NEW);
    buffer_append_text(sql, ")");
}

void mirror_sql_change(struct buffer *sql, const struct table *table,
                       const char *physical_name)
{
    OWNED(buffer_release) struct buffer assignments = {0};

    if (updatable_list(&assignments, table, LIST_SET) == 0)
        return;
    if (assignments.failed) {
        sql->failed = true;
        return;
    }
    buffer_append_text(sql, "UPDATE ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_format(sql, " AS t SET %s WHERE (", assignments.data);
    updatable_list(sql, table, LIST_OLD);
    buffer_append_text(sql, ") IS NOT (");
    updatable_list(sql, table, LIST_PARAMETERS);
    buffer_append_text(sql, ")");
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, " AND ");
        column_name(sql, table, table->key[i]);
        buffer_append_format(sql, " = ?%d", table->key[i] + 1);
    }
}

void mirror_sql_add(struct buffer *sql, const struct table *table,
                    const char *physical_name)
{
    insert_into(sql, table, physical_name, "");
    buffer_append_text(sql, " ON CONFLICT (");
    column_names(sql, table, table->key, table->key_count);
    buffer_append_text(sql, ") DO NOTHING");
}

static void where_key(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? " AND " : " WHERE ");
        column_name(sql, table, table->key[i]);
        buffer_append_format(sql, " = ?%zu", i + 1);
    }
}

static bool is_of_bytes(const struct table *table, int column)
{
    return table->columns[column].codec == CODEC_BYTEA;
}

/* The row of the key, with text where it has bytes. */
static void where_key_is_text(struct buffer *sql, const struct table *table)
{
    const char *separator = " AND (typeof(";

    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? " AND " : " WHERE ");
        column_name(sql, table, table->key[i]);
        if (is_of_bytes(table, table->key[i]))
            buffer_append_format(sql, " IN (?%1$zu, CAST(?%1$zu AS TEXT))", i + 1);
        else
            buffer_append_format(sql, " = ?%zu", i + 1);
    }
    for (size_t i = 0; i < table->key_count; i++) {
        if (!is_of_bytes(table, table->key[i]))
            continue;
        buffer_append_text(sql, separator);
        column_name(sql, table, table->key[i]);
        buffer_append_text(sql, ") = 'text'");
        separator = " OR typeof(";
    }
    buffer_append_text(sql, ")");
}

void mirror_sql_select_text_key(struct buffer *sql, const struct table *table,
                                const char *physical_name)
{
    mirror_sql_select_all(sql, table, physical_name);
    where_key_is_text(sql, table);
}

void mirror_sql_respell_key(struct buffer *sql, const struct table *table,
                            const char *physical_name)
{
    const char *separator = " SET ";

    buffer_append_text(sql, "UPDATE ");
    mirror_sql_identifier(sql, physical_name);
    for (size_t i = 0; i < table->key_count; i++) {
        if (!is_of_bytes(table, table->key[i]))
            continue;
        buffer_append_text(sql, separator);
        column_name(sql, table, table->key[i]);
        buffer_append_format(sql, " = ?%zu", i + 1);
        separator = ", ";
    }
    where_key_is_text(sql, table);
    buffer_append_text(sql, " AND NOT EXISTS (SELECT 1 FROM ");
    mirror_sql_identifier(sql, physical_name);
    where_key(sql, table);
    buffer_append_text(sql, ")");
}

void mirror_sql_delete(struct buffer *sql, const struct table *table,
                       const char *physical_name)
{
    buffer_append_text(sql, "DELETE FROM ");
    mirror_sql_identifier(sql, physical_name);
    where_key(sql, table);
}

void mirror_sql_select_by_key(struct buffer *sql, const struct table *table,
                              const char *physical_name)
{
    mirror_sql_select_all(sql, table, physical_name);
    where_key(sql, table);
}

/* Whether the new row itself is in the index: its values under their names. For a full
 * index too, so that every parameter of the row occurs and may be bound. */
static void new_row_matches(struct buffer *sql, const struct table *table,
                            const char *predicate)
{
    buffer_append_text(sql, " AND EXISTS (SELECT 1 FROM (SELECT ");
    for (size_t i = 0; i < table->column_count; i++) {
        buffer_append_format(sql, "%s?%zu AS ", i ? ", " : "", i + 1);
        column_name(sql, table, (int)i);
    }
    buffer_append_format(sql, ") WHERE %s)", predicate);
}

/* The rows that hold the values of the index against a new row. */
static void where_held(struct buffer *sql, const struct table *table,
                       const struct table_index *index)
{
    buffer_append_text(sql, " WHERE ");
    for (size_t i = 0; i < index->column_count; i++) {
        column_name(sql, table, index->columns[i]);
        buffer_append_format(sql, " = ?%d AND ", index->columns[i] + 1);
    }
    buffer_append_text(sql, "(");
    column_names(sql, table, table->key, table->key_count);
    buffer_append_text(sql, ") IS NOT (");
    for (size_t i = 0; i < table->key_count; i++)
        buffer_append_format(sql, "%s?%d", i ? ", " : "", table->key[i] + 1);
    buffer_append_text(sql, ")");
    if (index->predicate)
        buffer_append_format(sql, " AND (%s)", index->predicate);
    new_row_matches(sql, table, index->predicate ? index->predicate : "true");
}

void mirror_sql_evict(struct buffer *sql, const struct table *table,
                      const struct table_index *index, const char *physical_name)
{
    buffer_append_text(sql, "DELETE FROM ");
    mirror_sql_identifier(sql, physical_name);
    where_held(sql, table, index);
    buffer_append_text(sql, " RETURNING ");
    column_names(sql, table, table->key, table->key_count);
}

void mirror_sql_holders(struct buffer *sql, const struct table *table,
                        const struct table_index *index, const char *physical_name)
{
    mirror_sql_select_all(sql, table, physical_name);
    where_held(sql, table, index);
}

void mirror_sql_select_all(struct buffer *sql, const struct table *table,
                           const char *physical_name)
{
    buffer_append_text(sql, "SELECT ");
    column_names(sql, table, NULL, table->column_count);
    buffer_append_text(sql, " FROM ");
    mirror_sql_identifier(sql, physical_name);
}

void mirror_sql_purge_tombstones(struct buffer *sql, const struct table *table,
                                 const char *before)
{
    buffer_append_text(sql, "DELETE FROM ");
    mirror_sql_identifier(sql, table->name);
    buffer_append_text(sql, " WHERE ");
    column_name(sql, table, table->deleted_at);
    buffer_append_text(sql, " < ");
    mirror_sql_literal(sql, before);
    /* 'infinity' and the like are no times to compare with */
    buffer_append_text(sql, " AND ");
    column_name(sql, table, table->deleted_at);
    buffer_append_text(sql, " GLOB '[0-9]*'");
}

void mirror_sql_count_live(struct buffer *sql, const struct table *table,
                           const char *physical_name)
{
    buffer_append_text(sql, "SELECT count(*) FROM ");
    mirror_sql_identifier(sql, physical_name);
    if (table->deleted_at == TABLE_NO_COLUMN)
        return;
    buffer_append_text(sql, " WHERE ");
    column_name(sql, table, table->deleted_at);
    buffer_append_text(sql, " IS NULL");
}
