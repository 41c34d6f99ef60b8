/*
 * The part of mirror_sql.h that writes as an application would: a person's decision about
 * a change goes through the capture triggers like any other.
 */
#include "lib/store/mirror_sql.h"

static void name_of(struct buffer *sql, const struct table *table, size_t column)
{
    mirror_sql_identifier(sql, table->columns[column].name);
}

void mirror_sql_edit_insert(struct buffer *sql, const struct table *table,
                            const char *physical_name, const size_t *columns,
                            size_t count)
{
    buffer_append_text(sql, "INSERT INTO ");
    mirror_sql_identifier(sql, physical_name);
    buffer_append_text(sql, " (");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(sql, i ? ", " : "");
        name_of(sql, table, columns[i]);
    }
    buffer_append_text(sql, ") VALUES (");
    for (size_t i = 0; i < count; i++)
        buffer_append_format(sql, "%s?%zu", i ? ", " : "", i + 1);
    buffer_append_text(sql, ")");
}

static void where_key(struct buffer *sql, const struct table *table, size_t first)
{
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? " AND " : " WHERE ");
        name_of(sql, table, (size_t)table->key[i]);
        buffer_append_format(sql, " = ?%zu", first + i);
    }
}

void mirror_sql_edit_update(struct buffer *sql, const struct table *table,
                            const size_t *columns, size_t count)
{
    buffer_append_text(sql, "UPDATE ");
    mirror_sql_identifier(sql, table->name);
    buffer_append_text(sql, " SET ");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(sql, i ? ", " : "");
        name_of(sql, table, columns[i]);
        buffer_append_format(sql, " = ?%zu", i + 1);
    }
    where_key(sql, table, count + 1);
}
