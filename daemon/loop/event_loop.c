#include "daemon/loop/event_loop.h"

#include "lib/base/clock.h"

#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

/* One signal, timer or wake-up, whatever its kind. */
struct event_source {
    union {
        uv_handle_t handle;
        uv_signal_t signal;
        uv_timer_t timer;
        uv_async_t async;
    } uv;
    struct event_source *next;
    event_callback *callback;
    void *context;
};

struct event_timer {
    struct event_source source;
};

struct event_wake {
    struct event_source source;
};

struct event_loop {
    uv_loop_t uv;
    struct event_source *sources;
};

static enum outcome uv_failed(int code, const char *what, struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "%s: %s", what, uv_strerror(code));
}

enum outcome event_loop_new(struct event_loop **out_loop, struct error *err)
{
    struct event_loop *loop = calloc(1, sizeof *loop);
    int code;

    if (!loop)
        return error_out_of_memory(err);
    code = uv_loop_init(&loop->uv);
    if (code != 0) {
        free(loop);
        return uv_failed(code, "create the event loop", err);
    }
    *out_loop = loop;
    return OK;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void event_loop_free(struct event_loop *loop)
{
    if (!loop)
        return;
    /* Streams that are closing already finish here, with their own callbacks. */
    for (struct event_source *source = loop->sources; source; source = source->next)
        close_handle(&source->uv.handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) == UV_EBUSY) {
        uv_walk(&loop->uv, close_handle, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        uv_loop_close(&loop->uv);
    }
    while (loop->sources) {
        struct event_source *next = loop->sources->next;

        free(loop->sources);
        loop->sources = next;
    }
    free(loop);
}

void event_loop_run(struct event_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void event_loop_stop(struct event_loop *loop)
{
    uv_stop(&loop->uv);
}

struct uv_loop_s *event_loop_uv(struct event_loop *loop)
{
    return &loop->uv;
}

static struct event_source *source_new(event_callback *callback, void *context)
{
    struct event_source *source = calloc(1, sizeof *source);

    if (!source)
        return NULL;
    source->callback = callback;
    source->context = context;
    source->uv.handle.data = source;
    return source;
}

/* From here on the loop owns it: libuv knows the handle. */
static void loop_take(struct event_loop *loop, struct event_source *source)
{
    source->next = loop->sources;
    loop->sources = source;
}

static void call_back(void *data)
{
    struct event_source *source = data;

    source->callback(source->context);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    (void)signal_number;
    call_back(handle->data);
}

static void on_timer(uv_timer_t *handle)
{
    call_back(handle->data);
}

static void on_wake(uv_async_t *handle)
{
    call_back(handle->data);
}

enum outcome event_loop_add_signal(struct event_loop *loop, int signal_number,
                                   event_callback *callback, void *context,
                                   struct error *err)
{
    struct event_source *source = source_new(callback, context);
    int code;

    if (!source)
        return error_out_of_memory(err);
    uv_signal_init(&loop->uv, &source->uv.signal);
    loop_take(loop, source);
    code = uv_signal_start(&source->uv.signal, on_signal, signal_number);
    if (code != 0)
        return uv_failed(code, "watch for a signal", err);
    return OK;
}

enum outcome event_loop_add_timer(struct event_loop *loop, event_callback *callback,
                                  void *context, struct event_timer **out_timer,
                                  struct error *err)
{
    struct event_source *source = source_new(callback, context);

    if (!source)
        return error_out_of_memory(err);
    uv_timer_init(&loop->uv, &source->uv.timer);
    loop_take(loop, source);
    *out_timer = (struct event_timer *)source;
    return OK;
}

static uint64_t milliseconds(int64_t time_us)
{
    return time_us <= US_PER_MS ? 1 : (uint64_t)((time_us + US_PER_MS - 1) / US_PER_MS);
}

void event_timer_start(struct event_timer *timer, int64_t delay_us, int64_t repeat_us)
{
    uv_timer_t *handle = &timer->source.uv.timer;

    /* Callbacks may have run long: count from now, not from the start of this turn. */
    uv_update_time(handle->loop);
    uv_timer_start(handle, on_timer, milliseconds(delay_us),
                   repeat_us > 0 ? milliseconds(repeat_us) : 0);
}

void event_timer_stop(struct event_timer *timer)
{
    uv_timer_stop(&timer->source.uv.timer);
}

enum outcome event_loop_add_wake(struct event_loop *loop, event_callback *callback,
                                 void *context, struct event_wake **out_wake,
                                 struct error *err)
{
    struct event_source *source = source_new(callback, context);
    int code;

    if (!source)
        return error_out_of_memory(err);
    code = uv_async_init(&loop->uv, &source->uv.async, on_wake);
    if (code != 0) {
        free(source);
        return uv_failed(code, "create a wake-up", err);
    }
    loop_take(loop, source);
    *out_wake = (struct event_wake *)source;
    return OK;
}

void event_wake_send(struct event_wake *wake)
{
    uv_async_send(&wake->source.uv.async);
}
