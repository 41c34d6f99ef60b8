/*
 * Push replay: rows that stand in each other's way, such as two that swapped a unique
 * value, are brought to the primary step by step, as they were changed here: SQLite held
 * the same constraints, so there is an order that fits.
 */
#ifndef DAEMON_SYNC_PUSH_REPLAY_H
#define DAEMON_SYNC_PUSH_REPLAY_H

#include "daemon/sync/push_history.h"

/* Rows that went in are taken out of the ranges, which the source names. */
MUST_CHECK enum outcome push_replay(const struct push_history_source *source,
                                    enum push_frame *frame, struct push_ranges *ranges,
                                    struct error *err);

#endif
