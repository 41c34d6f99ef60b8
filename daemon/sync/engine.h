/*
 * Engine: keeps one cache in step with one primary.
 *
 * engine_run() is the worker thread's whole life: connect, introspect, snapshot,
 * rounds, wait, again, until engine_stop(). It is straight-line blocking code; every
 * other function here marked [any thread] only leaves a request or reads what the worker
 * published.
 */
#ifndef DAEMON_SYNC_ENGINE_H
#define DAEMON_SYNC_ENGINE_H

#include "daemon/primary/introspect.h"
#include "daemon/primary/primary.h"
#include "lib/store/cache.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Text is borrowed and must live until engine_free() or the next engine_reload(); the
 * cache's, which the first one decides, until engine_free(). */
struct engine_config {
    struct primary_config primary;
    struct introspect_config selection;
    struct cache_config cache;
    int64_t poll_interval_us;
    int64_t overlap_us;        /* untracked tables: how far a delta looks back */
    int64_t sweep_interval_us; /* untracked tables: how often a delta is made exact */
    int64_t tombstone_retention_us;
    int64_t push_batch_rows; /* a longer outbox is pushed in parts, about so large */
};

/* Called from the worker thread; must not block. */
struct engine_observer {
    void *context;
    /* Something in the status document changed. */
    void (*status_changed)(void *context);
    /* One change set was applied: one JSON line without the newline, as `watch` prints
     * it. */
    void (*change_set_applied)(void *context, const char *json_line);
};

struct engine;

MUST_CHECK enum outcome
engine_new(struct engine **out_engine, const struct engine_config *config,
           const struct engine_observer *observer /* may be NULL */, struct error *err);
void engine_free(struct engine *engine); /* NULL is fine; the worker must have ended */

/* Opens and locks the cache file: a second engine on it fails with ERROR_INVALID. */
MUST_CHECK enum outcome engine_open(struct engine *engine, struct error *err);

/* The same for one that stays: a full disk, or a lock that another program holds, is no
 * failure. The status says so, and engine_run() opens the file when it can be opened. */
MUST_CHECK enum outcome engine_open_or_wait(struct engine *engine, struct error *err);

/* The worker's life; returns OK after engine_stop(). */
MUST_CHECK enum outcome engine_run(struct engine *engine, struct error *err);

/* Without a worker: connects, pushes and makes one full round, until caught up. FAILED
 * too when only the push did not get through. */
MUST_CHECK enum outcome engine_sync_once(struct engine *engine, struct error *err);

/* [any thread, and signal-safe enough for a second call] Ends engine_run() at its next
 * wait. */
void engine_stop(struct engine *engine);

/* [any thread] The watchdog's question: clock_monotonic_us() of the worker's last sign of
 * life, or INT64_MAX while it waits where its own time-outs end the wait (network, poll
 * interval, pause). Long work in SQLite (an index, a big merge) beats too, from the
 * progress handler. */
int64_t engine_heartbeat_us(struct engine *engine);

/* [any thread] The status document of status_document.h, a new reference. */
json_t *engine_status(struct engine *engine);

/* [any thread] Asks for a round now; the ticket names it. */
int64_t engine_request_round(struct engine *engine);

/* [any thread] NOTHING: not yet. OK: every local change committed before the request was
 * pushed (or refused), and a complete round that began after that was committed. FAILED:
 * the attempt failed with *err (the engine tries again by itself; so may the caller wait
 * on). */
MUST_CHECK enum outcome engine_round_state(struct engine *engine, int64_t ticket,
                                           struct error *err);

/* [any thread] */
void engine_pause(struct engine *engine);
void engine_resume(struct engine *engine);

/* [any thread] Copies a table anew beside the old one; ERROR_INVALID for an unknown
 * table. NULL: all of them, and this is another device for the primary from then on:
 * the way out for a cache that was copied and for a primary that was restored. */
MUST_CHECK enum outcome engine_request_resync(struct engine *engine, const char *table,
                                              struct error *err);

/* [any thread] New settings, taken over before the next round. What needs a restart
 * (cache path and mode) is the caller's to notice. */
void engine_reload(struct engine *engine, const struct engine_config *config);

#endif
