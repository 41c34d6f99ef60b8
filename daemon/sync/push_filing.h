/*
 * Push filing: what a push found out, into the cache before the primary commits: rejected
 * changes, conflicts, rows to be read again, and the record of the push.
 */
#ifndef DAEMON_SYNC_PUSH_FILING_H
#define DAEMON_SYNC_PUSH_FILING_H

#include "daemon/sync/push.h"
#include "daemon/sync/push_context.h"
#include "lib/store/push_record.h"

struct push_filing {
    struct push_context *context;
    struct database *db;
    const struct push_in_flight *push;
    int64_t row_count; /* staged */
};

/* One transaction, durable when this returns. Counts what it files. */
MUST_CHECK enum outcome push_file(const struct push_filing *filing,
                                  struct push_summary *out_summary, struct error *err);

#endif
