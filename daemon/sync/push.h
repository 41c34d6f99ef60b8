/*
 * Push: brings local changes to the primary, each exactly once.
 *
 *   push_resolve()  a push whose answer was lost: the ledger says whether it arrived
 *   push_run()      one push: everything through a boundary, in one transaction there
 *
 * The order of steps is what makes it exactly once:
 *   1. the ledger row moves from the last push to this one (and waits for an attempt of
 *      ours that the server still works on)
 *   2. rows are sent, outcomes read
 *   3. the cache records the push and every outcome that is not plain success, durably
 *   4. COMMIT
 *   5. the cache finishes: entries go, outcomes are filed
 * A crash before 3 leaves nothing behind on either side; after it the ledger decides.
 *
 * The cache's write lock is held in 3 and 5 only, never while waiting for the network.
 * Belongs to the worker thread.
 */
#ifndef DAEMON_SYNC_PUSH_H
#define DAEMON_SYNC_PUSH_H

#include "lib/store/cache.h"
#include "lib/store/outbox.h"

struct primary;
struct push;

struct push_request {
    const struct outbox_tables *tables; /* parents before children */
    int64_t through;                    /* a boundary between transactions */
};

/* What one push did. */
struct push_summary {
    int64_t rows;      /* that arrived as they are */
    int64_t rejected;  /* filed with their reason */
    int64_t conflicts; /* filed with what lost */
    int64_t refetched; /* to be read again */
    int64_t through;
};

MUST_CHECK enum outcome push_new(struct push **out_push, struct primary *primary,
                                 struct cache *cache, struct error *err);
void push_free(struct push *push); /* NULL is fine */

/*
 * Settles the push in flight, if there is one, before anything else is pushed or pulled.
 * OK: rows may have been put on tide_refetch. NOTHING: there is none.
 * ERROR_TRANSIENT: the server does not say yet. ERROR_CONFLICT: the ledger names a push
 * that is neither: the cache was copied or the primary restored; the message says which,
 * the hint what to do.
 */
MUST_CHECK enum outcome
push_resolve(struct push *push, const struct outbox_tables *tables, struct error *err);

/*
 * NOTHING: the outbox holds nothing up to there. ERROR_TRANSIENT: nothing happened, try
 * again. ERROR_SCHEMA: read the schema again first; at the third time in a row the rows
 * that it is about are rejected. ERROR_CONFLICT: as push_resolve().
 */
MUST_CHECK enum outcome push_run(struct push *push, const struct push_request *request,
                                 struct push_summary *out_summary, struct error *err);

/*
 * Changes of tables that the role may not write stay in the outbox, with those that
 * depend on them, and the others go on. Why, with the GRANT in the hint; NULL: nothing is
 * held back. Valid until the next push.
 */
const struct error *push_held(const struct push *push);
/* The next push tries them again. */
MUST_CHECK enum outcome push_release_held(struct push *push, struct error *err);

/* Another device from now on, unknown to every ledger: `tidemark resync` of everything
 * does it. Pending changes stay. */
MUST_CHECK enum outcome push_start_over(struct push *push, struct error *err);

#endif
