/* The engine's half that other threads talk to: what they ask for, and the answers. */
#include "daemon/sync/engine_state.h"

#include "lib/base/array.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum outcome engine_requests_init(struct engine_requests *requests, struct error *err)
{
    pthread_mutex_init(&requests->lock, NULL);
    requests->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    requests->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (requests->stop_fd < 0 || requests->wake_fd < 0)
        return error_set_errno(err, "make an event descriptor");
    return OK;
}

void engine_requests_release(struct engine_requests *requests)
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

struct status_promises engine_promises(const struct engine_config *config)
{
    return (struct status_promises){config->cache.path, config->overlap_us,
                                    config->sweep_interval_us};
}

void engine_take_config(struct engine *engine, const struct engine_config *config)
{
    engine->config = *config;
    engine->config.primary.interrupt_fd = engine->requests.stop_fd;
}

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

    engine_take_config(engine, &engine->requests.next_config);
    engine->requests.reload = false;
    promises = engine_promises(&engine->config);
    status_board_set_promises(engine->board, &promises);
    engine_push_release(engine);
    primary_free(engine->primary);
    primary_free(engine->copier);
    engine->primary = engine->copier = NULL;
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

enum outcome engine_take_requests(struct engine *engine, struct engine_task *out_task,
                                  struct error *err)
{
    struct engine_requests *requests = &engine->requests;
    enum outcome outcome = OK;

    drain(requests->wake_fd);
    pthread_mutex_lock(&requests->lock);
    if (requests->reload)
        outcome = take_reload(engine, err);
    take_resyncs(engine);
    engine->start_over_wanted = engine->start_over_wanted || requests->resync_all;
    requests->resync_all = false;
    *out_task = (struct engine_task){
        .ticket = requests->last_ticket,
        .asked = requests->last_ticket > requests->completed_ticket &&
                 requests->last_ticket > requests->failed_ticket,
        .paused = requests->paused,
    };
    pthread_mutex_unlock(&requests->lock);
    return outcome;
}

void engine_answer(struct engine *engine, int64_t ticket, const struct error *failure)
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

static enum outcome add_resync(struct engine_requests *requests, const char *table,
                               struct error *err)
{
    char *name;

    if (array_room(&requests->resyncs, requests->resync_count, err) == FAILED)
        return FAILED;
    name = strdup(table);
    if (!name)
        return error_out_of_memory(err);
    requests->resyncs[requests->resync_count++] = name;
    return OK;
}

enum outcome engine_request_resync(struct engine *engine, const char *table,
                                   struct error *err)
{
    struct engine_requests *requests = &engine->requests;
    enum outcome outcome = OK;

    if (table && status_board_knows_table(engine->board, table, err) == FAILED)
        return FAILED;
    pthread_mutex_lock(&requests->lock);
    if (table)
        outcome = add_resync(requests, table, err);
    else
        requests->resync_all = true;
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
