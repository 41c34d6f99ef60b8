/*
 * The part of mirror_sql.h that brings rows to the primary. Here tables do have an alias,
 * target: no scope of a person's own is in these statements.
 *
 * Every value comes as text and is cast before the rows are looked for, so that a value
 * that is none fails whatever the primary holds.
 */
#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"

#include <stdio.h>
#include <string.h>

/* PostgreSQL allows 1664 fields in one list; a few are its own. */
#define FIELD_LIMIT 1600

/* ---- types ---- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* "character(5)" and "bit(4)" without their numbers would mean a length of 1. */
static const char *type_of_any_length(const char *type, size_t *out_skipped)
{
    static const char *const pairs[][2] = {
        {"character", "pg_catalog.bpchar"},
        {"bit", "pg_catalog.\"bit\""},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t length = strlen(pairs[i][0]);

        if (starts_with(type, pairs[i][0]) && strchr("([", type[length])) {
            *out_skipped = length;
            return pairs[i][1];
        }
    }
    *out_skipped = 0;
    return "";
}

/*
 * The type without its modifier: an explicit cast to varchar(3) cuts silently, where an
 * assignment looks whether it fits.
 */
static void bare_type(struct buffer *sql, const struct table_column *column)
{
    const char *at = column->type_name;
    bool quoted = false;
    size_t skipped;

    buffer_append_text(sql, type_of_any_length(at, &skipped));
    for (at += skipped; *at; at++) {
        quoted ^= *at == '"';
        if (*at == '(' && !quoted)
            at = strchr(at, ')') + 1;
        if (!*at)
            break;
        buffer_append(sql, at, 1);
    }
}

/* Types whose modifier only rounds: two values are the same when they are after that. */
static bool modifier_rounds(const struct table_column *column)
{
    const char *type = column->type_name;

    return strchr(type, '(') &&
           (starts_with(type, "numeric") || starts_with(type, "time") ||
            starts_with(type, "interv"));
}

static bool is_array(const struct table_column *column)
{
    return column->codec == CODEC_ARRAY_OF_LITERALS ||
           column->codec == CODEC_ARRAY_OF_TEXT;
}

/*
 * A text as a value of the column's type. An array is a JSON array of its elements, or
 * the primary's own text when that says more: {{1,2},{3,4}}, [0:1]={1,2}.
 */
static void typed_value(struct buffer *sql, const struct table_column *column,
                        const char *text)
{
    if (is_array(column)) {
        buffer_append_format(sql,
                             "CASE WHEN %1$s ~ '^\\s*\\['"
                             " AND %1$s !~ '^\\s*\\[\\s*[-+]?\\d+\\s*:'"
                             " THEN ARRAY(SELECT element FROM"
                             " json_array_elements_text(%1$s::json)"
                             " WITH ORDINALITY AS items(element, position)"
                             " ORDER BY position)::",
                             text);
        bare_type(sql, column);
        buffer_append_format(sql, " ELSE %s::", text);
        bare_type(sql, column);
        buffer_append_text(sql, " END");
        return;
    }
    buffer_append_format(sql, "%s::", text);
    bare_type(sql, column);
}

/* ---- the rows sent ---- */

static size_t parameters_before_values(const struct mirror_push *push)
{
    return 1 + push->table->key_count;
}

bool mirror_sql_push_packs_bases(const struct mirror_push *push)
{
    return push->locals && push->bases &&
           parameters_before_values(push) + 2 * push->column_count > FIELD_LIMIT;
}

size_t mirror_sql_push_parameters(const struct mirror_push *push)
{
    size_t bases = mirror_sql_push_packs_bases(push) ? 1 : push->column_count;

    return parameters_before_values(push) + (push->locals ? push->column_count : 0) +
           (push->bases ? bases : 0);
}

static void raw_names(struct buffer *sql, const struct mirror_push *push)
{
    buffer_append_text(sql, "o");
    for (size_t i = 0; i < push->table->key_count; i++)
        buffer_append_format(sql, ", k%zu", i + 1);
    for (size_t i = 0; push->locals && i < push->column_count; i++)
        buffer_append_format(sql, ", v%zu", i + 1);
    if (mirror_sql_push_packs_bases(push)) {
        buffer_append_text(sql, ", b");
        return;
    }
    for (size_t i = 0; push->bases && i < push->column_count; i++)
        buffer_append_format(sql, ", b%zu", i + 1);
}

static void typed_columns(struct buffer *sql, const struct mirror_push *push, char letter)
{
    for (size_t i = 0; i < push->column_count; i++) {
        char text[32];

        snprintf(text, sizeof(text), "raw.%c%zu", letter, i + 1);
        buffer_append_text(sql, ", ");
        typed_value(sql, &push->table->columns[push->columns[i]], text);
        buffer_append_format(sql, " AS %c%zu", letter, i + 1);
    }
}

/* WITH source AS (the rows, each value in its type; the closing parenthesis is the
 * caller's */
static void start_source(struct buffer *sql, const struct mirror_push *push)
{
    const struct table *table = push->table;

    buffer_append_text(sql, "WITH source AS MATERIALIZED (SELECT raw.o");
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_format(sql, ", raw.k%zu::", i + 1);
        bare_type(sql, &table->columns[table->key[i]]);
        buffer_append_format(sql, " AS k%zu", i + 1);
    }
    if (push->locals)
        typed_columns(sql, push, 'v');
    if (mirror_sql_push_packs_bases(push))
        buffer_append_text(sql, ", raw.b::text[] AS b");
    else if (push->bases)
        typed_columns(sql, push, 'b');
    buffer_append_text(sql, " FROM unnest($1::bigint[]");
    for (size_t i = 1; i < mirror_sql_push_parameters(push); i++)
        buffer_append_format(sql, ", $%zu::text[]", i + 1);
    buffer_append_text(sql, ") AS raw(");
    raw_names(sql, push);
    buffer_append_text(sql, ")");
}

static void with_source(struct buffer *sql, const struct mirror_push *push)
{
    start_source(sql, push);
    buffer_append_text(sql, ")");
}

/* ---- which row, and whether it is as it was ---- */

static void column_of(struct buffer *sql, const char *prefix,
                      const struct table_column *column)
{
    buffer_append_format(sql, "%s.", prefix);
    mirror_sql_identifier(sql, column->name);
}

static void target_name(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, table->partitioned ? "" : "ONLY ");
    mirror_sql_primary_name(sql, table);
    buffer_append_text(sql, " AS target");
}

/* Domains have no operators of their own, so the column is cast; where a modifier would
 * make that a conversion, its type has the operator anyway. */
static void key_matches(struct buffer *sql, const struct table *table, const char *prefix,
                        const char *first)
{
    for (size_t i = 0; i < table->key_count; i++) {
        const struct table_column *column = &table->columns[table->key[i]];

        buffer_append_text(sql, i ? " AND " : first);
        if (prefix[0])
            column_of(sql, prefix, column);
        else
            buffer_append_format(sql, "written.k%zu", i + 1);
        if (!strchr(column->type_name, '(')) {
            buffer_append_text(sql, "::");
            bare_type(sql, column);
        }
        buffer_append_format(sql, " = source.k%zu", i + 1);
    }
}

/* The codec's expression over one side of a comparison. */
static void rendered(struct buffer *sql, const struct table_column *column,
                     const char *operand)
{
    switch (column->codec) {
    case CODEC_TEXT:
    case CODEC_CASELESS_TEXT:
        buffer_append_format(sql, "%s::text COLLATE \"C\"", operand);
        break;
    case CODEC_JSON:
        buffer_append_format(sql, "%s::json::text COLLATE \"C\"", operand);
        break;
    case CODEC_PADDED_TEXT:
        buffer_append_format(sql, "%s::pg_catalog.bpchar COLLATE \"C\"", operand);
        break;
    case CODEC_NUMERIC_AS_REAL:
        buffer_append_format(sql, "%s::double precision", operand);
        break;
    default:
        mirror_sql_wire_expression(sql, column, operand);
    }
}

/*
 * Whether the primary's column holds the value that is called `name` in the rows sent.
 * By the type's own equality only where that is exact: json, xml and point have none,
 * a caseless or nondeterministic one overlooks changes.
 */
static void holds(struct buffer *sql, const struct table_column *column, const char *name)
{
    OWNED(buffer_release) struct buffer stored = {0};
    OWNED(buffer_release) struct buffer sent = {0};

    column_of(&stored, "target", column);
    buffer_append_text(&sent, name);
    if (modifier_rounds(column))
        buffer_append_format(&sent, "::%s", column->type_name);
    if (stored.failed || sent.failed) {
        sql->failed = true;
        return;
    }
    buffer_append_text(sql, "(");
    rendered(sql, column, stored.data);
    buffer_append_text(sql, ") IS NOT DISTINCT FROM (");
    rendered(sql, column, sent.data);
    buffer_append_text(sql, ")");
}

static void holds_numbered(struct buffer *sql, const struct mirror_push *push,
                           size_t number, char letter)
{
    OWNED(buffer_release) struct buffer name = {0};
    const struct table_column *column = &push->table->columns[push->columns[number]];
    char packed[32];

    snprintf(packed, sizeof(packed), "source.b[%zu]", number + 1);
    if (letter == 'b' && mirror_sql_push_packs_bases(push))
        typed_value(&name, column, packed);
    else
        buffer_append_format(&name, "source.%c%zu", letter, number + 1);
    if (name.failed)
        sql->failed = true;
    else
        holds(sql, column, name.data);
}

/* The primary's own, not part of what was changed here. */
static bool is_kept_there(const struct table *table, size_t column)
{
    return table->columns[column].generated || (int)column == table->updated_at;
}

static void where_unchanged(struct buffer *sql, const struct mirror_push *push)
{
    key_matches(sql, push->table, "target", " WHERE ");
    if (!push->bases)
        return;
    for (size_t i = 0; i < push->column_count; i++) {
        if (is_kept_there(push->table, push->columns[i]))
            continue;
        buffer_append_text(sql, " AND ");
        holds_numbered(sql, push, i, 'b');
    }
}

static void then_the_others(struct buffer *sql)
{
    buffer_append_text(sql, " RETURNING source.o) SELECT source.o FROM source"
                            " WHERE NOT EXISTS (SELECT FROM written"
                            " WHERE written.o = source.o)");
}

/* ---- statements ---- */

static bool is_stamped(const struct table *table)
{
    return table->updated_at != TABLE_NO_COLUMN &&
           !table->columns[table->updated_at].generated &&
           !table_is_key(table, (size_t)table->updated_at);
}

/* A column that the statement writes with the value sent. */
static bool is_written(const struct table *table, size_t column)
{
    return !table->columns[column].generated &&
           !(is_stamped(table) && (int)column == table->updated_at);
}

static void insert_columns(struct buffer *sql, const struct mirror_push *push)
{
    const struct table *table = push->table;
    const char *separator = " (";

    for (size_t i = 0; i < push->column_count; i++) {
        if (!is_written(table, push->columns[i]))
            continue;
        buffer_append_text(sql, separator);
        mirror_sql_identifier(sql, table->columns[push->columns[i]].name);
        separator = ", ";
    }
    if (is_stamped(table)) {
        buffer_append_text(sql, separator);
        mirror_sql_identifier(sql, table->columns[table->updated_at].name);
    }
    buffer_append_text(sql, ") OVERRIDING SYSTEM VALUE SELECT ");
    separator = "";
    for (size_t i = 0; i < push->column_count; i++) {
        if (!is_written(table, push->columns[i]))
            continue;
        buffer_append_format(sql, "%ssource.v%zu", separator, i + 1);
        separator = ", ";
    }
    if (is_stamped(table))
        buffer_append_format(sql, "%snow()", separator);
    buffer_append_text(sql, " FROM source");
}

static void key_columns(struct buffer *sql, const struct table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        buffer_append_text(sql, i ? ", " : "");
        mirror_sql_identifier(sql, table->columns[table->key[i]].name);
    }
}

/* A key that is checked at the end of the transaction is no arbiter of ON CONFLICT. */
static void unless_there(struct buffer *sql, const struct table *table)
{
    if (table->deferrable_key) {
        buffer_append_text(sql, " WHERE NOT EXISTS (SELECT FROM ");
        target_name(sql, table);
        key_matches(sql, table, "target", " WHERE ");
        buffer_append_text(sql, ")");
        return;
    }
    buffer_append_text(sql, " ON CONFLICT (");
    key_columns(sql, table);
    buffer_append_text(sql, ") DO NOTHING");
}

/* Two rows here may be one there, where 1.0 is 1.00: the second one did not get in. */
static void the_rows_not_in(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, ") SELECT o FROM (SELECT source.o, written.k1 IS NULL AS"
                            " missing, row_number() OVER (PARTITION BY ");
    for (size_t i = 0; i < table->key_count; i++)
        buffer_append_format(sql, "%ssource.k%zu", i ? ", " : "", i + 1);
    buffer_append_text(sql, " ORDER BY source.o) AS twin FROM source LEFT JOIN written");
    key_matches(sql, table, "", " ON ");
    buffer_append_text(sql, ") AS sent WHERE missing OR twin > 1");
}

void mirror_sql_push_insert(struct buffer *sql, const struct mirror_push *push)
{
    const struct table *table = push->table;

    with_source(sql, push);
    buffer_append_text(sql, ", written(");
    for (size_t i = 0; i < table->key_count; i++)
        buffer_append_format(sql, "%sk%zu", i ? ", " : "", i + 1);
    buffer_append_text(sql, ") AS (INSERT INTO ");
    mirror_sql_primary_name(sql, table);
    insert_columns(sql, push);
    unless_there(sql, table);
    buffer_append_text(sql, " RETURNING ");
    key_columns(sql, table);
    the_rows_not_in(sql, table);
}

static bool is_unique(const struct table *table, size_t column)
{
    for (size_t i = 0; i < table->index_count; i++)
        for (size_t j = 0; table->indexes[i].unique && j < table->indexes[i].column_count;
             j++)
            if (table->indexes[i].columns[j] == (int)column)
                return true;
    return table_is_key(table, column);
}

/* Where rows cannot be in each other's way and the key is quickly sorted by. */
static bool may_go_by_key(const struct mirror_push *push)
{
    const struct table *table = push->table;
    bool may = true;

    for (size_t i = 0; i < push->column_count; i++)
        may = may && !is_unique(table, push->columns[i]);
    for (size_t i = 0; i < table->key_count; i++) {
        enum column_codec codec = table->columns[table->key[i]].codec;

        may = may && (codec == CODEC_UUID || codec == CODEC_SMALLINT ||
                      codec == CODEC_INTEGER || codec == CODEC_BIGINT);
    }
    return may;
}

/* In the order of the key, neighbours in the index are found one after the other. */
static void with_source_by_key(struct buffer *sql, const struct mirror_push *push)
{
    start_source(sql, push);
    for (size_t i = 0; i < push->table->key_count; i++)
        buffer_append_format(sql, "%sk%zu", i ? ", " : " ORDER BY ", i + 1);
    buffer_append_text(sql, ")");
}

void mirror_sql_push_update(struct buffer *sql, const struct mirror_push *push)
{
    const struct table *table = push->table;
    const char *separator = " SET ";

    if (may_go_by_key(push))
        with_source_by_key(sql, push);
    else
        with_source(sql, push);
    buffer_append_text(sql, ", written AS (UPDATE ");
    target_name(sql, table);
    for (size_t i = 0; i < push->column_count; i++) {
        if (!is_written(table, push->columns[i]))
            continue;
        buffer_append_text(sql, separator);
        mirror_sql_identifier(sql, table->columns[push->columns[i]].name);
        buffer_append_format(sql, " = source.v%zu", i + 1);
        separator = ", ";
    }
    if (is_stamped(table)) {
        buffer_append_text(sql, separator);
        mirror_sql_identifier(sql, table->columns[table->updated_at].name);
        buffer_append_text(sql, " = now()");
    }
    buffer_append_text(sql, " FROM source");
    where_unchanged(sql, push);
    then_the_others(sql);
}

bool mirror_sql_push_updates_nothing(const struct mirror_push *push)
{
    if (is_stamped(push->table))
        return false;
    for (size_t i = 0; i < push->column_count; i++)
        if (is_written(push->table, push->columns[i]))
            return false;
    return true;
}

void mirror_sql_push_delete(struct buffer *sql, const struct mirror_push *push)
{
    with_source(sql, push);
    buffer_append_text(sql, ", written AS (DELETE FROM ");
    target_name(sql, push->table);
    buffer_append_text(sql, " USING source");
    where_unchanged(sql, push);
    then_the_others(sql);
}

/* '0' or '1' for each column, in one text: a row has room for 1,664 fields only. */
static void comparisons(struct buffer *sql, const struct mirror_push *push)
{
    const char *separator = "";

    buffer_append_text(sql, "array_to_string(ARRAY[");
    for (size_t i = 0; push->locals && i < push->column_count; i++) {
        buffer_append_format(sql, "%s(", separator);
        holds_numbered(sql, push, i, 'v');
        buffer_append_text(sql, ")::int");
        separator = ", ";
    }
    for (size_t i = 0; push->bases && i < push->column_count; i++) {
        buffer_append_format(sql, "%s(", separator);
        holds_numbered(sql, push, i, 'b');
        buffer_append_text(sql, ")::int");
        separator = ", ";
    }
    buffer_append_text(sql, "]::int[], '')");
}

static void changed_us(struct buffer *sql, const struct table *table)
{
    OWNED(buffer_release) struct buffer column = {0};

    if (table->updated_at == TABLE_NO_COLUMN) {
        buffer_append_text(sql, "NULL::bigint");
        return;
    }
    column_of(&column, "target", &table->columns[table->updated_at]);
    if (column.failed) {
        sql->failed = true;
        return;
    }
    buffer_append_format(sql,
                         "CASE WHEN isfinite(%1$s)"
                         " THEN (extract(epoch FROM %1$s) * 1000000)::bigint END",
                         column.data);
}

void mirror_sql_push_look(struct buffer *sql, const struct mirror_push *push)
{
    with_source(sql, push);
    buffer_append_text(sql, " SELECT source.o, ");
    comparisons(sql, push);
    buffer_append_text(sql, ", ");
    changed_us(sql, push->table);
    buffer_append_text(sql, ", ");
    mirror_sql_wire_columns(sql, push->table, "target");
    buffer_append_text(sql, " FROM source, ");
    target_name(sql, push->table);
    key_matches(sql, push->table, "target", " WHERE ");
    buffer_append_text(sql, " FOR UPDATE OF target");
}

void mirror_sql_push_visible(struct buffer *sql, const struct mirror_push *push)
{
    with_source(sql, push);
    buffer_append_text(sql, " SELECT source.o FROM source, ");
    target_name(sql, push->table);
    key_matches(sql, push->table, "target", " WHERE ");
}
