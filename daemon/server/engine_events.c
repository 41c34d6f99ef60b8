#include "daemon/server/engine_events.h"

#include "daemon/loop/event_loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct event_queue {
    char *lines[ENGINE_EVENTS_LIMIT];
    size_t count;
    bool lost;
    bool status_changed;
};

struct engine_events {
    struct engine_listener listener;
    struct event_wake *wake;
    pthread_mutex_t mutex; /* guards queue */
    struct event_queue *queue;
    struct event_queue *spare; /* the loop's, empty between turns */
};

static struct event_queue *exchange_queues(struct engine_events *events)
{
    struct event_queue *filled;

    pthread_mutex_lock(&events->mutex);
    filled = events->queue;
    events->queue = events->spare;
    events->spare = filled;
    pthread_mutex_unlock(&events->mutex);
    return filled;
}

static void empty_queue(struct event_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        free(queue->lines[i]);
    queue->count = 0;
    queue->lost = false;
    queue->status_changed = false;
}

static void deliver(void *context)
{
    struct engine_events *events = context;
    const struct engine_listener *listener = &events->listener;
    struct event_queue *queue = exchange_queues(events);

    for (size_t i = 0; i < queue->count; i++)
        listener->change_set(listener->context, queue->lines[i]);
    if (queue->lost)
        listener->change_sets_lost(listener->context);
    if (queue->status_changed)
        listener->status_changed(listener->context);
    empty_queue(queue);
}

static void on_status_changed(void *context)
{
    struct engine_events *events = context;

    pthread_mutex_lock(&events->mutex);
    events->queue->status_changed = true;
    pthread_mutex_unlock(&events->mutex);
    event_wake_send(events->wake);
}

static void on_change_set(void *context, const char *json_line)
{
    struct engine_events *events = context;
    char *line = strdup(json_line);

    pthread_mutex_lock(&events->mutex);
    /* After a gap nothing more is queued: those who watch must begin again anyway. */
    if (!line || events->queue->lost || events->queue->count == ENGINE_EVENTS_LIMIT) {
        events->queue->lost = true;
        free(line);
    } else {
        events->queue->lines[events->queue->count++] = line;
    }
    pthread_mutex_unlock(&events->mutex);
    event_wake_send(events->wake);
}

enum outcome engine_events_new(struct engine_events **out_events, struct event_loop *loop,
                               const struct engine_listener *listener, struct error *err)
{
    struct engine_events *events = calloc(1, sizeof *events);

    if (!events)
        return error_out_of_memory(err);
    pthread_mutex_init(&events->mutex, NULL);
    events->listener = *listener;
    events->queue = calloc(1, sizeof *events->queue);
    events->spare = calloc(1, sizeof *events->spare);
    if (!events->queue || !events->spare) {
        engine_events_free(events);
        return error_out_of_memory(err);
    }
    if (event_loop_add_wake(loop, deliver, events, &events->wake, err) == FAILED) {
        engine_events_free(events);
        return FAILED;
    }
    *out_events = events;
    return OK;
}

void engine_events_free(struct engine_events *events)
{
    if (!events)
        return;
    if (events->queue)
        empty_queue(events->queue);
    free(events->queue);
    free(events->spare);
    pthread_mutex_destroy(&events->mutex);
    free(events);
}

struct engine_observer engine_events_observer(struct engine_events *events)
{
    return (struct engine_observer){.context = events,
                                    .status_changed = on_status_changed,
                                    .change_set_applied = on_change_set};
}
