/*
 * Event loop: signals, timers and wake-ups of the daemon's main thread, over libuv.
 *
 * Sources are added before or while the loop runs and live until event_loop_free();
 * their callbacks run on the loop's thread and must not block. Everything here belongs
 * to that thread, except event_wake_send().
 */
#ifndef DAEMON_LOOP_EVENT_LOOP_H
#define DAEMON_LOOP_EVENT_LOOP_H

#include "lib/base/error.h"

#include <stdint.h>

struct event_loop;
struct event_timer;
struct event_wake;
struct uv_loop_s;

typedef void event_callback(void *context);

MUST_CHECK enum outcome event_loop_new(struct event_loop **out_loop, struct error *err);

/* Closes what is still open. NULL is fine. Threads that send wake-ups must have ended. */
void event_loop_free(struct event_loop *loop);

/* Runs until event_loop_stop(). */
void event_loop_run(struct event_loop *loop);
void event_loop_stop(struct event_loop *loop);

/* For servers that put streams of their own on the loop; borrowed. They close them before
 * event_loop_free(), which waits for their close callbacks. */
struct uv_loop_s *event_loop_uv(struct event_loop *loop);

/* Calls back for each arriving signal (several at once may count as one). */
MUST_CHECK enum outcome event_loop_add_signal(struct event_loop *loop, int signal_number,
                                              event_callback *callback, void *context,
                                              struct error *err);

/* A timer that does nothing until it is started; owned by the loop. */
MUST_CHECK enum outcome event_loop_add_timer(struct event_loop *loop,
                                             event_callback *callback, void *context,
                                             struct event_timer **out_timer,
                                             struct error *err);
/* (Re)starts it: once after delay_us, then every repeat_us (0: only once). Counted in
 * whole milliseconds, at least one. */
void event_timer_start(struct event_timer *timer, int64_t delay_us, int64_t repeat_us);
void event_timer_stop(struct event_timer *timer);

/* A way for other threads to have callback run on the loop; owned by the loop. */
MUST_CHECK enum outcome event_loop_add_wake(struct event_loop *loop,
                                            event_callback *callback, void *context,
                                            struct event_wake **out_wake,
                                            struct error *err);
/* [any thread] Never blocks; several sends before the callback runs count as one. */
void event_wake_send(struct event_wake *wake);

#endif
