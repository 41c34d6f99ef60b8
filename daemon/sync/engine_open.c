/* The engine's half that opens the cache, which may have to wait for room on its disk. */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/store/pending.h"

/* Long work in SQLite: a sign of life for the watchdog, and a chance to stop. */
static bool beat_and_look(void *context)
{
    struct engine *engine = context;

    if (engine_heartbeat_us(engine) != INT64_MAX)
        engine_beat(engine);
    return engine_is_stopping(engine);
}

/* What belongs to one connection. */
static void leave(struct engine *engine)
{
    cache_watch_free(engine->watch);
    engine->watch = NULL;
    engine_push_release(engine);
    pull_release(&engine->pull);
    pending_free(engine->pending);
    engine->pending = NULL;
    engine->schema_known = false;
    engine->push.empty = (struct database_version){0};
    engine->cluster_from = (struct database_version){0};
    engine->capture_version = 0;
}

void engine_close(struct engine *engine)
{
    leave(engine);
    if (engine->cache_is_open)
        cache_release(&engine->cache);
    engine->cache_is_open = false;
}

static enum outcome prepare(struct engine *engine, struct error *err)
{
    if (pending_new(&engine->pending, engine->cache.db, err) == FAILED)
        return FAILED;
    database_on_progress(engine->cache.db, beat_and_look, engine);
    database_on_write_lock(engine->cache.db, &engine->write_lock);
    engine_set_state(engine, SYNC_CATCHING_UP, NULL, 0);
    return engine_count_changes(engine, true, err);
}

static enum outcome watch_cache(struct engine *engine, struct error *err)
{
    return cache_watch_new(&engine->watch, &engine->cache, engine->requests.wake_fd, err);
}

enum outcome engine_open(struct engine *engine, struct error *err)
{
    if (cache_open(&engine->cache, &engine->place, err) == FAILED)
        return FAILED;
    engine->cache_is_open = true;
    if (prepare(engine, err) == OK)
        return OK;
    engine_close(engine);
    return FAILED;
}

/* ---- the end of a first copy ---- */

static enum outcome move_in(struct engine *engine, struct error *err)
{
    leave(engine);
    if (cache_move_in(&engine->cache, engine->place.mode, err) == FAILED) {
        engine->cache_is_open = false;
        return FAILED;
    }
    return prepare(engine, err);
}

enum outcome engine_move_in(struct engine *engine, struct error *err)
{
    bool watched = engine->watch != NULL;

    if (!engine->cache.first_copy)
        return OK;
    if (move_in(engine, err) == FAILED ||
        (watched && watch_cache(engine, err) == FAILED)) {
        engine_close(engine);
        return FAILED;
    }
    log_info("%s is filled and in its place", engine->cache.path);
    return engine_read_schema(engine, err);
}

void engine_drop_lost_copy(struct engine *engine)
{
    if (engine->cache_is_open && cache_has_lost_copy(&engine->cache)) {
        log_warning("somebody has removed what was copied for %s: starting over",
                    engine->cache.path);
        engine_close(engine);
    }
}

/* ---- waiting for it ---- */

/* Time or room cures it, not another start. */
static bool passes_by_itself(const struct error *err)
{
    return err->kind == ERROR_TRANSIENT || error_is_full_disk(err);
}

static enum sync_state state_of(const struct error *err)
{
    return err->kind == ERROR_TRANSIENT ? SYNC_CATCHING_UP : SYNC_BLOCKED;
}

/* Says why, and when it is tried again. */
static int64_t put_off(struct engine *engine, int64_t ticket, const struct error *err)
{
    int64_t wait_us = backoff_next_us(&engine->backoff);

    engine_log_failure(err, wait_us);
    engine_set_state(engine, state_of(err), err, wait_us);
    engine_answer(engine, ticket, err);
    return wait_us;
}

enum outcome engine_open_or_wait(struct engine *engine, struct error *err)
{
    struct error failure;

    if (engine_open(engine, &failure) == OK)
        return OK;
    if (passes_by_itself(&failure)) {
        engine_set_state(engine, state_of(&failure), &failure, 0);
        return OK;
    }
    *err = failure;
    return FAILED;
}

static enum outcome open_at_last(struct engine *engine, struct error *err)
{
    bool was_put_off = false;

    while (!engine->cache_is_open && !engine_is_stopping(engine)) {
        struct engine_task task;
        struct error stopped;

        if (engine_take_requests(engine, &task, err) == FAILED)
            return FAILED;
        if (engine_open(engine, err) == OK) {
            if (was_put_off)
                backoff_reset(&engine->backoff);
            return OK;
        }
        if (!passes_by_itself(err))
            return FAILED;
        was_put_off = true;
        if (primary_wait(engine->primary, engine->requests.wake_fd,
                         put_off(engine, task.ticket, err), &stopped) == FAILED)
            return NOTHING;
    }
    return engine->cache_is_open ? OK : NOTHING;
}

enum outcome engine_open_at_last(struct engine *engine, struct error *err)
{
    enum outcome outcome = open_at_last(engine, err);

    return outcome == OK && !engine->watch ? watch_cache(engine, err) : outcome;
}
