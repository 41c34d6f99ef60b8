#include "daemon/migrate/lock_watch.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/clock.h"
#include "lib/base/cleanup.h"
#include "lock_watch.sql.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define POLL_US (500 * US_PER_MS)
#define REMIND_US (10 * US_PER_SECOND)
#define REASON_SIZE 256

struct lock_watch {
    struct primary *primary;
    pthread_t thread;
    int stop_fd;
    char pid[12];
    struct lock_watch_listener listener;
    pthread_mutex_t mutex; /* guards what follows */
    char name[128];
    char reason[REASON_SIZE];
    int64_t reported_us; /* 0: not yet */
};

/* Takes down who it is; false: that was said a moment ago. */
static bool is_news(struct lock_watch *watch, const char *reason, char *out_name,
                    size_t size)
{
    /* the seconds at its end change all the time */
    size_t who = strcspn(reason, ",");
    int64_t now_us = clock_monotonic_us();
    bool news;

    pthread_mutex_lock(&watch->mutex);
    news = !watch->reported_us || strncmp(watch->reason, reason, who) != 0 ||
           now_us - watch->reported_us >= REMIND_US;
    snprintf(watch->reason, sizeof(watch->reason), "%s", reason);
    snprintf(out_name, size, "%s", watch->name);
    if (news)
        watch->reported_us = now_us;
    pthread_mutex_unlock(&watch->mutex);
    return news;
}

static enum outcome look(struct lock_watch *watch, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const char *const parameters[] = {watch->pid};
    char name[sizeof(watch->name)];
    const char *reason;

    if (primary_query(watch->primary, &lock_watch_sql.blocker, parameters, 1, &result,
                      err) == FAILED)
        return FAILED;
    if (primary_result_rows(result) == 0)
        return OK;
    reason = primary_result_text(result, 0, 0);
    if (reason && is_news(watch, reason, name, sizeof(name)) && watch->listener.report)
        watch->listener.report(watch->listener.context, name, reason);
    return OK;
}

static void *watch_blockers(void *context)
{
    struct lock_watch *watch = context;
    struct error ignored;

    if (primary_connect(watch->primary, &ignored) == FAILED)
        return NULL;
    while (primary_wait(watch->primary, -1, POLL_US, &ignored) != FAILED)
        if (look(watch, &ignored) == FAILED)
            break;
    return NULL;
}

/* Signals are the main thread's business. */
static bool start_thread(struct lock_watch *watch)
{
    sigset_t all, before;
    int status;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&watch->thread, NULL, watch_blockers, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0;
}

static void watch_free(struct lock_watch *watch)
{
    primary_free(watch->primary);
    if (watch->stop_fd >= 0)
        close(watch->stop_fd);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

struct lock_watch *lock_watch_start(const struct primary_config *config, int pid,
                                    struct lock_watch_listener listener)
{
    struct lock_watch *watch = calloc(1, sizeof(*watch));
    struct primary_config link = *config;
    struct error ignored;

    if (!watch)
        return NULL;
    watch->listener = listener;
    snprintf(watch->pid, sizeof(watch->pid), "%d", pid);
    pthread_mutex_init(&watch->mutex, NULL);
    watch->stop_fd = eventfd(0, EFD_CLOEXEC);
    link.interrupt_fd = watch->stop_fd;
    if (watch->stop_fd < 0 || primary_new(&watch->primary, &link, &ignored) == FAILED ||
        !start_thread(watch)) {
        watch_free(watch);
        return NULL;
    }
    return watch;
}

void lock_watch_stop(struct lock_watch *watch)
{
    if (!watch)
        return;
    eventfd_write(watch->stop_fd, 1);
    pthread_join(watch->thread, NULL);
    watch_free(watch);
}

void lock_watch_name(struct lock_watch *watch, const char *name)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    snprintf(watch->name, sizeof(watch->name), "%s", name);
    watch->reason[0] = '\0';
    watch->reported_us = 0;
    pthread_mutex_unlock(&watch->mutex);
}

void lock_watch_last(struct lock_watch *watch, char *out_reason, size_t size)
{
    if (size)
        out_reason[0] = '\0';
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    snprintf(out_reason, size, "%s", watch->reason);
    pthread_mutex_unlock(&watch->mutex);
}
