#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/store/pending.h"
#include "round_header.sql.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

static enum outcome requests_init(struct engine_requests *requests, struct error *err)
{
    pthread_mutex_init(&requests->lock, NULL);
    requests->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    requests->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (requests->stop_fd < 0 || requests->wake_fd < 0)
        return error_set_errno(err, "make an event descriptor");
    return OK;
}

static void requests_release(struct engine_requests *requests)
{
    for (size_t i = 0; i < requests->resync_count; i++)
        free(requests->resyncs[i]);
    free(requests->resyncs);
    if (requests->stop_fd > 0)
        close(requests->stop_fd);
    if (requests->wake_fd > 0)
        close(requests->wake_fd);
    pthread_mutex_destroy(&requests->lock);
}

static struct status_promises promises_of(const struct engine_config *config)
{
    return (struct status_promises){config->cache.path, config->overlap_us,
                                    config->sweep_interval_us};
}

static void take_config(struct engine *engine, const struct engine_config *config)
{
    engine->config = *config;
    engine->config.primary.interrupt_fd = engine->requests.stop_fd;
}

enum outcome engine_new(struct engine **out_engine, const struct engine_config *config,
                        const struct engine_observer *observer, struct error *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    struct status_promises promises = promises_of(config);

    if (!engine)
        return error_out_of_memory(err);
    engine->cache.lock_fd = -1;
    engine->pull.changes.file = -1;
    if (observer)
        engine->observer = *observer;
    engine_rest(engine);
    backoff_init(&engine->backoff, (uint64_t)clock_now_us() ^ ((uint64_t)getpid() << 32));
    if (requests_init(&engine->requests, err) == FAILED ||
        status_board_new(&engine->board, &promises, err) == FAILED)
        goto failed;
    take_config(engine, config);
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
    pending_free(engine->pending);
    if (engine->cache_is_open)
        cache_release(&engine->cache);
    primary_free(engine->copier);
    primary_free(engine->primary);
    status_board_free(engine->board);
    requests_release(&engine->requests);
    free(engine->catalog_digest);
    free(engine->refusals);
    free(engine);
}

/* Long work in SQLite: a sign of life for the watchdog, and a chance to stop. */
static bool beat_and_look(void *context)
{
    struct engine *engine = context;

    if (engine_heartbeat_us(engine) != INT64_MAX)
        engine_beat(engine);
    return engine_is_stopping(engine);
}

enum outcome engine_open(struct engine *engine, struct error *err)
{
    if (cache_open(&engine->cache, &engine->config.cache, err) == FAILED)
        return FAILED;
    engine->cache_is_open = true;
    if (pending_new(&engine->pending, engine->cache.db, err) == FAILED)
        return FAILED;
    database_on_progress(engine->cache.db, beat_and_look, engine);
    engine_set_state(engine, SYNC_CATCHING_UP, NULL, 0);
    return OK;
}

/* ---- one attempt ---- */

static enum outcome connect(struct engine *engine, struct error *err)
{
    struct primary_info info;

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

static enum outcome attempt(struct engine *engine, struct error *err)
{
    if (connect(engine, err) == FAILED)
        return FAILED;
    if ((!engine->schema_known || engine_has_table_to_retry(engine)) &&
        engine_read_schema(engine, err) == FAILED)
        return FAILED;
    return engine_catch_up(engine, err);
}

/* ---- requests ---- */

static void drain(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

static void wake(struct engine *engine)
{
    uint64_t one = 1;

    while (write(engine->requests.wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static enum outcome take_reload(struct engine *engine, struct error *err)
{
    struct status_promises promises;

    take_config(engine, &engine->requests.next_config);
    engine->requests.reload = false;
    promises = promises_of(&engine->config);
    status_board_set_promises(engine->board, &promises);
    primary_free(engine->primary);
    primary_free(engine->copier);
    engine->primary = engine->copier = NULL;
    engine->schema_known = false;
    return primary_new(&engine->primary, &engine->config.primary, err);
}

static void take_resyncs(struct engine *engine)
{
    struct engine_requests *requests = &engine->requests;
    size_t kept = 0;

    for (size_t i = 0; i < requests->resync_count; i++) {
        struct followed_table *followed =
            followed_set_find(&engine->followed, requests->resyncs[i]);

        if (!followed) {
            requests->resyncs[kept++] = requests->resyncs[i];
            continue;
        }
        followed->resync_wanted = true;
        if (followed->state == TABLE_FAILED)
            followed_table_move(followed, followed->visible ? TABLE_LIVE : TABLE_ABSENT);
        free(requests->resyncs[i]);
    }
    requests->resync_count = kept;
}

/* What other threads asked for since the last time; the ticket that the next attempt
 * answers. */
static enum outcome take_requests(struct engine *engine, int64_t *out_ticket,
                                  bool *out_paused, struct error *err)
{
    struct engine_requests *requests = &engine->requests;
    enum outcome outcome = OK;

    drain(requests->wake_fd);
    pthread_mutex_lock(&requests->lock);
    if (requests->reload)
        outcome = take_reload(engine, err);
    take_resyncs(engine);
    *out_ticket = requests->last_ticket;
    *out_paused = requests->paused;
    pthread_mutex_unlock(&requests->lock);
    return outcome;
}

static void answer(struct engine *engine, int64_t ticket, const struct error *failure)
{
    struct engine_requests *requests = &engine->requests;

    pthread_mutex_lock(&requests->lock);
    if (failure) {
        requests->failed_ticket = ticket;
        requests->failure = *failure;
    } else {
        requests->completed_ticket = ticket;
    }
    pthread_mutex_unlock(&requests->lock);
    engine_notify(engine);
}

int64_t engine_request_round(struct engine *engine)
{
    struct engine_requests *requests = &engine->requests;
    int64_t ticket;

    pthread_mutex_lock(&requests->lock);
    ticket = ++requests->last_ticket;
    pthread_mutex_unlock(&requests->lock);
    wake(engine);
    return ticket;
}

enum outcome engine_round_state(struct engine *engine, int64_t ticket, struct error *err)
{
    struct engine_requests *requests = &engine->requests;
    enum outcome outcome = NOTHING;

    pthread_mutex_lock(&requests->lock);
    if (requests->completed_ticket >= ticket) {
        outcome = OK;
    } else if (requests->failed_ticket >= ticket) {
        *err = requests->failure;
        outcome = FAILED;
    }
    pthread_mutex_unlock(&requests->lock);
    return outcome;
}

static void set_paused(struct engine *engine, bool paused)
{
    pthread_mutex_lock(&engine->requests.lock);
    engine->requests.paused = paused;
    pthread_mutex_unlock(&engine->requests.lock);
    wake(engine);
}

void engine_pause(struct engine *engine)
{
    set_paused(engine, true);
}

void engine_resume(struct engine *engine)
{
    set_paused(engine, false);
}

enum outcome engine_request_resync(struct engine *engine, const char *table,
                                   struct error *err)
{
    struct engine_requests *requests = &engine->requests;
    enum outcome outcome = status_board_knows_table(engine->board, table, err);
    char **resyncs;

    if (outcome == FAILED)
        return FAILED;
    pthread_mutex_lock(&requests->lock);
    resyncs =
        reallocarray(requests->resyncs, requests->resync_count + 1, sizeof(*resyncs));
    if (resyncs)
        requests->resyncs = resyncs;
    if (resyncs && (resyncs[requests->resync_count] = strdup(table)))
        requests->resync_count++;
    else
        outcome = error_out_of_memory(err);
    pthread_mutex_unlock(&requests->lock);
    wake(engine);
    return outcome;
}

void engine_reload(struct engine *engine, const struct engine_config *config)
{
    pthread_mutex_lock(&engine->requests.lock);
    engine->requests.next_config = *config;
    engine->requests.reload = true;
    pthread_mutex_unlock(&engine->requests.lock);
    wake(engine);
}

void engine_stop(struct engine *engine)
{
    uint64_t one = 1;
    ssize_t written;

    atomic_store(&engine->requests.stopping, true);
    written = write(engine->requests.stop_fd, &one, sizeof(one));
    (void)written; /* the counter cannot overflow: one write is enough */
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

static void log_failure(const struct error *err, int64_t wait_us)
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

static enum outcome wait_for_work(struct engine *engine, int64_t timeout_us,
                                  bool *out_timed_out, struct error *err)
{
    enum outcome outcome;

    engine_rest(engine);
    outcome = primary_wait(engine->primary, engine->requests.wake_fd, timeout_us, err);
    *out_timed_out = outcome == NOTHING;
    return outcome == FAILED ? FAILED : OK;
}

/* After a failure: only a person or the end of the wait starts the next attempt. A busy
 * primary notifies all the time. */
static void wait_for_request(struct engine *engine, int64_t timeout_us)
{
    struct pollfd watched[] = {
        {.fd = engine->requests.wake_fd, .events = POLLIN},
        {.fd = engine->requests.stop_fd, .events = POLLIN},
    };

    engine_rest(engine);
    poll(watched, 2, (int)(timeout_us / US_PER_MS) + 1);
}

static int64_t attempt_and_tell(struct engine *engine, int64_t ticket, bool idle,
                                bool *out_failed)
{
    struct error err = {0};
    int64_t wait_us;

    *out_failed = false;
    if (attempt(engine, &err) == OK && engine_keep_house(engine, idle, &err) == OK) {
        backoff_reset(&engine->backoff);
        engine_set_state(engine, SYNC_LIVE, NULL, 0);
        answer(engine, ticket, NULL);
        return poll_wait_us(engine);
    }
    if (err.kind == ERROR_INTERRUPTED)
        return 0;
    *out_failed = true;
    wait_us = retry_in_us(engine, &err);
    log_failure(&err, wait_us);
    if (!primary_is_connected(engine->primary))
        status_board_set_primary(engine->board, NULL);
    status_board_set_progress(engine->board, NULL, 0, 0);
    engine_set_state(engine, state_after(engine, &err), &err, wait_us);
    if (wait_us)
        answer(engine, ticket, &err);
    return wait_us;
}

static int64_t stay_paused(struct engine *engine, int64_t ticket)
{
    struct error paused;

    error_set(&paused, ERROR_INVALID, "syncing is paused");
    error_hint(&paused, "tidemark resume");
    status_board_set_progress(engine->board, NULL, 0, 0);
    engine_set_state(engine, SYNC_PAUSED, NULL, 0);
    answer(engine, ticket, &paused);
    return 3600 * US_PER_SECOND;
}

enum outcome engine_run(struct engine *engine, struct error *err)
{
    bool idle = false;

    while (!engine_is_stopping(engine)) {
        int64_t ticket = 0;
        bool paused = false;
        bool failed = false;
        int64_t wait_us;
        struct error lost;

        if (take_requests(engine, &ticket, &paused, err) == FAILED)
            return FAILED;
        wait_us = paused ? stay_paused(engine, ticket)
                         : attempt_and_tell(engine, ticket, idle, &failed);
        if (failed || paused)
            wait_for_request(engine, wait_us);
        /* a lost connection is the next attempt's to report */
        else if (wait_us && wait_for_work(engine, wait_us, &idle, &lost) == FAILED)
            log_debug("%s", lost.message);
    }
    return engine_save_cursors(engine, err);
}

enum outcome engine_sync_once(struct engine *engine, struct error *err)
{
    for (int i = 1;; i++) {
        int64_t ticket;
        bool paused;

        if (take_requests(engine, &ticket, &paused, err) == FAILED)
            return FAILED;
        if (attempt(engine, err) == OK)
            break;
        if (err->kind != ERROR_SCHEMA || i == SYNC_ONCE_ATTEMPTS) {
            status_board_set_progress(engine->board, NULL, 0, 0);
            engine_set_state(engine, state_after(engine, err), err, 0);
            return FAILED;
        }
        engine->schema_failures++;
    }
    engine_set_state(engine, SYNC_LIVE, NULL, 0);
    return engine_keep_house(engine, true, err);
}
