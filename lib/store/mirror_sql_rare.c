#include "lib/store/mirror_sql_rare.h"

#include "lib/base/cleanup.h"
#include "lib/store/mirror_sql.h"

static void view_name(const struct trigger *trigger)
{
    mirror_sql_prefixed(trigger->sql, MIRROR_SQL_RARE_PREFIX, trigger->table->name);
}

/* "step", or what is left free by the table's own columns. */
static void step_column(const struct trigger *trigger)
{
    OWNED(buffer_release) struct buffer name = {0};

    buffer_append_text(&name, "step");
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
    trigger_text(trigger, " AS SELECT NULL AS ");
    step_column(trigger);
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        trigger_text(trigger, ", ");
        trigger_column(trigger, i);
    }
    trigger_text(trigger, " FROM ");
    mirror_sql_identifier(trigger->sql, trigger->table->name);
    trigger_text(trigger, ";\n");
}

void rare_take(const struct trigger *trigger, const char *step)
{
    trigger_text(trigger, "\nBEGIN\n INSERT INTO ");
    view_name(trigger);
    buffer_append_format(trigger->sql, " VALUES ('%s'", step);
    for (size_t i = 0; i < trigger->table->column_count; i++) {
        trigger_text(trigger, ", ");
        trigger_value(trigger, "NEW", i);
    }
    trigger_text(trigger, ");\nEND;\n");
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
    step_column(trigger);
    buffer_append_format(trigger->sql, " = '%s'\nBEGIN", step);
}
