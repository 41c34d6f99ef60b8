#include "lib/store/presence.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"

/* Each table has its own: several may be listed in one round. */
static void append_list_name(struct buffer *sql, const struct table *table)
{
    buffer_append_format(sql, "temp.tide_present_%u", table->oid);
}

static void append_key_names(struct buffer *sql, const struct table *table,
                             const char *prefix)
{
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_format(sql, "%s%s", i ? ", " : "", prefix);
        mirror_sql_identifier(sql, table->columns[table->key[i]].name);
    }
}

/* "other.k1 IS this.k1 AND …"; the list keeps the columns' affinity but not their
 * collation. */
static void append_key_equality(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        const char *name = table->columns[table->key[i]].name;

        buffer_append_text(sql, i ? " and " : "");
        buffer_append_text(sql, "this.");
        mirror_sql_identifier(sql, name);
        buffer_append_text(sql, " = other.");
        mirror_sql_identifier(sql, name);
    }
}

enum outcome presence_start(struct database *db, const struct table *table,
                            struct statement *add, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "drop table if exists ");
    append_list_name(&sql, table);
    buffer_append_text(&sql, "; create table ");
    append_list_name(&sql, table);
    buffer_append_text(&sql, " (");
    for (size_t i = 0; i < table->key_count; i++) {
        const struct table_column *column = &table->columns[table->key[i]];
        const struct column_codec_info *codec = column_codec_info(column->codec);

        mirror_sql_identifier(&sql, column->name);
        buffer_append_format(&sql, " %s%s%s, ", codec->cache_type,
                             codec->collation ? " collate " : "",
                             codec->collation ? codec->collation : "");
    }
    buffer_append_text(&sql, "primary key (");
    append_key_names(&sql, table, "");
    buffer_append_text(&sql, ")) without rowid");
    if (buffer_check(&sql, err) == FAILED ||
        database_run(db, "list the rows that are there", sql.data, err) == FAILED)
        return FAILED;
    buffer_clear(&sql);
    buffer_append_text(&sql, "insert into ");
    append_list_name(&sql, table);
    buffer_append_text(&sql, " values (?");
    for (size_t i = 1; i < table->key_count; i++)
        buffer_append_text(&sql, ", ?");
    buffer_append_text(&sql, ") on conflict do nothing");
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return statement_prepare_text(add, db, "list the rows that are there", sql.data, err);
}

enum outcome presence_add(struct statement *add, const struct value *key,
                          size_t key_count, struct error *err)
{
    for (size_t i = 0; i < key_count; i++)
        value_bind(add, (int)i + 1, &key[i]);
    return statement_run(add, err);
}

static enum outcome delete_absent(struct database *db, const struct table *table,
                                  const char *physical_name, const char *other,
                                  bool live_only, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "delete from ");
    mirror_sql_identifier(&sql, physical_name);
    buffer_append_text(&sql, " as this where not exists (select 1 from ");
    buffer_append_text(&sql, other);
    buffer_append_text(&sql, " as other where ");
    append_key_equality(&sql, table);
    buffer_append_text(&sql, ")");
    if (live_only && table->deleted_at != TABLE_NO_COLUMN) {
        buffer_append_text(&sql, " and this.");
        mirror_sql_identifier(&sql, table->columns[table->deleted_at].name);
        buffer_append_text(&sql, " is null");
    }
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return database_run(db, "delete the rows that are gone", sql.data, err);
}

enum outcome presence_delete_absent(struct database *db, const struct table *table,
                                    const char *physical_name, int64_t *out_deleted,
                                    struct error *err)
{
    OWNED(buffer_release) struct buffer list = {0};
    OWNED(buffer_release) struct buffer drop = {0};

    append_list_name(&list, table);
    buffer_append_text(&drop, "drop table ");
    append_list_name(&drop, table);
    if (buffer_check(&list, err) == FAILED || buffer_check(&drop, err) == FAILED ||
        delete_absent(db, table, physical_name, list.data, true, err) == FAILED)
        return FAILED;
    *out_deleted = database_changes(db);
    return database_run(db, "forget the list", drop.data, err);
}

enum outcome presence_delete_absent_from(struct database *db, const struct table *table,
                                         const char *other_name, struct error *err)
{
    OWNED(buffer_release) struct buffer other = {0};

    mirror_sql_identifier(&other, other_name);
    if (buffer_check(&other, err) == FAILED)
        return FAILED;
    return delete_absent(db, table, table->name, other.data, false, err);
}
