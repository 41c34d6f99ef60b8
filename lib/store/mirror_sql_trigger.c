#include "lib/store/mirror_sql_trigger.h"

#include "lib/base/cleanup.h"
#include "lib/model/json_text.h"
#include "lib/store/mirror_sql.h"

#include <string.h>

void trigger_text(const struct trigger *trigger, const char *part)
{
    buffer_append_text(trigger->sql, part);
}

void trigger_column(const struct trigger *trigger, size_t column)
{
    mirror_sql_identifier(trigger->sql, trigger->table->columns[column].name);
}

void trigger_value(const struct trigger *trigger, const char *row, size_t column)
{
    buffer_append_format(trigger->sql, "%s.", row);
    trigger_column(trigger, column);
}

void trigger_row_number(const struct trigger *trigger, const char *row)
{
    if (!trigger->row_number) {
        trigger_key(trigger, row);
        return;
    }
    buffer_append_format(trigger->sql, "%s.", row);
    mirror_sql_identifier(trigger->sql, trigger->row_number);
}

static const struct column_codec_info *codec_of(const struct trigger *trigger,
                                                size_t column)
{
    return column_codec_info(trigger->table->columns[column].codec);
}

bool trigger_name_is_free(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table_same_name(table->columns[i].name, name))
            return false;
    return true;
}

static const char *find_row_number(const struct table *table)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};

    if (mirror_sql_has_rowid_key(table))
        return table->columns[table->key[0]].name;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (trigger_name_is_free(table, names[i]))
            return names[i];
    return NULL;
}

void trigger_init(struct trigger *out_trigger, struct buffer *sql,
                  const struct table *table, int64_t table_id)
{
    bool stamped = table->updated_at != TABLE_NO_COLUMN &&
                   !table_is_key(table, (size_t)table->updated_at);

    *out_trigger = (struct trigger){
        .sql = sql,
        .table = table,
        .table_id = table_id,
        .row_number = find_row_number(table),
        .updated_at = stamped ? table->updated_at : TABLE_NO_COLUMN,
    };
}

/*
 * Text within a JSON string. SQLite's own JSON functions may not be used: 3.40 takes them
 * for unsafe where an application has switched trusted_schema off. Control characters
 * that are rarer than these stay as they are.
 */
static void start_escaping(const struct trigger *trigger)
{
    trigger_text(trigger, "replace(replace(replace(replace(replace(");
}

static void end_escaping(const struct trigger *trigger)
{
    trigger_text(trigger, ", '\\', '\\\\'), '\"', '\\\"'), char(10), '\\n')"
                          ", char(13), '\\r'), char(9), '\\t')");
}

static void key_text(const struct trigger *trigger, const char *row, size_t column)
{
    static const char *const wraps[][2] = {
        {"CAST(", " AS TEXT)"}, {"lower(", ")"}, {"rtrim(", ")"}};
    const struct column_codec_info *codec = codec_of(trigger, column);
    size_t wrap = 0;

    if (codec->collation)
        wrap = strcmp(codec->collation, "NOCASE") == 0 ? 1 : 2;
    start_escaping(trigger);
    trigger_text(trigger, wraps[wrap][0]);
    trigger_value(trigger, row, column);
    trigger_text(trigger, wraps[wrap][1]);
    end_escaping(trigger);
}

static bool has_cache_type(const struct trigger *trigger, size_t column, const char *type)
{
    return strcmp(codec_of(trigger, column)->cache_type, type) == 0;
}

/* Values of the type need no escaping. */
static void key_unless(const struct trigger *trigger, const char *row, size_t column,
                       const char *type)
{
    trigger_text(trigger, "CASE typeof(");
    trigger_value(trigger, row, column);
    buffer_append_format(trigger->sql, ") WHEN '%s' THEN quote(", type);
    trigger_value(trigger, row, column);
    trigger_text(trigger, ") ELSE ");
    key_text(trigger, row, column);
    trigger_text(trigger, " END");
}

/* A key column in the primary's spelling, equal for keys that the cache takes for equal.
 */
static void key_column(const struct trigger *trigger, const char *row, size_t column)
{
    if (has_cache_type(trigger, column, "BLOB")) {
        trigger_text(trigger, "'\\\\x' || lower(hex(");
        trigger_value(trigger, row, column);
        trigger_text(trigger, "))");
    } else if (has_cache_type(trigger, column, "INTEGER")) {
        key_unless(trigger, row, column, "integer");
    } else if (has_cache_type(trigger, column, "TEXT")) {
        key_text(trigger, row, column);
    } else {
        key_unless(trigger, row, column, "real");
    }
}

void trigger_key(const struct trigger *trigger, const char *row)
{
    trigger_text(trigger, "('[\"' || ");
    for (size_t i = 0; i < trigger->table->key_count; i++) {
        trigger_text(trigger, i ? " || '\",\"' || " : "");
        key_column(trigger, row, (size_t)trigger->table->key[i]);
    }
    trigger_text(trigger, " || '\"]')");
}

void trigger_same_key(const struct trigger *trigger, const char *left, const char *right)
{
    for (size_t i = 0; i < trigger->table->key_count; i++) {
        size_t column = (size_t)trigger->table->key[i];

        trigger_text(trigger, i ? " AND " : "");
        trigger_value(trigger, left, column);
        trigger_text(trigger, " IS ");
        trigger_value(trigger, right, column);
    }
}

/* (OLD.a, OLD.b) of the columns for which wanted() holds; the number of them. */
void trigger_row_value(const struct trigger *trigger, const char *row,
                       bool (*wanted)(const struct trigger *, size_t))
{
    size_t count = 0;

    trigger_text(trigger, "(");
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        if (!wanted(trigger, i))
            continue;
        trigger_text(trigger, count++ ? ", " : "");
        trigger_value(trigger, row, i);
        if (codec_of(trigger, i)->collation)
            trigger_text(trigger, " COLLATE BINARY");
    }
    trigger_text(trigger, ")");
}

bool trigger_is_not_stamp(const struct trigger *trigger, size_t column)
{
    return trigger->updated_at != (int)column;
}

/* What goes to the primary when it changes. */
static bool is_pushed(const struct trigger *trigger, size_t column)
{
    return trigger_is_not_stamp(trigger, column) &&
           !trigger->table->columns[column].generated;
}

/* Whether rows of the same key can differ in it. */
static bool can_differ(const struct trigger *trigger, size_t column)
{
    return !table_is_key(trigger->table, column) || codec_of(trigger, column)->collation;
}

static void differs_from_new(const struct trigger *trigger, const char *row,
                             size_t column)
{
    trigger_value(trigger, row, column);
    trigger_text(trigger, codec_of(trigger, column)->collation ? " COLLATE BINARY IS NOT "
                                                               : " IS NOT ");
    trigger_value(trigger, "NEW", column);
}

/* quote() of the value, which itself would stop at a NUL byte, within a JSON string. */
static void quoted(const struct trigger *trigger, const char *value)
{
    buffer_append_format(trigger->sql, "CASE typeof(%s) WHEN 'text' THEN '''' || ",
                         value);
    start_escaping(trigger);
    buffer_append_format(trigger->sql, "replace(%s, '''', '''''')", value);
    end_escaping(trigger);
    buffer_append_format(trigger->sql, " || '''' ELSE quote(%s) END", value);
}

/* ('"name":"', row.name, whether it belongs to the base) */
static void member(const struct trigger *trigger, const char *row, size_t column,
                   bool changes_only)
{
    OWNED(buffer_release) struct buffer label = {0};
    const char *name = trigger->table->columns[column].name;

    json_text_append(&label, name, strlen(name));
    buffer_append_text(&label, ":\"");
    trigger_text(trigger, "(");
    mirror_sql_literal(trigger->sql, label.failed ? "" : label.data);
    trigger->sql->failed |= label.failed;
    trigger_text(trigger, ", ");
    trigger_value(trigger, row, column);
    if (changes_only) {
        trigger_text(trigger, ", ");
        differs_from_new(trigger, row, column);
    }
    trigger_text(trigger, ")");
}

/* The members as rows, quoted in one place: with each column quoted by itself the trigger
 * would be several times as large, and whoever opens the file keeps it in memory. */
void trigger_base(const struct trigger *trigger, const char *row, bool changes_only)
{
    trigger_text(trigger, "coalesce((SELECT '{' || group_concat(column1 || ");
    quoted(trigger, "column2");
    /* the first row gives the columns their names, and none to the sum */
    trigger_text(trigger, " || '\"') || '}' FROM (VALUES (NULL, NULL");
    trigger_text(trigger, changes_only ? ", 0)" : ")");
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        if (!is_pushed(trigger, i) || (changes_only && !can_differ(trigger, i)))
            continue;
        trigger_text(trigger, ", ");
        member(trigger, row, i, changes_only);
    }
    trigger_text(trigger, changes_only ? ") WHERE column3), '{}')" : ")), '{}')");
}

void trigger_moment(const struct trigger *trigger, int column)
{
    trigger_text(trigger,
                 column_codec_present_moment(trigger->table->columns[column].codec));
}

/* A gate whose row somebody deleted is a closed one. */
static void when_closed(const struct trigger *trigger)
{
    trigger_text(trigger, "\nWHEN (SELECT open FROM tide_gate) IS NOT 1");
}

void trigger_begin(const struct trigger *trigger, const char *prefix, const char *event)
{
    trigger_text(trigger, "CREATE TRIGGER ");
    mirror_sql_prefixed(trigger->sql, prefix, trigger->table->name);
    buffer_append_format(trigger->sql, " %s ON ", event);
    mirror_sql_identifier(trigger->sql, trigger->table->name);
    when_closed(trigger);
}

static void column_list(const struct trigger *trigger, struct buffer *names,
                        bool (*wanted)(const struct trigger *, size_t))
{
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        if (!wanted(trigger, i))
            continue;
        buffer_append_text(names, names->length ? ", " : "");
        mirror_sql_identifier(names, trigger->table->columns[i].name);
    }
}

void trigger_begin_update_of(const struct trigger *trigger, const char *prefix,
                             const char *when,
                             bool (*wanted)(const struct trigger *, size_t))
{
    OWNED(buffer_release) struct buffer names = {0};
    OWNED(buffer_release) struct buffer event = {0};

    column_list(trigger, &names, wanted);
    buffer_append_format(&event, "%s UPDATE OF %s", when, names.data ? names.data : "");
    if (names.failed || event.failed)
        trigger->sql->failed = true;
    else
        trigger_begin(trigger, prefix, event.data);
}

void trigger_from_rows(const struct trigger *trigger)
{
    trigger_text(trigger, " FROM ");
    mirror_sql_identifier(trigger->sql, trigger->table->name);
    trigger_text(trigger, " AS tide_row WHERE ");
}

void trigger_start_entry(const struct trigger *trigger)
{
    trigger_text(trigger, "INSERT INTO tide_outbox (table_id, row_key, op, base) ");
}
