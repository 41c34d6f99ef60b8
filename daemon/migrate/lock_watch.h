/*
 * Lock watch: says who holds the lock that a migration waits for.
 *
 * A session that waits cannot ask, so a second connection asks for it, in a thread of its
 * own, twice a second. Only what it tells depends on it: without it the migration runs
 * all the same.
 */
#ifndef DAEMON_MIGRATE_LOCK_WATCH_H
#define DAEMON_MIGRATE_LOCK_WATCH_H

#include "daemon/primary/primary.h"

#include <stddef.h>

struct lock_watch;

/* Who stands in the way of `name`. report is called in the watch's thread, once for each
 * holder and every ten seconds. */
struct lock_watch_listener {
    void *context;
    void (*report)(void *context, const char *name, const char *reason); /* may be NULL */
};

/* Watches the session with that process id. NULL: no memory, or no thread. */
struct lock_watch *lock_watch_start(const struct primary_config *config, int pid,
                                    struct lock_watch_listener listener);
void lock_watch_stop(struct lock_watch *watch); /* NULL is fine */

/* What is run from now on; forgets who held the last one up. NULL watch is fine. */
void lock_watch_name(struct lock_watch *watch, const char *name);

/* The last holder since then, as a sentence; "" when none was seen. */
void lock_watch_last(struct lock_watch *watch, char *out_reason, size_t size);

#endif
