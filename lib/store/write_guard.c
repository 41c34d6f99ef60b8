#include "lib/store/write_guard.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/mirror_sql.h"
#include "write_guard.sql.h"

static enum outcome find(struct database *db, const struct sql *sql, int64_t parameter,
                         struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, sql, err) == FAILED)
        return FAILED;
    if (statement_parameter_count(&query))
        statement_bind_int(&query, 1, parameter);
    return statement_step(&query, err);
}

/* NOTHING: there are no guards, or for another schema. */
static enum outcome are_made_for(struct database *db, int64_t version, struct error *err)
{
    enum outcome outcome = find(db, &write_guard_sql.is_there, 0, err);

    if (outcome == OK)
        outcome = find(db, &write_guard_sql.is_for, version, err);
    return outcome;
}

typedef void append_for(struct buffer *sql, const char *name);

static enum outcome append_for_each(struct database *db, const struct sql *names,
                                    append_for *append, struct buffer *sql,
                                    struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, names, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        append(sql, statement_column_text(&query, 0));
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome make(struct database *db, bool wanted, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, write_guard_sql.create_tables.text);
    buffer_append_text(&sql, write_guard_sql.forget.text);
    if (append_for_each(db, &write_guard_sql.guards, mirror_sql_drop_guard, &sql, err) ==
            FAILED ||
        (wanted && append_for_each(db, &write_guard_sql.mirrored, mirror_sql_create_guard,
                                   &sql, err) == FAILED) ||
        buffer_check(&sql, err) == FAILED)
        return FAILED;
    return database_run(db, "guard the mirrored tables", sql.data, err);
}

static enum outcome make_anew(struct database *db, int64_t version, struct error *err)
{
    enum outcome wanted = find(db, &write_guard_sql.applications_have_triggers, 0, err);
    enum outcome present = find(db, &write_guard_sql.is_there, 0, err);

    if (wanted == FAILED || present == FAILED ||
        ((wanted == OK || present == OK) && make(db, wanted == OK, err) == FAILED))
        return FAILED;
    if (wanted == OK && find(db, &write_guard_sql.note, version, err) == FAILED)
        return FAILED;
    db->own_write.asked = wanted == OK;
    db->own_write.unasked_version = wanted == OK ? 0 : version;
    return OK;
}

static enum outcome refresh(struct database *db, struct error *err)
{
    int64_t version = 0;
    enum outcome made;

    if (database_query_int(db, "look for triggers", "pragma main.schema_version",
                           &version, err) == FAILED)
        return FAILED;
    if (version == db->own_write.unasked_version) {
        db->own_write.asked = false;
        return OK;
    }
    made = are_made_for(db, version, err);
    if (made == NOTHING)
        return make_anew(db, version, err);
    db->own_write.asked = true;
    return made;
}

enum outcome write_guard_refresh(struct database *db, struct error *err)
{
    if (refresh(db, err) == FAILED)
        return FAILED;
    database_set_triggers(db, db->own_write.asked);
    return OK;
}
