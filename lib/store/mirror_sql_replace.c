#include "lib/store/mirror_sql_replace.h"

#include "lib/base/cleanup.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/mirror_sql_rare.h"

#include <string.h>

/* Rows kept for this table; nearly always none. */
void replaced_exist(const struct trigger *trigger)
{
    buffer_append_format(trigger->sql,
                         "EXISTS (SELECT 1 FROM tide_replaced WHERE table_id = %lld)",
                         (long long)trigger->table_id);
}

/* The kept row with that very key. */
void replaced_exists_key(const struct trigger *trigger, const char *row)
{
    buffer_append_format(
        trigger->sql,
        "EXISTS (SELECT 1 FROM tide_replaced WHERE table_id = %lld AND row_key = ",
        (long long)trigger->table_id);
    trigger_key(trigger, row);
    trigger_text(trigger, ")");
}

/* Whether the predicate of a partial index speaks of the column: it quotes all names. */
static bool is_in_predicate(const struct trigger *trigger, const char *predicate,
                            size_t column)
{
    OWNED(buffer_release) struct buffer quoted_name = {0};

    mirror_sql_identifier(&quoted_name, trigger->table->columns[column].name);
    trigger->sql->failed |= quoted_name.failed;
    return predicate && quoted_name.data && strstr(predicate, quoted_name.data);
}

/* Whether the new row is in a partial index itself. */
static void new_row_matches(const struct trigger *trigger, const char *predicate)
{
    size_t count = 0;

    trigger_text(trigger, " AND EXISTS (SELECT 1 FROM (SELECT ");
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        if (!is_in_predicate(trigger, predicate, i))
            continue;
        trigger_text(trigger, count++ ? ", " : "");
        trigger_value(trigger, "NEW", i);
        trigger_text(trigger, " AS ");
        trigger_column(trigger, i);
    }
    buffer_append_format(trigger->sql, "%s) WHERE %s)", count ? "" : "1", predicate);
}

/* tide_row holds the values of NEW in a unique index; index NULL: in the primary key. */
static void meets(const struct trigger *trigger, const struct table_index *index)
{
    const int *columns = index ? index->columns : trigger->table->key;
    size_t count = index ? index->column_count : trigger->table->key_count;

    for (size_t i = 0; i < count; i++) {
        trigger_text(trigger, i ? " AND " : "");
        trigger_value(trigger, "tide_row", (size_t)columns[i]);
        trigger_text(trigger, " = ");
        trigger_value(trigger, "NEW", (size_t)columns[i]);
    }
    if (!index || !index->predicate)
        return;
    buffer_append_format(trigger->sql, " AND (%s)", index->predicate);
    new_row_matches(trigger, index->predicate);
}

static void is_other_row(const struct trigger *trigger)
{
    trigger_text(trigger, " AND ");
    trigger_row_number(trigger, "tide_row");
    trigger_text(trigger, " <> ");
    trigger_row_number(trigger, "OLD");
}

/* Sets tide_probe.replaces when the statement's policy is REPLACE. */
void replaced_probe(const struct trigger *trigger)
{
    trigger_text(trigger,
                 "\n UPDATE tide_probe SET replaces = 0 WHERE replaces <> 0;"
                 "\n INSERT OR IGNORE INTO tide_probe (one, replaces) SELECT 1, 1");
}

/* Whose statement keeps the rows: the key that NEW will have. It is not known yet where
 * SQLite or a default is to make it; a changed row with the number -1 has just that. */
static void owner(const struct trigger *trigger)
{
    const struct table *table = trigger->table;
    bool numbered = mirror_sql_has_rowid_key(table);

    trigger_text(trigger, "CASE WHEN ");
    for (size_t i = 0; i < table->key_count; i++) {
        trigger_text(trigger, i ? " OR " : "");
        trigger_value(trigger, "NEW", (size_t)table->key[i]);
        trigger_text(trigger, numbered ? " = -1 AND " : " IS NULL");
    }
    if (numbered) {
        rare_number(trigger);
        trigger_text(trigger, " IS NULL");
    }
    trigger_text(trigger, " THEN '' ELSE ");
    rare_key(trigger);
    trigger_text(trigger, " END");
}

static void of_owner(const struct trigger *trigger)
{
    buffer_append_format(trigger->sql,
                         "tide_replaced.table_id = %lld"
                         " AND tide_replaced.owner IN ('', ",
                         (long long)trigger->table_id);
    rare_key(trigger);
    trigger_text(trigger, ")");
}

static void forget_replaced(const struct trigger *trigger)
{
    buffer_append_format(trigger->sql,
                         "\n DELETE FROM tide_replaced WHERE table_id = %lld"
                         " AND owner IN ('', ",
                         (long long)trigger->table_id);
    owner(trigger);
    trigger_text(trigger, ");");
}

static void keep_replaced(const struct trigger *trigger, const struct table_index *index)
{
    buffer_append_format(trigger->sql,
                         "\n INSERT INTO tide_replaced (table_id, owner, row_key, "
                         "row_number, stamp, base) SELECT %lld, ",
                         (long long)trigger->table_id);
    owner(trigger);
    trigger_text(trigger, ", ");
    trigger_key(trigger, "tide_row");
    trigger_text(trigger, ", ");
    if (trigger->row_number)
        trigger_row_number(trigger, "tide_row");
    else
        trigger_text(trigger, "NULL");
    trigger_text(trigger, ", ");
    if (trigger->updated_at == TABLE_NO_COLUMN)
        trigger_text(trigger, "NULL");
    else
        trigger_value(trigger, "tide_row", (size_t)trigger->updated_at);
    trigger_text(trigger, ", ");
    trigger_base(trigger, "tide_row", !index);
    trigger_from_rows(trigger);
    meets(trigger, index);
    trigger_text(trigger, " AND CASE WHEN ");
    rare_number(trigger);
    trigger_text(trigger, " IS NULL THEN (SELECT replaces FROM tide_probe) ELSE ");
    trigger_row_number(trigger, "tide_row");
    trigger_text(trigger, " <> ");
    rare_number(trigger);
    trigger_text(trigger, " END ON CONFLICT DO NOTHING;");
}

static bool is_in_index(const struct trigger *trigger, const struct table_index *index,
                        size_t column)
{
    for (size_t i = 0; i < index->column_count; i++)
        if ((size_t)index->columns[i] == column)
            return true;
    return is_in_predicate(trigger, index->predicate, column);
}

/* The columns whose change can make a row meet another one. */
bool replaced_is_decided_by(const struct trigger *trigger, size_t column)
{
    const struct table *table = trigger->table;

    if (table_is_key(table, column))
        return true;
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique && is_in_index(trigger, &table->indexes[i], column))
            return true;
    return false;
}

static void exists_met(const struct trigger *trigger, const struct table_index *index,
                       bool inserts)
{
    trigger_text(trigger, "EXISTS (SELECT 1");
    trigger_from_rows(trigger);
    meets(trigger, index);
    if (!inserts)
        is_other_row(trigger);
    trigger_text(trigger, ") OR ");
}

void replaced_when_met(const struct trigger *trigger, bool inserts)
{
    const struct table *table = trigger->table;

    trigger_text(trigger, " AND (");
    exists_met(trigger, NULL, inserts);
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique)
            exists_met(trigger, &table->indexes[i], inserts);
    replaced_exist(trigger);
    trigger_text(trigger, ")");
}

void replaced_keep(const struct trigger *trigger)
{
    const struct table *table = trigger->table;

    forget_replaced(trigger);
    replaced_probe(trigger);
    trigger_text(trigger, " WHERE ");
    rare_number(trigger);
    trigger_text(trigger, " IS NULL;");
    keep_replaced(trigger, NULL);
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique)
            keep_replaced(trigger, &table->indexes[i]);
}

/* Entries for the rows that are really gone. */
static void capture_gone(const struct trigger *trigger)
{
    trigger_text(trigger, "\n ");
    trigger_start_entry(trigger);
    trigger_text(trigger,
                 "SELECT table_id, row_key, 'delete', base FROM tide_replaced WHERE ");
    of_owner(trigger);
    trigger_text(trigger, " AND row_key <> ");
    rare_key(trigger);
    if (trigger->row_number) {
        trigger_text(trigger, " AND NOT EXISTS (SELECT 1");
        trigger_from_rows(trigger);
        trigger_row_number(trigger, "tide_row");
        trigger_text(trigger, " = tide_replaced.row_number AND tide_replaced.row_key = ");
        trigger_key(trigger, "tide_row");
        trigger_text(trigger, ")");
    }
    trigger_text(trigger, ";");
}

/* NEW took the place of a row with its own key, whose base is what differs from NEW, or
 * has come in addition. */
static void capture_come(const struct trigger *trigger)
{
    trigger_text(trigger, "\n ");
    trigger_start_entry(trigger);
    trigger_text(trigger,
                 "SELECT table_id, row_key, 'update', base FROM tide_replaced WHERE ");
    of_owner(trigger);
    trigger_text(trigger, " AND row_key = ");
    rare_key(trigger);
    trigger_text(trigger, " AND (base <> '{}'");
    if (trigger->updated_at != TABLE_NO_COLUMN) {
        trigger_text(trigger, " OR stamp IS NOT ");
        trigger_value(trigger, "NEW", (size_t)trigger->updated_at);
    }
    trigger_text(trigger, ");\n ");
    trigger_start_entry(trigger);
    buffer_append_format(trigger->sql, "SELECT %lld, ", (long long)trigger->table_id);
    rare_key(trigger);
    trigger_text(trigger, ", 'insert', NULL WHERE ");
    rare_number(trigger);
    buffer_append_format(trigger->sql,
                         " IS NULL AND NOT EXISTS (SELECT 1 FROM tide_replaced"
                         " WHERE table_id = %lld AND row_key = ",
                         (long long)trigger->table_id);
    rare_key(trigger);
    trigger_text(trigger, ");");
}

static void drop_replaced(const struct trigger *trigger)
{
    trigger_text(trigger, "\n DELETE FROM tide_replaced WHERE ");
    of_owner(trigger);
    trigger_text(trigger, ";");
}

void replaced_capture(const struct trigger *trigger)
{
    capture_gone(trigger);
    capture_come(trigger);
    drop_replaced(trigger);
}
