#include "lib/store/capture.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"
#include "capture.sql.h"

/* Drops before and makes after: what brings the application's triggers behind ours. */
static enum outcome move_application_triggers(struct database *db,
                                              const struct table *table,
                                              struct buffer *drops,
                                              struct buffer *creates, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &capture_sql.application_triggers, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, table->name);
    while ((outcome = statement_step(&query, err)) == OK) {
        buffer_append_text(drops, "DROP TRIGGER ");
        mirror_sql_identifier(drops, statement_column_text(&query, 0));
        buffer_append_text(drops, ";\n");
        buffer_append_format(creates, "%s;\n", statement_column_text(&query, 1));
    }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome capture_install(struct database *db, const struct table *table,
                             struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    OWNED(buffer_release) struct buffer creates = {0};
    int64_t table_id = 0;

    if (catalog_table_id(db, table->schema, table->name, &table_id, err) == FAILED)
        return FAILED;
    mirror_sql_drop_helpers(&sql, table);
    if (move_application_triggers(db, table, &sql, &creates, err) == FAILED)
        return FAILED;
    mirror_sql_create_live_view(&sql, table);
    buffer_append_text(&sql, ";\n");
    mirror_sql_create_capture(&sql, table, table_id);
    if (creates.length)
        buffer_append_text(&sql, creates.data);
    if (buffer_check(&sql, err) == FAILED || buffer_check(&creates, err) == FAILED ||
        database_run(db, "install the capture triggers", sql.data, err) == FAILED)
        return error_wrap(err, "%s", table->name);
    return OK;
}
