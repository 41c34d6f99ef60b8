#include "daemon/sync/cache_watch.h"

#include "daemon/observe/log.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/store/cache.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

/* From the write of a commit until it can be seen: a flush of a slow disk. */
#define PATIENCE_FIRST_US (1 * US_PER_MS)
#define PATIENCE_LAST_US (512 * US_PER_MS)
/* Without events. */
#define PATIENCE_BLIND_US (250 * US_PER_MS)

struct cache_watch {
    const struct cache *cache;
    int also_fd;
    int epoll_fd;
    int inotify_fd; /* -1: there are no events */
    char *folder;
    char *wal_path;
    const char *wal_name; /* within wal_path */
    int wal_watch;        /* -1: there is no such file now */
    int64_t patience_us;
    int64_t data_version; /* -1: not looked yet */
};

/* SQLite puts the WAL beside the file itself, not beside a link to it. */
static enum outcome find_wal(struct cache_watch *watch, struct error *err)
{
    const char *path = watch->cache->db->path;
    OWNED(text_free) char *real = realpath(path, NULL);
    const char *slash = real ? strrchr(real, '/') : NULL;

    if (!slash)
        return error_set_errno(err, "find %s", path);
    if (asprintf(&watch->wal_path, "%s-wal", real) < 0) {
        watch->wal_path = NULL;
        return error_out_of_memory(err);
    }
    watch->wal_name = watch->wal_path + (slash - real) + 1;
    watch->folder = slash == real ? strdup("/") : strndup(real, (size_t)(slash - real));
    return watch->folder ? OK : error_out_of_memory(err);
}

static void watch_wal(struct cache_watch *watch)
{
    watch->wal_watch = inotify_add_watch(watch->inotify_fd, watch->wal_path, IN_MODIFY);
}

static enum outcome add(struct cache_watch *watch, int fd, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (fd >= 0 && epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return error_set_errno(err, "watch a descriptor");
    return OK;
}

/* The folder tells when the WAL is made anew. */
static enum outcome start_events(struct cache_watch *watch, struct error *err)
{
    watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->inotify_fd < 0 ||
        inotify_add_watch(watch->inotify_fd, watch->folder,
                          IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
        return error_set_errno(err, "watch %s", watch->folder);
    watch_wal(watch);
    return add(watch, watch->inotify_fd, err);
}

static void stop_events(struct cache_watch *watch)
{
    if (watch->inotify_fd >= 0)
        close(watch->inotify_fd);
    watch->inotify_fd = -1;
}

enum outcome cache_watch_new(struct cache_watch **out_watch, const struct cache *cache,
                             int also_fd, struct error *err)
{
    struct cache_watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return error_out_of_memory(err);
    *watch = (struct cache_watch){.cache = cache,
                                  .also_fd = also_fd,
                                  .inotify_fd = -1,
                                  .wal_watch = -1,
                                  .data_version = -1};
    watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (watch->epoll_fd < 0) {
        error_set_errno(err, "watch the cache");
    } else if (find_wal(watch, err) == OK && add(watch, also_fd, err) == OK) {
        if (start_events(watch, err) == FAILED) {
            log_outcome(err, "looking for local changes every now and then");
            stop_events(watch);
        }
        *out_watch = watch;
        return OK;
    }
    cache_watch_free(watch);
    return FAILED;
}

void cache_watch_free(struct cache_watch *watch)
{
    if (!watch)
        return;
    stop_events(watch);
    if (watch->epoll_fd >= 0)
        close(watch->epoll_fd);
    free(watch->folder);
    free(watch->wal_path);
    free(watch);
}

int cache_watch_descriptor(const struct cache_watch *watch)
{
    return watch->epoll_fd;
}

bool cache_watch_is_called(const struct cache_watch *watch)
{
    struct pollfd called = {.fd = watch->also_fd, .events = POLLIN};

    return poll(&called, 1, 0) > 0;
}

/* ---- events ---- */

static bool concerns_wal(struct cache_watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    if (event->wd == watch->wal_watch) {
        if (event->mask & IN_IGNORED) /* the file is gone */
            watch->wal_watch = -1;
        return true;
    }
    if (!event->len || strcmp(event->name, watch->wal_name) != 0)
        return false;
    watch_wal(watch);
    return true;
}

static bool take_events(struct cache_watch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    bool any = false;
    ssize_t size;

    while (watch->inotify_fd >= 0 &&
           (size = read(watch->inotify_fd, events, sizeof(events))) > 0) {
        for (const char *at = events; at < events + size;) {
            const struct inotify_event *event = (const struct inotify_event *)at;

            any = concerns_wal(watch, event) || any;
            at += sizeof(*event) + event->len;
        }
    }
    return any;
}

/* ---- looking ---- */

static void grow_patience(struct cache_watch *watch, bool stirred)
{
    if (stirred)
        watch->patience_us = PATIENCE_FIRST_US;
    else if (watch->patience_us > 0)
        watch->patience_us =
            watch->patience_us < PATIENCE_LAST_US ? watch->patience_us * 2 : 0;
}

enum outcome cache_watch_look(struct cache_watch *watch, struct error *err)
{
    /* first: a commit after this look must leave an event behind */
    bool stirred = take_events(watch);
    int64_t version = 0;

    if (database_query_int(watch->cache->db, "see who committed", "pragma data_version",
                           &version, err) != OK)
        return FAILED;
    grow_patience(watch, stirred);
    if (version == watch->data_version)
        return NOTHING;
    watch->data_version = version;
    return OK;
}

int64_t cache_watch_patience_us(const struct cache_watch *watch)
{
    if (watch->patience_us > 0)
        return watch->patience_us;
    return watch->inotify_fd < 0 || watch->wal_watch < 0 ? PATIENCE_BLIND_US : INT64_MAX;
}
