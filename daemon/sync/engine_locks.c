/*
 * The engine's half that keeps a locked table from holding up the others: while somebody
 * holds ACCESS EXCLUSIVE on one (VACUUM FULL, ALTER TABLE), rounds leave it out.
 */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/cleanup.h"
#include "lib/store/mirror_sql.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_NOT_AVAILABLE "SQLSTATE 55P03"

bool engine_is_lock_failure(const struct error *err)
{
    return strcmp(err->origin, LOCK_NOT_AVAILABLE) == 0;
}

/* OK: the lock is free; NOTHING: another session holds it. */
static enum outcome try_lock(struct primary *primary, const struct table *table,
                             struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    enum outcome outcome;

    buffer_append_text(&sql, "lock table ");
    mirror_sql_primary_name(&sql, table);
    buffer_append_text(&sql, " in access share mode nowait");
    if (buffer_check(&sql, err) == FAILED ||
        primary_begin_reading(primary, err) == FAILED)
        return FAILED;
    outcome = primary_run_text(primary, "try the lock", sql.data, err);
    primary_end_reading(primary);
    if (outcome == FAILED && engine_is_lock_failure(err))
        return NOTHING;
    return outcome;
}

static void set_locked_out(struct followed_table *followed, bool locked_out)
{
    followed->locked_out = locked_out;
    free(followed->failure);
    followed->failure = NULL;
    if (!locked_out) {
        log_info("%s: the lock is free again", followed->table->name);
        return;
    }
    followed->failure =
        strdup("another session holds an exclusive lock on it (see pg_locks); "
               "followed again as soon as that is released");
    log_warning(
        "%s: another session holds an exclusive lock on it; left out until it is free",
        followed->table->name);
}

/* Looks at the tables that are locked out, or at all of them; *out_changed: any was found
 * otherwise. */
static enum outcome probe(struct engine *engine, bool all, bool *out_changed,
                          struct error *err)
{
    *out_changed = false;
    for (size_t i = 0; i < engine->followed.count; i++) {
        struct followed_table *followed = &engine->followed.tables[i];
        enum outcome outcome;

        if (!followed->table->lockable || followed->state == TABLE_FAILED ||
            !(all || followed->locked_out))
            continue;
        outcome = try_lock(engine->primary, followed->table, err);
        if (outcome == FAILED)
            return FAILED;
        if (followed->locked_out == (outcome == NOTHING))
            continue;
        set_locked_out(followed, outcome == NOTHING);
        *out_changed = true;
    }
    if (!*out_changed)
        return OK;
    engine_publish_tables(engine);
    return engine_make_pull(engine, err);
}

enum outcome engine_leave_locked_tables_out(struct engine *engine, struct error *err)
{
    struct error lock_failure = *err;
    bool changed;

    if (!primary_is_connected(engine->primary))
        return FAILED;
    if (probe(engine, true, &changed, err) == FAILED)
        return FAILED;
    if (changed)
        return OK;
    *err = lock_failure;
    return FAILED;
}

enum outcome engine_look_at_locks(struct engine *engine, struct error *err)
{
    bool changed;

    return probe(engine, false, &changed, err);
}
