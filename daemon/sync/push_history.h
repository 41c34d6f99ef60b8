/*
 * Push history: what was done to a few rows, step by step: their entries in the outbox,
 * and the values that each step left behind (the next step's old ones, or those that are
 * staged).
 *
 * Held in memory, up to PUSH_HISTORY_STEPS.
 */
#ifndef DAEMON_SYNC_PUSH_HISTORY_H
#define DAEMON_SYNC_PUSH_HISTORY_H

#include "daemon/sync/push_part.h"
#include "lib/store/outbox.h"

#define PUSH_HISTORY_STEPS ((size_t)100000)

struct database;

struct push_history_row {
    const struct table *table;
    char *row_key;
    int64_t ordinal;
    size_t step_count;
    bool excluded; /* its steps are passed over */
};

struct push_history_step {
    size_t row;
    enum outbox_operation operation;
    struct change_base base;
};

struct push_history {
    struct push_history_row *rows; /* by table and key */
    size_t row_count;
    struct push_history_step *steps; /* in the order of the outbox */
    size_t step_count;
};

struct push_history_source {
    struct push_context *context;
    struct database *db;
    const struct outbox_tables *tables;
    int64_t through; /* entries up to here belong to the push */
    const struct push_ranges *ranges;
};

/* NOTHING: no row was changed more than once, or there are too many steps. */
MUST_CHECK enum outcome push_history_read(struct push_history *history,
                                          const struct push_history_source *source,
                                          struct error *err);
void push_history_release(struct push_history *history); /* a zeroed one is fine */

/* The columns that a step is about, with their values before and after it. */
struct push_step_values {
    size_t *columns;
    size_t count;
    struct staged_value *values;
    struct buffer *bytes; /* what the values point into: two for each */
};
/* NOTHING: a value is not known. */
MUST_CHECK enum outcome push_history_values(const struct push_history *history,
                                            struct push_context *context, size_t step,
                                            struct push_step_values *out_values,
                                            struct error *err);
void push_step_values_release(struct push_step_values *values); /* zeroed is fine */

#endif
