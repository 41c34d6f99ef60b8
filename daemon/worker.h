/*
 * Worker: the thread that runs the engine.
 *
 * It takes no signals: those are the main thread's. How it ended is known after
 * worker_join(). Belongs to the main thread.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "lib/base/error.h"

#include <pthread.h>
#include <stdbool.h>

struct engine;
struct event_wake;

struct worker {
    pthread_t thread;
    bool started;
    struct engine *engine;    /* borrowed */
    struct event_wake *ended; /* borrowed; sent when engine_run() has returned */
    enum outcome outcome;     /* the thread's until worker_join() */
    struct error err;
};

MUST_CHECK enum outcome worker_start(struct worker *worker, struct engine *engine,
                                     struct event_wake *ended, struct error *err);

/* Waits for its end; what engine_run() returned. OK if it was never started. */
MUST_CHECK enum outcome worker_join(struct worker *worker, struct error *err);

#endif
