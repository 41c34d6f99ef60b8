#include "lib/store/mirror_sql_rare.h"

#include "lib/base/cleanup.h"
#include "lib/store/mirror_sql.h"

static const char *const own_columns[] = {"step", "step_key", "step_number"};

static void view_name(const struct trigger *trigger)
{
    mirror_sql_prefixed(trigger->sql, MIRROR_SQL_RARE_PREFIX, trigger->table->name);
}

/* The name, or what is left free by the table's own columns. */
static void own_column(const struct trigger *trigger, const char *wanted)
{
    OWNED(buffer_release) struct buffer name = {0};

    buffer_append_text(&name, wanted);
    while (!name.failed && !trigger_name_is_free(trigger->table, name.data))
        buffer_append_text(&name, "_");
    if (name.failed)
        trigger->sql->failed = true;
    else
        mirror_sql_identifier(trigger->sql, name.data);
}

void rare_create_view(const struct trigger *trigger)
{
    trigger_text(trigger, "CREATE VIEW ");
    view_name(trigger);
    for (size_t i = 0; i < sizeof(own_columns) / sizeof(own_columns[0]); i++) {
        trigger_text(trigger, i ? ", NULL AS " : " AS SELECT NULL AS ");
        own_column(trigger, own_columns[i]);
    }
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        trigger_text(trigger, ", ");
        trigger_column(trigger, i);
    }
    trigger_text(trigger, " FROM ");
    mirror_sql_identifier(trigger->sql, trigger->table->name);
    trigger_text(trigger, ";\n");
}

void rare_take(const struct trigger *trigger, const char *step, const char *row,
               const char *changed_row)
{
    trigger_text(trigger, "\n INSERT INTO ");
    view_name(trigger);
    buffer_append_format(trigger->sql, " VALUES ('%s', ", step);
    trigger_key(trigger, row);
    trigger_text(trigger, ", ");
    if (changed_row)
        trigger_row_number(trigger, changed_row);
    else
        trigger_text(trigger, "NULL");
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        trigger_text(trigger, ", ");
        trigger_value(trigger, row, i);
    }
    trigger_text(trigger, ");");
}

void rare_begin(const struct trigger *trigger, const char *step)
{
    OWNED(buffer_release) struct buffer prefix = {0};

    buffer_append_format(&prefix, "tide_capture_%s_", step);
    trigger->sql->failed |= prefix.failed;
    trigger_text(trigger, "CREATE TRIGGER ");
    mirror_sql_prefixed(trigger->sql, prefix.data ? prefix.data : "",
                        trigger->table->name);
    trigger_text(trigger, " INSTEAD OF INSERT ON ");
    view_name(trigger);
    trigger_text(trigger, "\nWHEN NEW.");
    own_column(trigger, own_columns[0]);
    buffer_append_format(trigger->sql, " = '%s'\nBEGIN", step);
}

void rare_key(const struct trigger *trigger)
{
    trigger_text(trigger, "NEW.");
    own_column(trigger, own_columns[1]);
}

void rare_number(const struct trigger *trigger)
{
    trigger_text(trigger, "NEW.");
    own_column(trigger, own_columns[2]);
}
