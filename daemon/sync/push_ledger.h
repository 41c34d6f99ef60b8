/*
 * Push ledger: the row of this device on the primary, which names the last push that
 * arrived. It makes a push exactly once.
 *
 * A primary without the schema tidemark has no ledger: a push is then repeated until its
 * answer is known, and finds that what it brings is there already.
 */
#ifndef DAEMON_SYNC_PUSH_LEDGER_H
#define DAEMON_SYNC_PUSH_LEDGER_H

#include "lib/store/push_record.h"

struct database;
struct primary;

struct push_ledger {
    struct primary *primary;
    struct database *db;
    bool is_there;           /* as last seen; looked for again as long as it is not */
    int64_t clock_offset_us; /* the primary's clock minus ours, at the last move */
};

/*
 * Opens the transaction of a push and moves the ledger from the device's last push to
 * this one; registers the device first if the ledger does not have it. FAILED leaves no
 * transaction open. ERROR_CONFLICT: the ledger names a push that is not ours, or the
 * primary has gone back to a time before this device. No push may be in flight.
 */
MUST_CHECK enum outcome push_ledger_open(struct push_ledger *ledger,
                                         struct push_device *device, const char *push_id,
                                         struct error *err);

/* What became of a push whose answer was lost. */
enum push_fate {
    PUSH_ARRIVED,
    PUSH_DID_NOT_ARRIVE,
    PUSH_UNKNOWN, /* there was no ledger to tell */
};
/* ERROR_TRANSIENT: it does not say yet. ERROR_CONFLICT: it names a third one, or it was
 * lost since the push began. */
MUST_CHECK enum outcome push_ledger_ask(struct push_ledger *ledger,
                                        const struct push_device *device,
                                        const char *push_id, enum push_fate *out_fate,
                                        struct error *err);

#endif
