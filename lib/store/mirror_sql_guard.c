/* The part of mirror_sql.h that keeps other triggers' hands off mirrored tables. */
#include "lib/store/mirror_sql.h"

#include "lib/db/own_write.h"

static void create(struct buffer *sql, const char *prefix, const char *event,
                   enum own_operation operation, const char *name)
{
    buffer_append_text(sql, "CREATE TEMP TRIGGER ");
    mirror_sql_prefixed(sql, prefix, name);
    buffer_append_format(sql, " BEFORE %s ON main.", event);
    mirror_sql_identifier(sql, name);
    buffer_append_text(sql, "\nBEGIN\n SELECT RAISE(IGNORE) WHERE NOT tide_is_own(");
    mirror_sql_literal(sql, name);
    buffer_append_format(sql, ", %d);\nEND;\n", (int)operation);
}

void mirror_sql_create_guard(struct buffer *sql, const char *name)
{
    create(sql, "tide_own_insert_", "INSERT", OWN_INSERT, name);
    create(sql, "tide_own_update_", "UPDATE", OWN_UPDATE, name);
    create(sql, "tide_own_delete_", "DELETE", OWN_DELETE, name);
}

void mirror_sql_drop_guard(struct buffer *sql, const char *trigger_name)
{
    buffer_append_text(sql, "DROP TRIGGER temp.");
    mirror_sql_identifier(sql, trigger_name);
    buffer_append_text(sql, ";\n");
}
