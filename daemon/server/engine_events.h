/*
 * Engine events: carries what the engine's worker thread reports to the loop's thread.
 *
 * The worker only queues and wakes the loop, so it never waits for a client. The queue
 * holds ENGINE_EVENTS_LIMIT change sets; what is more is dropped, and reported as lost.
 */
#ifndef DAEMON_SERVER_ENGINE_EVENTS_H
#define DAEMON_SERVER_ENGINE_EVENTS_H

#include "daemon/sync/engine.h"

#define ENGINE_EVENTS_LIMIT 1024

struct event_loop;
struct engine_events;

/* Called on the loop's thread. */
struct engine_listener {
    void *context;
    void (*status_changed)(void *context);
    void (*change_set)(void *context, const char *json_line);
    void (*change_sets_lost)(void *context);
};

MUST_CHECK enum outcome engine_events_new(struct engine_events **out_events,
                                          struct event_loop *loop,
                                          const struct engine_listener *listener,
                                          struct error *err);
/* The worker must have ended, and the loop must not turn any more. NULL is fine. */
void engine_events_free(struct engine_events *events);

/* What engine_new() is given. */
struct engine_observer engine_events_observer(struct engine_events *events);

#endif
