#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "round_header.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTIFY_CHANNEL "tidemark"
#define SYNC_ONCE_ATTEMPTS 5

/* ---- what the worker tells ---- */

bool engine_is_stopping(struct engine *engine)
{
    return atomic_load(&engine->requests.stopping);
}

bool engine_is_asked_to_break_off(struct engine *engine)
{
    bool asked;

    pthread_mutex_lock(&engine->requests.lock);
    asked = engine->requests.paused || engine->requests.reload;
    pthread_mutex_unlock(&engine->requests.lock);
    return asked;
}

void engine_beat(struct engine *engine)
{
    atomic_store(&engine->heartbeat_us, clock_monotonic_us());
}

void engine_rest(struct engine *engine)
{
    atomic_store(&engine->heartbeat_us, INT64_MAX);
}

int64_t engine_heartbeat_us(struct engine *engine)
{
    return atomic_load(&engine->heartbeat_us);
}

void engine_notify(struct engine *engine)
{
    if (engine->observer.status_changed)
        engine->observer.status_changed(engine->observer.context);
}

void engine_publish_tables(struct engine *engine)
{
    struct error err;

    if (status_board_set_tables(engine->board, &engine->followed, &err) == FAILED)
        log_outcome(&err, "the status is incomplete");
    engine_notify(engine);
}

void engine_note_use(struct engine *engine)
{
    engine->used_at_us = clock_monotonic_us();
    engine->trimmed = false;
}

static void write_state(struct engine *engine, const char *reason)
{
    struct database *db = engine->cache.db;
    struct error err;
    int64_t since_us;
    enum sync_state state = status_board_state(engine->board, &since_us);

    if (!engine->cache_is_open)
        return;
    if (database_begin(db, &err) == FAILED ||
        catalog_put_state(db, sync_state_name(state), since_us, reason, &err) == FAILED ||
        database_commit(db, &err) == FAILED) {
        database_roll_back(db);
        log_debug("tide_status is not up to date: %s", err.message);
    }
}

void engine_set_state(struct engine *engine, enum sync_state state,
                      const struct error *reason, int64_t retry_in_us)
{
    int64_t next_try_us = retry_in_us ? clock_now_us() + retry_in_us : 0;

    if (status_board_set_state(engine->board, state, reason, next_try_us))
        write_state(engine, reason ? reason->message : NULL);
    engine_notify(engine);
}

json_t *engine_status(struct engine *engine)
{
    return status_board_document(engine->board);
}

/* ---- life ---- */

enum outcome engine_new(struct engine **out_engine, const struct engine_config *config,
                        const struct engine_observer *observer, struct error *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    struct status_promises promises = engine_promises(config);

    if (!engine)
        return error_out_of_memory(err);
    engine->cache.lock_fd = -1;
    engine->pull.changes.file = -1;
    if (observer)
        engine->observer = *observer;
    engine_rest(engine);
    backoff_init(&engine->backoff, (uint64_t)clock_now_us() ^ ((uint64_t)getpid() << 32));
    backoff_init(&engine->push.backoff, ~engine->backoff.random_state);
    backoff_init(&engine->push.held_backoff, ~engine->backoff.random_state);
    if (engine_requests_init(&engine->requests, err) == FAILED ||
        status_board_new(&engine->board, &promises, err) == FAILED)
        goto failed;
    engine->place = config->cache;
    engine->place.begins_beside = true;
    engine_take_config(engine, config);
    if (primary_new(&engine->primary, &engine->config.primary, err) == FAILED)
        goto failed;
    *out_engine = engine;
    return OK;

failed:
    engine_free(engine);
    return FAILED;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    if (engine->board && engine->cache_is_open)
        engine_set_state(engine, SYNC_STOPPED, NULL, 0);
    pull_release(&engine->pull);
    followed_set_release(&engine->followed);
    engine_push_release(engine);
    engine_close(engine);
    primary_free(engine->copier);
    primary_free(engine->primary);
    status_board_free(engine->board);
    engine_requests_release(&engine->requests);
    catalog_cluster_release(&engine->cluster);
    free(engine->catalog_digest);
    free(engine->refusals);
    free(engine);
}

/* ---- one attempt ---- */

static enum outcome connect(struct engine *engine, struct error *err)
{
    struct primary_info info;

    if (engine_push_wants_new_session(engine))
        primary_close(engine->primary);
    if (primary_is_connected(engine->primary))
        return OK;
    status_board_set_primary(engine->board, NULL);
    engine->schema_known = false;
    if (primary_connect(engine->primary, err) == FAILED)
        return FAILED;
    primary_describe(engine->primary, &info);
    if (!info.transaction_pooler &&
        primary_run_text(engine->primary, round_header_sql.pin_for_rounds.name,
                         round_header_sql.pin_for_rounds.text, err) == FAILED)
        return FAILED;
    if (primary_listen(engine->primary, NOTIFY_CHANNEL, err) == FAILED)
        return FAILED;
    primary_describe(engine->primary, &info);
    status_board_set_primary(engine->board, &info);
    log_info("connected to %s on %s port %s (%s%s%s)", info.database, info.host,
             info.port, info.tls ? "TLS" : "no TLS",
             info.transaction_pooler ? ", pooler" : "",
             info.in_recovery ? ", standby" : "");
    return OK;
}

/* Once more when changes had to wait for a table's new shape, which came with the round.
 */
static enum outcome push_and_pull(struct engine *engine, bool asked, struct error *err)
{
    if (engine_push(engine, asked, err) == FAILED ||
        engine_catch_up(engine, err) == FAILED)
        return FAILED;
    if (!engine->push.held)
        return OK;
    if (engine_push(engine, asked, err) == FAILED)
        return FAILED;
    return engine_catch_up(engine, err);
}

/* Wanted until it is done: a file that cannot be written now can be later. */
static enum outcome start_over_if_wanted(struct engine *engine, struct error *err)
{
    if (!engine->start_over_wanted)
        return OK;
    if (engine_start_over(engine, err) == FAILED)
        return FAILED;
    engine->start_over_wanted = false;
    return OK;
}

static enum outcome attempt(struct engine *engine, bool asked, struct error *err)
{
    if (start_over_if_wanted(engine, err) == FAILED || connect(engine, err) == FAILED)
        return FAILED;
    if ((!engine->schema_known || engine_has_table_to_retry(engine)) &&
        engine_read_schema(engine, err) == FAILED)
        return FAILED;
    if (push_and_pull(engine, asked, err) == FAILED)
        return FAILED;
    /* who asked is told what came of it */
    return asked ? engine_count_changes(engine, true, err) : OK;
}

/* ---- the loop ---- */

/* Whether the failure is the network's, and passes by itself, or somebody must do
 * something. */
static enum sync_state state_after(const struct engine *engine, const struct error *err)
{
    if (err->kind == ERROR_TRANSIENT)
        return primary_is_connected(engine->primary) ? SYNC_CATCHING_UP : SYNC_OFFLINE;
    if (err->kind == ERROR_SCHEMA)
        return SYNC_CATCHING_UP;
    return SYNC_BLOCKED;
}

static int64_t retry_in_us(struct engine *engine, const struct error *err)
{
    /* a schema that changed is read again at once; one that keeps changing, with growing
     * patience */
    if (err->kind == ERROR_SCHEMA && ++engine->schema_failures <= 2)
        return 0;
    return backoff_next_us(&engine->backoff);
}

void engine_log_failure(const struct error *err, int64_t wait_us)
{
    char next[48];

    if (!wait_us) {
        log_info("%s: reading the schema again", err->message);
        return;
    }
    snprintf(next, sizeof(next), "retrying in %.1f s", (double)wait_us / 1e6);
    log_outcome(err, next);
}

/* ±10 %, so that many devices do not ask at the same instant. */
static int64_t poll_wait_us(struct engine *engine)
{
    int64_t interval_us = engine->config.poll_interval_us;

    return interval_us - interval_us / 10 +
           (int64_t)(clock_now_us() % (interval_us / 5 + 1));
}

/* Rows arrive; whether local changes do is another matter. */
static void conclude(struct engine *engine, int64_t ticket)
{
    const struct error *trouble = engine_push_trouble(engine);
    int64_t wait_us = engine_push_wait_us(engine);
    enum sync_state state = SYNC_LIVE;

    if (trouble && !engine->push.in_recovery)
        state = trouble->kind == ERROR_TRANSIENT ? SYNC_CATCHING_UP : SYNC_BLOCKED;
    engine_set_state(engine, state, state == SYNC_LIVE ? NULL : trouble,
                     trouble && wait_us < INT64_MAX ? wait_us : 0);
    engine_answer(engine, ticket, engine_push_is_held(engine) ? NULL : trouble);
}

static int64_t attempt_and_tell(struct engine *engine, const struct engine_task *task,
                                bool idle, bool *out_failed)
{
    struct error err = {0};
    int64_t wait_us;

    *out_failed = false;
    if (attempt(engine, task->asked, &err) == OK &&
        engine_keep_house(engine, idle, &err) == OK) {
        backoff_reset(&engine->backoff);
        conclude(engine, task->ticket);
        wait_us = engine_push_wait_us(engine);
        return wait_us < poll_wait_us(engine) ? wait_us : poll_wait_us(engine);
    }
    if (err.kind == ERROR_INTERRUPTED)
        return 0;
    *out_failed = true;
    wait_us = retry_in_us(engine, &err);
    engine_log_failure(&err, wait_us);
    if (!primary_is_connected(engine->primary))
        status_board_set_primary(engine->board, NULL);
    status_board_set_progress(engine->board, NULL, 0, 0);
    engine_set_state(engine, state_after(engine, &err), &err, wait_us);
    engine_drop_lost_copy(engine);
    if (wait_us)
        engine_answer(engine, task->ticket, &err);
    return wait_us;
}

static int64_t stay_paused(struct engine *engine, int64_t ticket)
{
    struct error paused;

    /* a long rest on an open link: what was deleted may be forgotten there meanwhile */
    engine->schema_known = false;
    error_set(&paused, ERROR_INVALID, "syncing is paused");
    error_hint(&paused, "tidemark resume");
    status_board_set_progress(engine->board, NULL, 0, 0);
    engine_set_state(engine, SYNC_PAUSED, NULL, 0);
    engine_answer(engine, ticket, &paused);
    return 3600 * US_PER_SECOND;
}

/* A cache that is closed has to be opened first, and that too may take more than one try.
 */
static enum outcome wait_for_turn(struct engine *engine, int64_t wait_us, bool until_work,
                                  bool *out_timed_out, struct error *err)
{
    if (engine->cache_is_open)
        return engine_wait(engine, wait_us, until_work, out_timed_out, err);
    *out_timed_out = false;
    return primary_wait(engine->primary, engine->requests.wake_fd, wait_us, err) == FAILED
               ? FAILED
               : OK;
}

static enum outcome take_turns(struct engine *engine, struct error *err)
{
    enum outcome outcome;
    bool idle = false;

    while ((outcome = engine_open_at_last(engine, err)) == OK &&
           !engine_is_stopping(engine)) {
        struct engine_task task;
        bool failed = false;
        int64_t wait_us;
        struct error lost;

        if (engine_take_requests(engine, &task, err) == FAILED)
            return FAILED;
        wait_us = task.paused ? stay_paused(engine, task.ticket)
                              : attempt_and_tell(engine, &task, idle, &failed);
        /* a lost connection is the next attempt's to report */
        if (wait_us && wait_for_turn(engine, wait_us, !failed && !task.paused, &idle,
                                     &lost) == FAILED)
            log_debug("%s", lost.message);
    }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome engine_run(struct engine *engine, struct error *err)
{
    enum outcome outcome = take_turns(engine, err);

    if (outcome == OK && engine->cache_is_open)
        outcome = engine_save_cursors(engine, err);
    cache_watch_free(engine->watch);
    engine->watch = NULL;
    return outcome;
}

enum outcome engine_sync_once(struct engine *engine, struct error *err)
{
    for (int i = 1;; i++) {
        struct engine_task task;

        if (engine_take_requests(engine, &task, err) == FAILED)
            return FAILED;
        if (attempt(engine, true, err) == OK)
            break;
        if (err->kind != ERROR_SCHEMA || i == SYNC_ONCE_ATTEMPTS) {
            status_board_set_progress(engine->board, NULL, 0, 0);
            engine_set_state(engine, state_after(engine, err), err, 0);
            return FAILED;
        }
        engine->schema_failures++;
    }
    if (engine_count_changes(engine, true, err) == FAILED)
        return FAILED;
    conclude(engine, 0);
    if (engine_keep_house(engine, true, err) == FAILED)
        return FAILED;
    if (!engine_push_trouble(engine) || engine_push_is_held(engine))
        return OK;
    *err = *engine_push_trouble(engine);
    return FAILED;
}
