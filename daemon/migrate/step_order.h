/*
 * Step order: steps, what must run before what, and an order that respects it.
 *
 * Of the steps that may run next the one of the smallest rank does. Steps that wait for
 * one another in a circle are stuck; they come at the end, by rank.
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_STEP_ORDER_H
#define DAEMON_MIGRATE_STEP_ORDER_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct step_edge {
    size_t first;
    size_t second;
};

struct step_state {
    uint64_t rank;
    size_t waits_for; /* how many that have not run */
    bool takes_part;
    bool done;
    bool stuck;
};

struct step_order {
    struct step_state *steps;
    size_t step_count;
    struct step_edge *edges;
    size_t edge_count;
    bool failed; /* out of memory */
    bool stuck;  /* after the run: there was a circle */
};

MUST_CHECK enum outcome step_order_init(struct step_order *order, size_t step_count,
                                        struct error *err);
void step_order_release(struct step_order *order); /* a zeroed one is fine */

void step_order_rank(struct step_order *order, size_t step, bool takes_part,
                     uint64_t rank);

/* Both take part. A step may not wait for itself: that is passed over. */
void step_order_add(struct step_order *order, size_t first, size_t second);

/* out_order has room for all steps. */
MUST_CHECK enum outcome step_order_run(struct step_order *order, size_t *out_order,
                                       size_t *out_count, struct error *err);

bool step_order_is_stuck(const struct step_order *order, size_t step);

#endif
