/*
 * Snapshot: the first full copy of a table, under a private name.
 *
 * Rows are streamed in key order and committed in chunks together with the last key, so
 * that an interrupted copy goes on where it was. The cursor is the snapshot taken before
 * the first row was read: the first delta brings what moved meanwhile. Memory stays flat;
 * the cache's write lock is held only while a chunk that has already arrived is inserted.
 * Belongs to the worker thread.
 */
#ifndef DAEMON_SYNC_SNAPSHOT_H
#define DAEMON_SYNC_SNAPSHOT_H

#include "daemon/sync/followed_table.h"
#include "lib/store/cache.h"

struct primary;

struct snapshot_observer {
    void *context;
    /* After each committed chunk. FAILED stops the copy with that error (it goes on
     * later). */
    enum outcome (*chunk_committed)(void *context, const struct followed_table *followed,
                                    struct error *err);
};

struct snapshot {
    struct primary
        *primary; /* a link of its own: rounds of other tables go on meanwhile */
    struct cache *cache;
    const char *const *schema_names;
    const struct followed_set *followed;
    const char *expected_digest; /* of the catalog; another one is ERROR_SCHEMA */
    struct snapshot_observer observer;
};

/*
 * Copies one table until followed->copy is complete, with its indexes. A unique index
 * that the moving rows break is left to the round that makes the copy whole.
 */
MUST_CHECK enum outcome snapshot_table(struct snapshot *snapshot,
                                       struct followed_table *followed,
                                       struct error *err);

/* Drops a copy and what the cache remembers of it. */
MUST_CHECK enum outcome
snapshot_forget(struct cache *cache, struct followed_table *followed, struct error *err);

#endif
