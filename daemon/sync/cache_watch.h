/*
 * Cache watch: notices that another program has committed to the cache.
 *
 * inotify on the WAL tells that something was written, PRAGMA data_version whether it is
 * a commit of another connection. A commit becomes visible only after its last write
 * (with synchronous=FULL after a flush of the disk): who was stirred and sees no commit
 * looks again a little later, without another event. Where inotify is not to be had,
 * looking every now and then is all there is.
 *
 * Belongs to the thread of the cache.
 */
#ifndef DAEMON_SYNC_CACHE_WATCH_H
#define DAEMON_SYNC_CACHE_WATCH_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;
struct cache_watch;

/* The cache is borrowed. also_fd: another descriptor that ends the same waits, borrowed.
 */
MUST_CHECK enum outcome cache_watch_new(struct cache_watch **out_watch,
                                        const struct cache *cache, int also_fd,
                                        struct error *err);
void cache_watch_free(struct cache_watch *watch); /* NULL is fine */

/* Readable when the WAL was written to since the last look, or also_fd is. */
int cache_watch_descriptor(const struct cache_watch *watch);

/* Whether also_fd is readable. */
bool cache_watch_is_called(const struct cache_watch *watch);

/* OK: another connection has committed since the last look (the first look says so too).
 * NOTHING: none has. */
MUST_CHECK enum outcome cache_watch_look(struct cache_watch *watch, struct error *err);

/* How long to wait at most until the next look: short after a write whose commit was not
 * seen yet; INT64_MAX when an event will tell. */
int64_t cache_watch_patience_us(const struct cache_watch *watch);

#endif
