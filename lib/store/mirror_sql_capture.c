/* The part of mirror_sql.h that builds the capture triggers. */
#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"
#include "lib/model/json_text.h"
#include "lib/store/mirror_sql_rare.h"
#include "lib/store/mirror_sql_replace.h"
#include "lib/store/mirror_sql_trigger.h"

#include <string.h>

/* Entries that triggers of applications may append between an entry of ours and the
 * second write that it explains. */
#define RECENT_ENTRIES 64

static const char *const capture_prefixes[] = {
    "tide_capture_before_insert_",
    "tide_capture_insert_",
    "tide_capture_replace_",
    "tide_capture_before_update_",
    "tide_capture_update_",
    "tide_capture_stamp_",
    "tide_capture_key_",
    "tide_capture_evict_",
    "tide_capture_before_delete_",
    "tide_capture_delete_",
    "tide_capture_anew_",
    /* of the versions that refused local writes */
    "tide_guard_insert_",
    "tide_guard_update_",
    "tide_guard_delete_",
};

/* An entry for the row from this very statement, or from the millisecond that it began.
 */
static void exists_recent_entry(const struct trigger *trigger)
{
    buffer_append_format(trigger->sql,
                         "EXISTS (SELECT 1 FROM (SELECT * FROM tide_outbox ORDER BY"
                         " sequence DESC LIMIT %d) WHERE table_id = %lld"
                         " AND changed_at = julianday('now') AND row_key = ",
                         RECENT_ENTRIES, (long long)trigger->table_id);
    trigger_key(trigger, "NEW");
    trigger_text(trigger, ")");
}

/* INSERT INTO tide_outbox … VALUES (7, … the rest is the caller's. */
static void start_entry(const struct trigger *trigger)
{
    trigger_start_entry(trigger);
    buffer_append_format(trigger->sql, "VALUES (%lld, ", (long long)trigger->table_id);
}

/* … key, 'op', … base and the closing parenthesis are the caller's. */
static void start_entry_of(const struct trigger *trigger, const char *row, const char *op)
{
    start_entry(trigger);
    trigger_key(trigger, row);
    buffer_append_format(trigger->sql, ", '%s', ", op);
}

/* A statement has its table's columns in scope: new."id" is a column where the table
 * itself is called new. */
static void outer_value(const struct trigger *trigger, const char *row,
                        const char *column)
{
    bool hidden = table_same_name(trigger->table->name, "new") ||
                  table_same_name(trigger->table->name, "old");

    buffer_append_format(trigger->sql, hidden ? "(SELECT %s." : "%s.", row);
    mirror_sql_identifier(trigger->sql, column);
    trigger_text(trigger, hidden ? ")" : "");
}

static void where_new_row(const struct trigger *trigger)
{
    const struct table *table = trigger->table;

    if (trigger->row_number) {
        mirror_sql_identifier(trigger->sql, trigger->row_number);
        trigger_text(trigger, " = ");
        outer_value(trigger, "NEW", trigger->row_number);
        return;
    }
    for (size_t i = 0; i < table->key_count; i++) {
        trigger_text(trigger, i ? " AND " : "");
        trigger_column(trigger, (size_t)table->key[i]);
        trigger_text(trigger, " = ");
        outer_value(trigger, "NEW", table->columns[table->key[i]].name);
    }
}

/* updated_at, unless the application has set it. */
static void stamp(const struct trigger *trigger)
{
    const char *column;

    if (trigger->updated_at == TABLE_NO_COLUMN)
        return;
    column = trigger->table->columns[trigger->updated_at].name;
    trigger_text(trigger, "\n UPDATE ");
    mirror_sql_identifier(trigger->sql, trigger->table->name);
    trigger_text(trigger, " SET ");
    mirror_sql_identifier(trigger->sql, column);
    trigger_text(trigger, " = ");
    trigger_moment(trigger, trigger->updated_at);
    trigger_text(trigger, " WHERE ");
    outer_value(trigger, "NEW", column);
    trigger_text(trigger, " IS ");
    outer_value(trigger, "OLD", column);
    trigger_text(trigger, " AND ");
    where_new_row(trigger);
    trigger_text(trigger, ";");
}

static bool is_key(const struct trigger *trigger, size_t column)
{
    return table_is_key(trigger->table, column);
}

static void of_put_back(const struct trigger *trigger, const char *start, const char *row)
{
    buffer_append_format(trigger->sql,
                         "%s FROM tide_put_back WHERE table_id = %lld"
                         " AND row_key = ",
                         start, (long long)trigger->table_id);
    trigger_row_number(trigger, row);
}

/* Not for the tombstone that the delete trigger puts back; of that nothing is kept. */
static void unless_put_back(const struct trigger *trigger, bool something_is_kept)
{
    if (trigger->table->deleted_at == TABLE_NO_COLUMN)
        return;
    trigger_text(trigger, " AND (");
    trigger_value(trigger, "NEW", (size_t)trigger->table->deleted_at);
    trigger_text(trigger, " IS NULL OR ");
    if (something_is_kept) {
        replaced_exists_key(trigger, "NEW");
        trigger_text(trigger, " OR ");
    }
    of_put_back(trigger, "NOT EXISTS (SELECT 1", "NEW");
    trigger_text(trigger, "))");
}

static void only_take(const struct trigger *trigger, const char *step, const char *row,
                      const char *changed_row)
{
    trigger_text(trigger, "\nBEGIN");
    rare_take(trigger, step, row, changed_row);
    trigger_text(trigger, "\nEND;\n");
}

/* Of two triggers SQLite fires the younger first. What was replaced must still be there
 * when the plain insert's trigger asks for it: it comes last here. */
static void on_insert(const struct trigger *trigger)
{
    trigger_begin(trigger, "tide_capture_before_insert_", "BEFORE INSERT");
    replaced_when_met(trigger, true);
    only_take(trigger, "keep", "NEW", NULL);

    trigger_begin(trigger, "tide_capture_replace_", "AFTER INSERT");
    trigger_text(trigger, " AND ");
    replaced_exist(trigger);
    unless_put_back(trigger, true);
    only_take(trigger, "replaced", "NEW", NULL);

    trigger_begin(trigger, "tide_capture_insert_", "AFTER INSERT");
    trigger_text(trigger, " AND NOT ");
    replaced_exist(trigger);
    unless_put_back(trigger, false);
    trigger_text(trigger, "\nBEGIN\n ");
    start_entry_of(trigger, "NEW", "insert");
    trigger_text(trigger, "NULL);\nEND;\n");
}

static void when_something_differs(const struct trigger *trigger)
{
    trigger_row_value(trigger, "OLD", trigger_is_not_stamp);
    trigger_text(trigger, " IS NOT ");
    trigger_row_value(trigger, "NEW", trigger_is_not_stamp);
}

/* Something differs, and it is not just our own stamp. */
static void when_changed(const struct trigger *trigger)
{
    const struct table *table = trigger->table;

    trigger_text(trigger, " AND ");
    trigger_same_key(trigger, "OLD", "NEW");
    trigger_text(trigger, " AND (");
    when_something_differs(trigger);
    if (trigger->updated_at != TABLE_NO_COLUMN) {
        trigger_text(trigger, " OR OLD.");
        mirror_sql_identifier(trigger->sql, table->columns[trigger->updated_at].name);
        trigger_text(trigger, " IS NOT NEW.");
        mirror_sql_identifier(trigger->sql, table->columns[trigger->updated_at].name);
        trigger_text(trigger, " AND NOT ");
        exists_recent_entry(trigger);
    }
    trigger_text(trigger, ")");
}

/* Behind the application's own triggers: a full-text index that sees the stamp before the
 * change that it belongs to would be wrong for ever. */
static void stamp_update(const struct trigger *trigger)
{
    if (trigger->updated_at == TABLE_NO_COLUMN)
        return;
    trigger_begin(trigger, "tide_capture_stamp_", "AFTER UPDATE");
    trigger_text(trigger, " AND ");
    trigger_value(trigger, "NEW", (size_t)trigger->updated_at);
    trigger_text(trigger, " IS ");
    trigger_value(trigger, "OLD", (size_t)trigger->updated_at);
    trigger_text(trigger, " AND ");
    trigger_same_key(trigger, "OLD", "NEW");
    trigger_text(trigger, " AND ");
    when_something_differs(trigger);
    trigger_text(trigger, "\nBEGIN");
    stamp(trigger);
    trigger_text(trigger, "\nEND;\n");
}

/* The entry comes before the change: a trigger of the application that changes the row
 * once more, after it, has its entry behind ours, and the first old value counts. */
static void on_update(const struct trigger *trigger)
{
    trigger_begin_update_of(trigger, "tide_capture_before_update_", "BEFORE",
                            replaced_is_decided_by);
    replaced_when_met(trigger, false);
    only_take(trigger, "keep", "NEW", "OLD");

    trigger_begin(trigger, "tide_capture_update_", "BEFORE UPDATE");
    when_changed(trigger);
    trigger_text(trigger, "\nBEGIN\n ");
    start_entry_of(trigger, "OLD", "update");
    trigger_base(trigger, "OLD", true);
    trigger_text(trigger, ");\nEND;\n");

    stamp_update(trigger);

    trigger_begin_update_of(trigger, "tide_capture_evict_", "AFTER",
                            replaced_is_decided_by);
    trigger_text(trigger, " AND ");
    replaced_exist(trigger);
    trigger_text(trigger, " AND ");
    trigger_same_key(trigger, "OLD", "NEW");
    only_take(trigger, "replaced", "NEW", "OLD");
}

static void on_key_change(const struct trigger *trigger)
{
    trigger_begin_update_of(trigger, "tide_capture_key_", "AFTER", is_key);
    trigger_text(trigger, " AND NOT (");
    trigger_same_key(trigger, "OLD", "NEW");
    trigger_text(trigger, ")\nBEGIN");
    rare_take(trigger, "gone", "OLD", NULL);
    rare_take(trigger, "replaced", "NEW", NULL);
    stamp(trigger);
    trigger_text(trigger, "\nEND;\n");
}

/* A tombstone stays as it is: there is nothing to delete. What REPLACE removes is left to
 * the trigger that follows the insert; images of rows that stayed are of no use. */
static void before_delete(const struct trigger *trigger)
{
    const struct table *table = trigger->table;

    trigger_begin(trigger, "tide_capture_before_delete_", "BEFORE DELETE");
    trigger_text(trigger, " AND (");
    if (table->deleted_at != TABLE_NO_COLUMN) {
        trigger_value(trigger, "OLD", (size_t)table->deleted_at);
        trigger_text(trigger, " IS NOT NULL OR ");
    }
    replaced_exist(trigger);
    trigger_text(trigger, ")\nBEGIN");
    replaced_probe(trigger);
    trigger_text(trigger, ";");
    buffer_append_format(trigger->sql,
                         "\n DELETE FROM tide_replaced WHERE table_id = %lld"
                         " AND NOT (SELECT replaces FROM tide_probe) AND row_key = ",
                         (long long)trigger->table_id);
    trigger_key(trigger, "OLD");
    trigger_text(trigger, ";");
    if (table->deleted_at != TABLE_NO_COLUMN) {
        trigger_text(trigger, "\n SELECT RAISE(IGNORE) WHERE ");
        trigger_value(trigger, "OLD", (size_t)table->deleted_at);
        trigger_text(trigger, " IS NOT NULL AND NOT (SELECT replaces FROM tide_probe);");
    }
    trigger_text(trigger, "\nEND;\n");
}

/* The row as a tombstone, under the number it had: full-text indexes go by it. */
static void put_back(const struct trigger *trigger)
{
    const struct table *table = trigger->table;
    bool numbered = trigger->row_number && !mirror_sql_has_rowid_key(table);

    buffer_append_format(
        trigger->sql, "\n INSERT INTO tide_put_back (table_id, row_key) VALUES (%lld, ",
        (long long)trigger->table_id);
    trigger_row_number(trigger, "OLD");
    trigger_text(trigger, ") ON CONFLICT DO NOTHING;\n INSERT INTO ");
    mirror_sql_identifier(trigger->sql, table->name);
    trigger_text(trigger, " (");
    if (numbered)
        mirror_sql_identifier(trigger->sql, trigger->row_number);
    for (size_t i = 0; i < table->column_count; i++) {
        trigger_text(trigger, i || numbered ? ", " : "");
        trigger_column(trigger, i);
    }
    trigger_text(trigger, ") VALUES (");
    if (numbered)
        trigger_row_number(trigger, "OLD");
    for (size_t i = 0; i < table->column_count; i++) {
        trigger_text(trigger, i || numbered ? ", " : "");
        if ((int)i == table->deleted_at || (int)i == trigger->updated_at)
            trigger_moment(trigger, (int)i);
        else
            trigger_value(trigger, "OLD", i);
    }
    trigger_text(trigger, ");");
    of_put_back(trigger, "\n DELETE", "OLD");
    trigger_text(trigger, ";");
}

static void begin_delete(const struct trigger *trigger, const char *prefix)
{
    trigger_begin(trigger, prefix, "AFTER DELETE");
    trigger_text(trigger, " AND NOT ");
    replaced_exists_key(trigger, "OLD");
}

static void delete_entry(const struct trigger *trigger)
{
    trigger_text(trigger, "\nBEGIN\n ");
    start_entry_of(trigger, "OLD", "delete");
    trigger_base(trigger, "OLD", false);
    trigger_text(trigger, ");\nEND;\n");
}

/* A trigger of the application, fired by the delete, has made the row anew. */
static void is_made_anew(const struct trigger *trigger)
{
    trigger_text(trigger, "EXISTS (SELECT 1");
    trigger_from_rows(trigger);
    trigger_same_key(trigger, "tide_row", "OLD");
    trigger_text(trigger, ")");
}

/* What a delete changes that leaves a tombstone: one that was there before never gets so
 * far. */
static void base_of_living(const struct trigger *trigger)
{
    OWNED(buffer_release) struct buffer base = {0};
    const char *name = trigger->table->columns[trigger->table->deleted_at].name;

    buffer_append_text(&base, "{");
    json_text_append(&base, name, strlen(name));
    buffer_append_text(&base, ":\"NULL\"}");
    mirror_sql_literal(trigger->sql, base.failed ? "" : base.data);
    trigger->sql->failed |= base.failed;
}

/* Of the last two, the second is fired first: before the first puts the row back. */
static void on_delete(const struct trigger *trigger)
{
    const struct table *table = trigger->table;

    before_delete(trigger);
    begin_delete(trigger, "tide_capture_delete_");
    if (table->deleted_at == TABLE_NO_COLUMN) {
        delete_entry(trigger);
        return;
    }
    trigger_text(trigger, " AND NOT ");
    is_made_anew(trigger);
    trigger_text(trigger, "\nBEGIN\n ");
    start_entry_of(trigger, "OLD", "update");
    base_of_living(trigger);
    trigger_text(trigger, ");");
    put_back(trigger);
    trigger_text(trigger, "\nEND;\n");

    begin_delete(trigger, "tide_capture_anew_");
    trigger_text(trigger, " AND ");
    is_made_anew(trigger);
    only_take(trigger, "gone", "OLD", NULL);
}

static void rare_steps(const struct trigger *trigger)
{
    rare_create_view(trigger);

    rare_begin(trigger, "keep");
    replaced_keep(trigger);
    trigger_text(trigger, "\nEND;\n");

    rare_begin(trigger, "replaced");
    replaced_capture(trigger);
    trigger_text(trigger, "\nEND;\n");

    rare_begin(trigger, "gone");
    trigger_text(trigger, "\n ");
    start_entry(trigger);
    rare_key(trigger);
    trigger_text(trigger, ", 'delete', ");
    trigger_base(trigger, "NEW", false);
    trigger_text(trigger, ");\nEND;\n");
}

void mirror_sql_create_capture(struct buffer *sql, const struct table *table,
                               int64_t table_id)
{
    struct trigger trigger;

    trigger_init(&trigger, sql, table, table_id);
    rare_steps(&trigger);
    on_insert(&trigger);
    on_update(&trigger);
    on_key_change(&trigger);
    on_delete(&trigger);
}

void mirror_sql_drop_helpers(struct buffer *sql, const struct table *table)
{
    buffer_append_text(sql, "DROP VIEW IF EXISTS ");
    mirror_sql_prefixed(sql, "live_", table->name);
    buffer_append_text(sql, ";\nDROP VIEW IF EXISTS ");
    mirror_sql_prefixed(sql, MIRROR_SQL_RARE_PREFIX, table->name);
    buffer_append_text(sql, ";\n");
    for (size_t i = 0; i < sizeof(capture_prefixes) / sizeof(capture_prefixes[0]); i++) {
        buffer_append_text(sql, "DROP TRIGGER IF EXISTS ");
        mirror_sql_prefixed(sql, capture_prefixes[i], table->name);
        buffer_append_text(sql, ";\n");
    }
}
