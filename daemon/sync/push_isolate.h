/*
 * Push isolate: finds the rows that fail a push again and again with what should pass by
 * itself (classes 40, 57, 58: a trigger may raise them for one row, for ever), and sets
 * them aside, so that the others arrive.
 *
 * A row is to blame when it fails alone: found by halving first, then tried several times
 * with a pause between, by itself, while the push holds no other lock. One that gets
 * through only once is not to blame. One that cannot stand alone (its parent is part of
 * the push) is to blame when halving has found it several pushes in a row.
 */
#ifndef DAEMON_SYNC_PUSH_ISOLATE_H
#define DAEMON_SYNC_PUSH_ISOLATE_H

#include "daemon/sync/push_delivery.h"
#include "daemon/sync/push_ledger.h"

/* So many attempts in a row must have failed first. */
#define PUSH_PATIENCE 5
/* So many for a row that cannot stand alone. More need not be counted. */
#define PUSH_PATIENCE_WITH_DEPENDANTS (PUSH_PATIENCE + 3)

struct push_isolation {
    const struct push_delivery *delivery;
    struct push_ledger *ledger;
    struct push_device *device;
    const char *push_id;
};

/* Outside a transaction, and leaves none behind. OK too when no row is to blame. */
MUST_CHECK enum outcome push_isolate(const struct push_isolation *isolation,
                                     struct error *err);

#endif
