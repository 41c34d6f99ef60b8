#include "daemon/supervision.h"

#include "daemon/loop/event_loop.h"
#include "daemon/notify.h"
#include "daemon/observe/log.h"
#include "daemon/status_line.h"
#include "daemon/sync/engine.h"
#include "lib/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define STATUS_PAUSE_US US_PER_SECOND

struct supervision {
    struct engine *engine;
    struct event_timer *status_timer;
    struct event_timer *watchdog_timer;
    int64_t watchdog_us; /* 0: nobody watches */
    bool silent;         /* the worker gives no sign of life: said once */
    bool listened_to;    /* systemd wants to know */
    bool status_due;     /* status_timer runs */
    int64_t status_sent_us;
    char status[STATUS_LINE_SIZE];
};

static void send_status(void *context)
{
    struct supervision *supervision = context;
    json_t *document = engine_status(supervision->engine);
    char line[STATUS_LINE_SIZE];

    supervision->status_due = false;
    if (!document)
        return;
    status_line_write(document, line);
    json_decref(document);
    if (strcmp(line, supervision->status) == 0)
        return;
    strcpy(supervision->status, line);
    supervision->status_sent_us = clock_monotonic_us();
    notify_status(line);
}

void supervision_status_changed(struct supervision *supervision)
{
    int64_t due_us = supervision->status_sent_us + STATUS_PAUSE_US;
    int64_t left_us = due_us - clock_monotonic_us();

    if (!supervision->listened_to || supervision->status_due)
        return;
    if (left_us <= 0) {
        send_status(supervision);
        return;
    }
    supervision->status_due = true;
    event_timer_start(supervision->status_timer, left_us, 0);
}

static void watch_worker(void *context)
{
    struct supervision *supervision = context;
    int64_t heartbeat_us = engine_heartbeat_us(supervision->engine);
    int64_t silence_us =
        heartbeat_us == INT64_MAX ? 0 : clock_monotonic_us() - heartbeat_us;

    if (silence_us < supervision->watchdog_us) {
        supervision->silent = false;
        notify_watchdog();
    } else if (!supervision->silent) {
        supervision->silent = true;
        log_error("the worker has given no sign of life for %lld s; "
                  "the watchdog will end this process",
                  (long long)(silence_us / US_PER_SECOND));
    }
}

static enum outcome add_timers(struct supervision *supervision, struct event_loop *loop,
                               struct error *err)
{
    if (event_loop_add_timer(loop, send_status, supervision, &supervision->status_timer,
                             err) == FAILED)
        return FAILED;
    return event_loop_add_timer(loop, watch_worker, supervision,
                                &supervision->watchdog_timer, err);
}

enum outcome supervision_start(struct supervision **out_supervision,
                               struct event_loop *loop, struct engine *engine,
                               struct error *err)
{
    struct supervision *supervision = calloc(1, sizeof *supervision);

    if (!supervision)
        return error_out_of_memory(err);
    supervision->engine = engine;
    supervision->watchdog_us = notify_watchdog_interval_us();
    supervision->listened_to = getenv("NOTIFY_SOCKET") != NULL;
    if (add_timers(supervision, loop, err) == FAILED) {
        free(supervision);
        return FAILED;
    }
    if (supervision->watchdog_us > 0)
        event_timer_start(supervision->watchdog_timer, 0, supervision->watchdog_us / 2);
    *out_supervision = supervision;
    return OK;
}

void supervision_stop(struct supervision *supervision)
{
    if (!supervision)
        return;
    event_timer_stop(supervision->status_timer);
    event_timer_stop(supervision->watchdog_timer);
    free(supervision);
}
