#include "lib/store/capture.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/widened_table.h"
#include "capture.sql.h"

#include <string.h>

static enum outcome query_with(struct statement *query, struct database *db,
                               const struct sql *sql, const char *name, struct error *err)
{
    if (statement_prepare(query, db, sql, err) == FAILED)
        return FAILED;
    statement_bind_text(query, 1, name);
    return OK;
}

/* ---- making ---- */

/* Drops before and makes after: what brings the application's triggers behind ours. */
static enum outcome move_application_triggers(struct database *db,
                                              const struct table *table,
                                              struct buffer *drops,
                                              struct buffer *creates, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (query_with(&query, db, &capture_sql.triggers, table->name, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK) {
        bool ours = statement_column_int(&query, 2) != 0;

        buffer_append_text(drops, "DROP TRIGGER ");
        mirror_sql_identifier(drops, statement_column_text(&query, 0));
        buffer_append_text(drops, ";\n");
        if (!ours)
            buffer_append_format(creates, "%s;\n", statement_column_text(&query, 1));
    }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome capture_install(struct database *db, const struct table *table,
                             struct error *err)
{
    OWNED(widened_table_release) struct widened_table widened = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    OWNED(buffer_release) struct buffer creates = {0};
    int64_t table_id = 0;

    if (catalog_table_id(db, table->schema, table->name, &table_id, err) == FAILED ||
        widened_table_init(&widened, db, table, err) == FAILED ||
        move_application_triggers(db, table, &sql, &creates, err) == FAILED)
        return FAILED;
    mirror_sql_drop_helpers(&sql, table);
    mirror_sql_create_live_view(&sql, table);
    mirror_sql_create_capture(&sql, &widened.table, table_id);
    if (creates.length)
        buffer_append_text(&sql, creates.data);
    if (buffer_check(&sql, err) == FAILED || buffer_check(&creates, err) == FAILED ||
        database_run(db, "install the capture triggers", sql.data, err) == FAILED)
        return error_wrap(err, "%s", table->name);
    return OK;
}

/* ---- checking ---- */

/* What the file has of ours, as mirror_sql spells it; *out_first: nothing of an
 * application's comes before it. */
static enum outcome read_triggers(struct database *db, const char *table_name,
                                  struct buffer *out_sql, bool *out_first,
                                  struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    bool others = false;
    enum outcome outcome;

    *out_first = true;
    if (query_with(&query, db, &capture_sql.triggers, table_name, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK) {
        if (statement_column_int(&query, 2)) {
            buffer_append_format(out_sql, "%s;\n", statement_column_text(&query, 1));
            *out_first = *out_first && !others;
        } else {
            others = true;
        }
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome read_view(struct database *db, const char *name,
                              struct buffer *out_sql, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (query_with(&query, db, &capture_sql.view, name, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome == OK)
        buffer_append_format(out_sql, "%s;\n", statement_column_text(&query, 0));
    return outcome == FAILED ? FAILED : OK;
}

/* The same of the views and what belongs to them. */
static enum outcome read_views(struct database *db, const struct table *table,
                               struct buffer *out_sql, struct error *err)
{
    OWNED(buffer_release) struct buffer live = {0};
    OWNED(buffer_release) struct buffer rare = {0};
    bool first = false;

    buffer_append_format(&live, "live_%s", table->name);
    buffer_append_format(&rare, MIRROR_SQL_RARE_PREFIX "%s", table->name);
    if (buffer_check(&live, err) == FAILED || buffer_check(&rare, err) == FAILED)
        return FAILED;
    if (table->deleted_at != TABLE_NO_COLUMN &&
        read_view(db, live.data, out_sql, err) == FAILED)
        return FAILED;
    if (read_view(db, rare.data, out_sql, err) == FAILED)
        return FAILED;
    return read_triggers(db, rare.data, out_sql, &first, err);
}

static bool same_text(const struct buffer *a, const struct buffer *b)
{
    return a->length == b->length &&
           (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* *out_intact: the file has exactly what capture_install() makes. */
static enum outcome is_intact(struct database *db, const struct table *table,
                              bool *out_intact, struct error *err)
{
    OWNED(buffer_release) struct buffer is = {0};
    OWNED(buffer_release) struct buffer should_be = {0};
    OWNED(widened_table_release) struct widened_table widened = {0};
    int64_t table_id = 0;
    bool first = false;
    enum outcome known =
        catalog_find_table_id(db, table->schema, table->name, &table_id, err);

    *out_intact = false;
    if (known == FAILED || read_views(db, table, &is, err) == FAILED ||
        read_triggers(db, table->name, &is, &first, err) == FAILED ||
        widened_table_init(&widened, db, table, err) == FAILED)
        return FAILED;
    mirror_sql_create_live_view(&should_be, table);
    mirror_sql_create_capture(&should_be, &widened.table, table_id);
    if (buffer_check(&is, err) == FAILED || buffer_check(&should_be, err) == FAILED)
        return FAILED;
    *out_intact = known == OK && first && same_text(&is, &should_be);
    return OK;
}

static enum outcome mend_tables(struct database *db, const struct table *const *tables,
                                size_t count, struct buffer *mended, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        bool intact = false;

        if (is_intact(db, tables[i], &intact, err) == FAILED)
            return FAILED;
        if (intact)
            continue;
        if (capture_install(db, tables[i], err) == FAILED)
            return FAILED;
        buffer_append_format(mended,
                             "%s: its triggers or its view were not as they should "
                             "be: made anew\n",
                             tables[i]->name);
    }
    return OK;
}

static enum outcome drop_strange_triggers(struct database *db, struct buffer *mended,
                                          struct error *err)
{
    OWNED(buffer_release) struct buffer drops = {0};
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &capture_sql.strange_triggers, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK) {
        buffer_append_text(&drops, "DROP TRIGGER ");
        mirror_sql_identifier(&drops, statement_column_text(&query, 0));
        buffer_append_text(&drops, ";\n");
        buffer_append_format(mended, "%s: trigger %s dropped: this table is private\n",
                             statement_column_text(&query, 1),
                             statement_column_text(&query, 0));
    }
    if (outcome == FAILED || buffer_check(&drops, err) == FAILED)
        return FAILED;
    return drops.length ? database_run(db, "drop triggers", drops.data, err) : OK;
}

static enum outcome mend(struct database *db, const struct table *const *tables,
                         size_t count, struct buffer *mended, struct error *err)
{
    if (mend_tables(db, tables, count, mended, err) == FAILED ||
        drop_strange_triggers(db, mended, err) == FAILED)
        return FAILED;
    return buffer_check(mended, err);
}

/* Only reads, so that an application that is writing is not waited for. */
static enum outcome look(struct database *db, const struct table *const *tables,
                         size_t count, bool *out_intact, struct error *err)
{
    OWNED(statement_release) struct statement strange = {0};
    enum outcome outcome;

    *out_intact = true;
    for (size_t i = 0; i < count && *out_intact; i++)
        if (is_intact(db, tables[i], out_intact, err) == FAILED)
            return FAILED;
    if (statement_prepare(&strange, db, &capture_sql.strange_triggers, err) == FAILED)
        return FAILED;
    outcome = statement_step(&strange, err);
    *out_intact = *out_intact && outcome == NOTHING;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome schema_version(struct database *db, int64_t *out_version,
                                   struct error *err)
{
    return database_query_int(db, "look for changed triggers", "pragma schema_version",
                              out_version, err);
}

enum outcome capture_check(struct database *db, const struct table *const *tables,
                           size_t count, int64_t *inout_version,
                           struct buffer *out_mended, struct error *err)
{
    OWNED(buffer_release) struct buffer mended = {0};
    bool intact = false;
    int64_t version = 0;

    if (schema_version(db, &version, err) == FAILED)
        return FAILED;
    if (version == *inout_version)
        return NOTHING;
    if (look(db, tables, count, &intact, err) == FAILED)
        return FAILED;
    if (!intact && (database_begin(db, err) == FAILED ||
                    mend(db, tables, count, &mended, err) == FAILED ||
                    schema_version(db, &version, err) == FAILED ||
                    database_commit(db, err) == FAILED)) {
        database_roll_back(db);
        return FAILED;
    }
    *inout_version = version;
    if (!mended.length)
        return NOTHING;
    *out_mended = TAKE(mended);
    return OK;
}
