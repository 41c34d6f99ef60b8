/*
 * Supervision: keeps systemd informed while the loop runs.
 *
 * Sends the status line when it changes, at most once a second, and the watchdog message
 * at half its interval, as long as the worker gives signs of life or waits where its own
 * time-outs end the wait. Without systemd it has no timer and builds no status.
 *
 * Belongs to the loop's thread.
 */
#ifndef DAEMON_SUPERVISION_H
#define DAEMON_SUPERVISION_H

#include "lib/base/error.h"

struct engine;
struct event_loop;
struct supervision;

/* The engine is borrowed. */
MUST_CHECK enum outcome supervision_start(struct supervision **out_supervision,
                                          struct event_loop *loop, struct engine *engine,
                                          struct error *err);

/* Before the loop is freed. NULL is fine. */
void supervision_stop(struct supervision *supervision);

/* The status document is another one now. */
void supervision_status_changed(struct supervision *supervision);

#endif
