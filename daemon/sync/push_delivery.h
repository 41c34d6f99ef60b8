/*
 * Push delivery: brings all staged rows to the primary, inside the transaction of a push,
 * and finds out which of them it does not take.
 *
 * What goes in at once goes in at once. A part that is refused is undone and cut in two,
 * until the row to blame stands alone; a savepoint for each row would be too many for the
 * primary. Parts that other rows may stand in the way of (unique values, parents) are put
 * off until everything else is in, and as a last resort their changes are repeated in the
 * order in which they were made.
 */
#ifndef DAEMON_SYNC_PUSH_DELIVERY_H
#define DAEMON_SYNC_PUSH_DELIVERY_H

#include "daemon/sync/push_context.h"
#include "lib/store/outbox.h"

struct push_delivery {
    struct push_context *context;
    struct database *db; /* for the history of rows */
    const struct outbox_tables *tables;
    int64_t row_count; /* ordinals 1 to here */
    int64_t through;
};

/*
 * At the end rows that were refused, and what depends on them, are set aside in the
 * staging, and the transaction holds all others. NOTHING, while the context isolates
 * rows: some are refused for a reason that should pass. Then the context's refusals name
 * them, and the transaction is to be rolled back. ERROR_AUTH with the context's
 * `lacking`: a right is missing for that table.
 */
MUST_CHECK enum outcome push_deliver(const struct push_delivery *delivery,
                                     struct error *err);

#endif
