/*
 * Push history: rows that stand in each other's way, such as two that swapped a unique
 * value, are brought to the primary step by step, as they were changed here: SQLite held
 * the same constraints, so there is an order that fits.
 */
#ifndef DAEMON_SYNC_PUSH_HISTORY_H
#define DAEMON_SYNC_PUSH_HISTORY_H

#include "daemon/sync/push_part.h"
#include "lib/store/outbox.h"

struct database;

struct push_replay {
    struct push_context *context;
    struct database *db;
    const struct outbox_tables *tables;
    int64_t through; /* entries up to here belong to the push */
    enum push_frame *frame;
    struct push_ranges *ranges; /* the rows */
};

/* Rows that went in are taken out of the ranges. */
MUST_CHECK enum outcome push_history_replay(struct push_replay *replay,
                                            struct error *err);

#endif
