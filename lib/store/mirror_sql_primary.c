/*
 * The half of mirror_sql.h that speaks to the primary. Tables are never given an alias,
 * so that a scope may use the table's own name.
 */
#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"

#include <string.h>

void mirror_sql_primary_name(struct buffer *sql, const struct table *table)
{
    mirror_sql_identifier(sql, table->schema);
    buffer_append_text(sql, ".");
    mirror_sql_identifier(sql, table->name);
}

/* A table that others inherit from is mirrored without their rows: they have keys of
 * their own. */
static void from_table(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, table->partitioned ? " FROM " : " FROM ONLY ");
    mirror_sql_primary_name(sql, table);
}

/* The codec's expression with %1$s replaced by the operand. */
void mirror_sql_wire_expression(struct buffer *sql, const struct table_column *column,
                                const char *operand)
{
    const char *template = column_codec_info(column->codec)->select;
    const char *hole;

    while ((hole = strstr(template, "%1$s"))) {
        buffer_append(sql, template, (size_t)(hole - template));
        buffer_append_text(sql, operand);
        template = hole + strlen("%1$s");
    }
    buffer_append_text(sql, template);
}

static void wire_column(struct buffer *sql, const struct table_column *column,
                        const char *prefix)
{
    OWNED(buffer_release) struct buffer name = {0};

    if (prefix)
        buffer_append_format(&name, "%s.", prefix);
    mirror_sql_identifier(&name, column->name);
    if (name.failed)
        sql->failed = true;
    else
        mirror_sql_wire_expression(sql, column, name.data);
}

void mirror_sql_wire_columns(struct buffer *sql, const struct table *table,
                             const char *prefix)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (i)
            buffer_append_text(sql, ", ");
        wire_column(sql, &table->columns[i], prefix);
    }
}

/*
 * A key column to be compared with a value cast to its type. Domains over enums or ranges
 * have no operators of their own, so the column is cast too: that costs nothing and
 * indexes still serve, except for a type with a modifier, where it would be a conversion.
 */
static void key_operand(struct buffer *sql, const struct table_column *column,
                        const char *prefix)
{
    buffer_append_text(sql, prefix);
    mirror_sql_identifier(sql, column->name);
    if (!strchr(column->type_name, '('))
        buffer_append_format(sql, "::%s", column->type_name);
}

static int key_position(const struct table *table, size_t column)
{
    for (size_t i = 0; i < table->key_count; i++)
        if ((size_t)table->key[i] == column)
            return (int)i;
    return -1;
}

/* The line break keeps a comment at the end of the scope from swallowing the rest. */
static void scope_test(struct buffer *sql, const struct table *table)
{
    buffer_append_format(sql, "(%s\n)", table->scope);
}

/* WHERE it is no tombstone and within the scope; "true" when neither matters. */
static void where_mirrored(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, " WHERE true");
    if (table->deleted_at != TABLE_NO_COLUMN) {
        buffer_append_text(sql, " AND ");
        mirror_sql_identifier(sql, table->columns[table->deleted_at].name);
        buffer_append_text(sql, " IS NULL");
    }
    if (table->scope) {
        buffer_append_text(sql, " AND ");
        scope_test(sql, table);
    }
}

/* Qualified, since a bare name would mean the wire column: the text of an enum, say. */
static void key_order(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? ", " : " ORDER BY ");
        mirror_sql_identifier(sql, table->name);
        buffer_append_text(sql, ".");
        mirror_sql_identifier(sql, table->columns[table->key[i]].name);
    }
}

void mirror_sql_copy_query(struct buffer *sql, const struct table *table,
                           const char *const *after)
{
    buffer_append_text(sql, "SELECT ");
    mirror_sql_wire_columns(sql, table, NULL);
    from_table(sql, table);
    where_mirrored(sql, table);
    if (after) {
        buffer_append_text(sql, " AND (");
        for (size_t i = 0; i < table->key_count; i++)
            key_operand(sql, &table->columns[table->key[i]], i ? ", " : "");
        buffer_append_text(sql, ") > (");
        for (size_t i = 0; i < table->key_count; i++) {
            buffer_append_text(sql, i ? ", " : "");
            mirror_sql_literal(sql, after[i]);
            buffer_append_format(sql, "::%s", table->columns[table->key[i]].type_name);
        }
        buffer_append_text(sql, ")");
    }
    key_order(sql, table);
}

void mirror_sql_primary_count(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, "SELECT count(*)");
    from_table(sql, table);
    where_mirrored(sql, table);
}

void mirror_sql_primary_keys(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, "SELECT ");
    for (size_t i = 0; i < table->key_count; i++) {
        if (i)
            buffer_append_text(sql, ", ");
        wire_column(sql, &table->columns[table->key[i]], NULL);
    }
    from_table(sql, table);
    where_mirrored(sql, table);
}

/* ---- deltas: one column "char" that says what happened, then the wire columns ---- */

/* Every column of a row that is gone, or of which only the key is known. */
static void key_only_columns(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *column = &table->columns[i];

        buffer_append_text(sql, ", ");
        if (table_is_key(table, i))
            wire_column(sql, column, NULL);
        else
            buffer_append_format(sql, "NULL::%s",
                                 column_codec_info(column->codec)->wire_type);
    }
}

/* The rows of the table that pass the test; those outside the scope as deleted keys. */
static void changed_rows(struct buffer *sql, const struct table *table, const char *test)
{
    if (table->scope) {
        buffer_append_text(sql, "SELECT 'd'::\"char\"");
        key_only_columns(sql, table);
        from_table(sql, table);
        buffer_append_format(sql, " WHERE %s AND ", test);
        scope_test(sql, table);
        buffer_append_text(sql, " IS NOT TRUE UNION ALL ");
    }
    buffer_append_text(sql, "SELECT 'u'::\"char\", ");
    mirror_sql_wire_columns(sql, table, NULL);
    from_table(sql, table);
    buffer_append_format(sql, " WHERE %s", test);
    if (table->scope) {
        buffer_append_text(sql, " AND ");
        scope_test(sql, table);
    }
}

/* One column of the delete log; null for a truncation. */
static void logged_column(struct buffer *sql, const struct table *table, size_t column)
{
    OWNED(buffer_release) struct buffer value = {0};
    const struct table_column *self = &table->columns[column];
    int position = key_position(table, column);

    if (position < 0) {
        buffer_append_format(sql, "NULL::%s", column_codec_info(self->codec)->wire_type);
        return;
    }
    buffer_append_format(&value, "(key[%d]::%s)", position + 1, self->type_name);
    if (value.failed)
        sql->failed = true;
    else
        mirror_sql_wire_expression(sql, self, value.data);
}

static void tracked_test(struct buffer *sql, bool in_recovery)
{
    buffer_append_text(sql, "tide_xid >= pg_snapshot_xmin($1::pg_snapshot)");
    if (!in_recovery)
        buffer_append_text(sql,
                           " AND NOT pg_visible_in_snapshot(tide_xid, $1::pg_snapshot)");
}

/*
 * Around a delta: what is gone comes first, then rows in the order of the key, which is
 * how the cache holds them: applied so, each of its pages is touched once. MATERIALIZED
 * keeps the planner from walking the whole key's index for that order.
 */
static void begin_ordered(struct buffer *sql)
{
    buffer_append_text(sql, "WITH delta AS MATERIALIZED (");
}

static void end_ordered(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, ") SELECT * FROM delta ORDER BY 1");
    for (size_t i = 0; i < table->key_count; i++)
        buffer_append_format(sql, ", %d", table->key[i] + 2);
}

void mirror_sql_tracked_delta(struct buffer *sql, const struct table *table,
                              bool in_recovery)
{
    OWNED(buffer_release) struct buffer test = {0};

    tracked_test(&test, in_recovery);
    if (test.failed) {
        sql->failed = true;
        return;
    }
    begin_ordered(sql);
    buffer_append_text(sql,
                       "SELECT CASE WHEN key IS NULL THEN 't' ELSE 'd' END::\"char\"");
    for (size_t i = 0; i < table->column_count; i++) {
        buffer_append_text(sql, ", ");
        logged_column(sql, table, i);
    }
    buffer_append_format(sql,
                         " FROM tidemark.deleted_row WHERE relation = %u::oid AND %s"
                         " UNION ALL ",
                         table->oid, test.data);
    changed_rows(sql, table, test.data);
    end_ordered(sql, table);
}

/* column >= $1, spelled so that an index on the column serves. */
static void since_bound(struct buffer *test, const struct table_column *column)
{
    if (test->length)
        buffer_append_text(test, " OR ");
    mirror_sql_identifier(test, column->name);
    buffer_append_text(test, column->codec == CODEC_TIMESTAMPTZ
                                 ? " >= $1::timestamptz"
                                 : " >= ($1::timestamptz AT TIME ZONE 'UTC')");
}

void mirror_sql_untracked_delta(struct buffer *sql, const struct table *table)
{
    OWNED(buffer_release) struct buffer either = {0};
    OWNED(buffer_release) struct buffer test = {0};

    if (table->updated_at != TABLE_NO_COLUMN)
        since_bound(&either, &table->columns[table->updated_at]);
    if (table->deleted_at != TABLE_NO_COLUMN)
        since_bound(&either, &table->columns[table->deleted_at]);
    if (either.failed)
        sql->failed = true;
    if (!either.length)
        return;
    buffer_append_format(&test, "(%s)", either.data);
    if (test.failed) {
        sql->failed = true;
        return;
    }
    begin_ordered(sql);
    changed_rows(sql, table, test.data);
    end_ordered(sql, table);
}

/* Ages wrap around with the counter: past 2,000,000,000 transactions they mean nothing,
 * and every row is taken. */
void mirror_sql_sweep(struct buffer *sql, const struct table *table)
{
    begin_ordered(sql);
    changed_rows(sql, table,
                 "(pg_snapshot_xmax(pg_current_snapshot())::text::numeric"
                 " - pg_snapshot_xmin($1::pg_snapshot)::text::numeric >= 2000000000"
                 " OR age(xmin) <= age(pg_snapshot_xmin($1::pg_snapshot)::xid))");
    end_ordered(sql, table);
}

/* 'd' comes from the wanted key, everything else from the row found, if any. */
static void fetched_columns(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        OWNED(buffer_release) struct buffer value = {0};
        const struct table_column *column = &table->columns[i];
        int position = key_position(table, i);

        buffer_append_text(sql, ", ");
        if (position < 0) {
            wire_column(sql, column, "found");
            continue;
        }
        buffer_append_text(&value, "coalesce(found.");
        mirror_sql_identifier(&value, column->name);
        buffer_append_format(&value, ", wanted.k%d::%s)", position + 1,
                             column->type_name);
        if (value.failed)
            sql->failed = true;
        else
            mirror_sql_wire_expression(sql, column, value.data);
    }
}

static void wanted_keys(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, " FROM unnest(");
    for (size_t i = 0; i < table->key_count; i++)
        buffer_append_format(sql, "%s$%zu::text[]", i ? ", " : "", i + 1);
    buffer_append_text(sql, ") AS wanted(");
    for (size_t i = 0; i < table->key_count; i++)
        buffer_append_format(sql, "%sk%zu", i ? ", " : "", i + 1);
    buffer_append_text(sql, ")");
}

void mirror_sql_fetch_by_keys(struct buffer *sql, const struct table *table)
{
    const char *first_key = table->columns[table->key[0]].name;

    buffer_append_text(sql, "SELECT CASE WHEN found.");
    mirror_sql_identifier(sql, first_key);
    buffer_append_text(sql, " IS NULL THEN 'd' ELSE 'u' END::\"char\"");
    fetched_columns(sql, table);
    wanted_keys(sql, table);
    buffer_append_text(sql, " LEFT JOIN (SELECT ");
    for (size_t i = 0; i < table->column_count; i++) {
        buffer_append_text(sql, i ? ", " : "");
        mirror_sql_identifier(sql, table->columns[i].name);
    }
    from_table(sql, table);
    if (table->scope) {
        buffer_append_text(sql, " WHERE ");
        scope_test(sql, table);
    }
    buffer_append_text(sql, ") AS found ON true");
    for (size_t i = 0; i < table->key_count; i++) {
        const struct table_column *column = &table->columns[table->key[i]];

        key_operand(sql, column, " AND found.");
        buffer_append_format(sql, " = wanted.k%zu::%s", i + 1, column->type_name);
    }
}
