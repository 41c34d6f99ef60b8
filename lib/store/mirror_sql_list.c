#include "lib/store/mirror_sql_list.h"

#include "lib/store/mirror_sql.h"

static void key_names(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? ", " : "");
        mirror_sql_identifier(sql, table->columns[table->key[i]].name);
    }
}

void mirror_sql_drop_list(struct buffer *sql, const char *list_name)
{
    buffer_append_text(sql, "DROP TABLE IF EXISTS temp.");
    mirror_sql_identifier(sql, list_name);
}

void mirror_sql_create_list(struct buffer *sql, const struct table *shape,
                            const char *list_name)
{
    mirror_sql_drop_list(sql, list_name);
    buffer_append_text(sql, ";\nCREATE TEMP TABLE ");
    mirror_sql_identifier(sql, list_name);
    buffer_append_text(sql, " (");
    for (size_t i = 0; i < shape->column_count; i++) {
        const struct column_codec_info *codec =
            column_codec_info(shape->columns[i].codec);

        mirror_sql_identifier(sql, shape->columns[i].name);
        buffer_append_format(sql, " %s%s%s, ", codec->cache_type,
                             codec->collation ? " COLLATE " : "",
                             codec->collation ? codec->collation : "");
    }
    buffer_append_text(sql, "PRIMARY KEY (");
    key_names(sql, shape);
    buffer_append_text(sql, ")) WITHOUT ROWID");
}

void mirror_sql_and_not_listed(struct buffer *sql, const struct table *table,
                               const char *list_name)
{
    buffer_append_text(sql, " AND (");
    key_names(sql, table);
    buffer_append_text(sql, ") NOT IN (SELECT ");
    key_names(sql, table);
    buffer_append_text(sql, " FROM temp.");
    mirror_sql_identifier(sql, list_name);
    buffer_append_text(sql, ")");
}

/* "this.k1 = other.k1 AND …": on the left, the table's own collation counts. */
static void key_equality(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        const char *name = table->columns[table->key[i]].name;

        buffer_append_text(sql, i ? " AND this." : "this.");
        mirror_sql_identifier(sql, name);
        buffer_append_text(sql, " = other.");
        mirror_sql_identifier(sql, name);
    }
}

void mirror_sql_delete_absent(struct buffer *sql, const struct table *table,
                              const char *physical_name, const char *other_name,
                              bool live_only)
{
    buffer_append_text(sql, "DELETE FROM ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_text(sql, " AS this WHERE NOT EXISTS (SELECT 1 FROM ");
    mirror_sql_identifier(sql, other_name);
    buffer_append_text(sql, " AS other WHERE ");
    key_equality(sql, table);
    buffer_append_text(sql, ")");
    if (live_only && table->deleted_at != TABLE_NO_COLUMN) {
        buffer_append_text(sql, " AND this.");
        mirror_sql_identifier(sql, table->columns[table->deleted_at].name);
        buffer_append_text(sql, " IS NULL");
    }
}

void mirror_sql_delete_all(struct buffer *sql, const char *physical_name)
{
    buffer_append_text(sql, "DELETE FROM ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_text(sql, " WHERE true");
}

void mirror_sql_put_columns(struct buffer *sql, const struct table *table,
                            const char *physical_name, const size_t *columns,
                            size_t count)
{
    mirror_sql_edit_insert(sql, table, physical_name, columns, count);
    buffer_append_text(sql, " ON CONFLICT (");
    key_names(sql, table);
    buffer_append_text(sql, ") DO UPDATE SET ");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(sql, i ? ", " : "");
        mirror_sql_identifier(sql, table->columns[columns[i]].name);
        buffer_append_text(sql, " = excluded.");
        mirror_sql_identifier(sql, table->columns[columns[i]].name);
    }
}
