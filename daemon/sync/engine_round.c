/* The engine's half that moves rows: copies, rounds, and what to do when one table fails.
 */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "daemon/sync/refetch.h"
#include "daemon/sync/snapshot.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"

#include <stdlib.h>

#define SAVE_INTERVAL_US (60 * US_PER_SECOND)
/* What makes a refused table fit is not always seen in the catalog of the others. */
#define REFUSAL_INTERVAL_US (60 * US_PER_SECOND)

/* ---- what one failure means ---- */

/* Something is wrong with one table: it is set aside, with its reason; the others go on.
 */
static void set_aside(struct engine *engine, struct followed_table *followed,
                      const struct error *err)
{
    log_error("%s: stopped: %s%s%s; tried again in a minute", followed->table->name,
              err->message, err->hint[0] ? "; " : "", err->hint);
    followed_table_fail(followed, err);
    engine_publish_tables(engine);
}

static bool belongs_to_table(const struct error *err)
{
    /* a damaged file is everybody's; rows that do not decode are one table's */
    if (err->kind == ERROR_CORRUPT && err->origin[0])
        return false;
    return err->kind == ERROR_REJECTED || err->kind == ERROR_INVALID ||
           err->kind == ERROR_CORRUPT || err->kind == ERROR_CONFLICT ||
           err->kind == ERROR_AUTH;
}

bool engine_has_table_to_retry(const struct engine *engine)
{
    int64_t now_us = clock_monotonic_us();

    if (engine->followed.schema.refusal_count &&
        now_us - engine->schema_read_at_us >= REFUSAL_INTERVAL_US)
        return true;
    for (size_t i = 0; i < engine->followed.count; i++)
        if (engine->followed.tables[i].state == TABLE_FAILED &&
            engine->followed.tables[i].retry_at_us <= now_us)
            return true;
    return false;
}

/* ---- one round ---- */

static json_t *change_set_tables(const struct pull *pull, bool *out_snapshot)
{
    json_t *tables = json_array();

    *out_snapshot = false;
    for (size_t i = 0; i < pull->plan_count; i++) {
        const struct pull_plan *plan = &pull->plans[i];
        const struct mirror_counts *counts = &plan->counts_applied;

        if (!counts->written && !counts->deleted && !plan->joins)
            continue;
        *out_snapshot = *out_snapshot || plan->joins;
        json_array_append_new(tables, json_pack("{s:s, s:I, s:I}", "name",
                                                plan->followed->table->name, "written",
                                                (json_int_t)counts->written, "deleted",
                                                (json_int_t)counts->deleted));
    }
    return tables;
}

/* For applications that want to refresh: what this round changed. */
static void tell_observer(struct engine *engine)
{
    const struct engine_observer *observer = &engine->observer;
    char mark[CLOCK_TEXT_SIZE];
    char at[CLOCK_TEXT_SIZE];
    json_t *tables;
    json_t *document;
    bool snapshot;
    char *line;

    if (!observer->change_set_applied)
        return;
    tables = change_set_tables(&engine->pull, &snapshot);
    if (json_array_size(tables) == 0) {
        json_decref(tables);
        return;
    }
    clock_format_utc(engine->pull.header.mark_us, mark);
    clock_format_utc(clock_now_us(), at);
    document = json_pack("{s:i, s:s, s:I, s:s, s:s, s:b, s:o}", "v", 1, "kind",
                         "change_set", "id", (json_int_t)++engine->change_set_number,
                         "at", at, "mark", mark, "snapshot", snapshot, "tables", tables);
    line = json_dumps(document, JSON_COMPACT);
    if (line)
        observer->change_set_applied(observer->context, line);
    free(line);
    json_decref(document);
}

/* A table that applications see from now on has a number now. */
static enum outcome note_switched(struct engine *engine, struct error *err)
{
    for (size_t i = 0; i < engine->pull.plan_count; i++)
        if (engine->pull.plans[i].joins)
            return followed_set_number(&engine->followed, engine->cache.db, err);
    return OK;
}

static enum outcome apply(struct engine *engine, struct error *err)
{
    int64_t now_us = clock_monotonic_us();
    bool save = now_us - engine->saved_at_us >= SAVE_INTERVAL_US;
    bool written = false;
    enum outcome outcome;

    engine_beat(engine);
    outcome = pull_apply(&engine->pull, save, &written, err);
    engine_rest(engine);
    /* the slices have said so in the file; the next state is a change */
    if (engine->pull.sliced)
        engine_set_state(engine, SYNC_CATCHING_UP, NULL, 0);
    if (outcome == FAILED || note_switched(engine, err) == FAILED)
        return FAILED;
    if (written) {
        /* what arrived may have set local changes aside */
        engine->push.counts_are_old = true;
        engine->saved_at_us = now_us;
        engine_note_use(engine);
        tell_observer(engine);
    }
    return OK;
}

/*
 * NOTHING: the failure was one table's, which is set aside: the round can be tried again
 * without it. A schema that does not fit is read again first; a table that fails twice
 * after that is set aside too.
 */
static enum outcome settle_failure(struct engine *engine, bool receiving,
                                   struct error *err)
{
    struct followed_table *culprit = engine->pull.culprit;
    bool schema = err->kind == ERROR_SCHEMA || (err->kind == ERROR_AUTH && receiving);

    if (schema && (!culprit || engine->schema_failures < 2)) {
        engine->schema_known = false;
        return FAILED;
    }
    if (!culprit || !(schema || belongs_to_table(err)))
        return FAILED;
    set_aside(engine, culprit, err);
    return NOTHING;
}

/* The header is the first that the server answers. */
static void measure_clock(struct engine *engine, int64_t began_us)
{
    struct status_push *status = &engine->push.status;
    struct primary_info info;

    if (engine->pull.header.in_recovery)
        return;
    primary_describe(engine->primary, &info);
    status->has_clock_offset = true;
    status->clock_offset_us =
        engine->pull.header.mark_us - began_us - info.round_trip_us / 2;
    status_board_set_push(engine->board, status);
}

static enum outcome try_round(struct engine *engine, bool may_join, struct error *err)
{
    int64_t start_us = clock_monotonic_us();
    int64_t began_us = clock_now_us();

    if (pull_receive(&engine->pull, may_join, engine->catalog_digest, err) == FAILED) {
        /* during a copy its own lock may be what others wait for: break it off */
        if (engine_is_lock_failure(err) && may_join)
            return engine_leave_locked_tables_out(engine, err) == OK ? NOTHING : FAILED;
        if (refetch_narrow(&engine->pull, err))
            return NOTHING;
        return settle_failure(engine, true, err);
    }
    if (engine_check_cluster(engine, &engine->pull.header, err) == FAILED)
        return FAILED;
    measure_clock(engine, began_us);
    if (apply(engine, err) == FAILED)
        return settle_failure(engine, false, err);
    engine->schema_failures = 0;
    status_board_set_write_lock(engine->board, &engine->write_lock);
    status_board_count_round(engine->board, clock_monotonic_us() - start_us);
    engine_publish_tables(engine);
    return OK;
}

/* One bad table never blocks the rest: each failure leaves one table less to try. */
static enum outcome run_round(struct engine *engine, bool may_join, struct error *err)
{
    enum outcome outcome;

    do
        outcome = try_round(engine, may_join, err);
    while (outcome == NOTHING);
    return outcome;
}

/* ---- copies ---- */

static size_t count_tables_to_copy(struct engine *engine)
{
    size_t count = 0;

    for (size_t i = 0; i < engine->followed.count; i++)
        count += followed_table_needs_copy(&engine->followed.tables[i]);
    return count;
}

static bool anything_is_visible(const struct engine *engine)
{
    for (size_t i = 0; i < engine->followed.count; i++)
        if (engine->followed.tables[i].visible || engine->followed.tables[i].outdated)
            return true;
    return false;
}

static void show_progress(struct engine *engine, const struct followed_table *followed)
{
    size_t waiting = count_tables_to_copy(engine);

    engine_set_state(engine, anything_is_visible(engine) ? SYNC_CATCHING_UP : SYNC_FIRST,
                     NULL, 0);
    status_board_set_progress(engine->board, followed, engine->followed.count - waiting,
                              engine->followed.count);
    engine_publish_tables(engine);
}

/* Between two chunks: tables that are live already go on being followed. */
static enum outcome after_chunk(void *context, const struct followed_table *followed,
                                struct error *err)
{
    struct engine *engine = context;

    if (engine_is_stopping(engine) || engine_is_asked_to_break_off(engine))
        return error_set(err, ERROR_INTERRUPTED, "asked to stop");
    show_progress(engine, followed);
    if (!anything_is_visible(engine))
        return cache_keep_first_copy(&engine->cache, err);
    if (primary_wait(engine->primary, -1, 0, err) == FAILED ||
        engine_push(engine, false, err) == FAILED)
        return FAILED;
    return run_round(engine, false, err);
}

static enum outcome connect_copier(struct engine *engine, struct error *err)
{
    if (!engine->copier &&
        primary_new(&engine->copier, &engine->config.primary, err) == FAILED)
        return FAILED;
    if (primary_is_connected(engine->copier))
        return OK;
    return primary_connect(engine->copier, err);
}

static enum outcome restart_copy(struct engine *engine, struct followed_table *followed,
                                 struct error *err)
{
    if (!followed->resync_wanted || !followed->has_copy)
        return OK;
    return snapshot_forget(&engine->cache, followed, err);
}

static enum outcome copy_table(struct engine *engine, struct followed_table *followed,
                               struct error *err)
{
    struct snapshot snapshot = {
        .primary = engine->copier,
        .cache = &engine->cache,
        .schema_names = engine->config.selection.schemas,
        .followed = &engine->followed,
        .expected_digest = engine->catalog_digest,
        .observer = {engine, after_chunk},
    };

    if (restart_copy(engine, followed, err) == FAILED)
        return FAILED;
    followed_table_move(followed, TABLE_SNAPSHOT);
    show_progress(engine, followed);
    if (snapshot_table(&snapshot, followed, err) == FAILED)
        return FAILED;
    followed_table_move(followed, TABLE_CATCHING_UP);
    log_info("%s: copied %lld rows", followed->table->name,
             (long long)followed->copy.row_count);
    return OK;
}

/*
 * As with rounds: what the server says of this table's query belongs to the table, once
 * reading the schema again has not helped.
 */
static enum outcome settle_copy_failure(struct engine *engine,
                                        struct followed_table *followed,
                                        struct error *err)
{
    bool its_query = err->kind == ERROR_SCHEMA && err->origin[0];

    if (engine_is_lock_failure(err))
        return engine_leave_locked_tables_out(engine, err);

    if (err->kind == ERROR_SCHEMA && (!its_query || engine->schema_failures < 2)) {
        engine->schema_known = false;
        return FAILED;
    }
    if (!engine->schema_known || !(its_query || belongs_to_table(err)))
        return FAILED;
    set_aside(engine, followed, err);
    return OK;
}

static enum outcome copy_tables(struct engine *engine, struct error *err)
{
    for (size_t i = 0; i < engine->followed.count; i++) {
        struct followed_table *followed = &engine->followed.tables[i];

        if (!followed_table_needs_copy(followed))
            continue;
        if (connect_copier(engine, err) == FAILED)
            return FAILED;
        if (copy_table(engine, followed, err) == OK)
            continue;
        error_wrap(err, "%s", followed->table->name);
        if (settle_copy_failure(engine, followed, err) == FAILED)
            return FAILED;
    }
    primary_free(engine->copier);
    engine->copier = NULL;
    /* a fresh copy holds no tombstones to look for */
    engine->purged_at_us = clock_monotonic_us();
    status_board_set_progress(engine->board, NULL, 0, 0);
    return OK;
}

/* ---- until there is nothing left to do at once ---- */

static bool wants_another_round(const struct engine *engine)
{
    for (size_t i = 0; i < engine->followed.count; i++) {
        const struct followed_table *followed = &engine->followed.tables[i];

        if (followed->state == TABLE_FAILED || followed->locked_out)
            continue;
        if (followed->keys_wanted || followed->refetch_waits || followed->has_copy)
            return true;
    }
    return false;
}

enum outcome engine_catch_up(struct engine *engine, struct error *err)
{
    if (engine_look_at_locks(engine, err) == FAILED)
        return FAILED;
    do {
        if (engine_is_stopping(engine))
            return error_set(err, ERROR_INTERRUPTED, "asked to stop");
        if (count_tables_to_copy(engine) && copy_tables(engine, err) == FAILED)
            return FAILED;
        if (engine_move_in(engine, err) == FAILED ||
            run_round(engine, true, err) == FAILED)
            return FAILED;
    } while (wants_another_round(engine));
    return OK;
}
