/*
 * Push part: one attempt to bring rows to the primary, all of them or none, under a
 * savepoint.
 *
 * Parts follow each other in one transaction: what a part wrote stays when a later one is
 * refused. Statements are pipelined: a part costs one round trip, two or three more when
 * rows must be looked at.
 */
#ifndef DAEMON_SYNC_PUSH_PART_H
#define DAEMON_SYNC_PUSH_PART_H

#include "daemon/sync/push_context.h"
#include "daemon/sync/push_frame.h"

/* Rows by ordinal, both included; rows that are set aside are passed over. */
struct push_range {
    int64_t from;
    int64_t to;
};

struct push_ranges {
    struct push_range *items;
    size_t count;
};
MUST_CHECK enum outcome push_ranges_add(struct push_ranges *ranges,
                                        struct push_range range, struct error *err);
void push_ranges_release(struct push_ranges *ranges); /* a zeroed one is fine */

/* Why a part was refused. */
struct push_complaint {
    struct primary_complaint words;
    struct push_range statement; /* the rows of the one that failed; from 0: not known */
    bool alone;                  /* the part was one statement only */
};
/* Whether other rows may have been in the way, so that it can help to try again later. */
bool push_complaint_may_pass(const struct push_complaint *complaint);

/* NOTHING: refused. Its rows' outcomes and refusals are those of before; else they have
 * been added to the context's. */
MUST_CHECK enum outcome push_part_run(struct push_context *context,
                                      enum push_frame *frame,
                                      const struct push_ranges *ranges,
                                      struct push_complaint *out_complaint,
                                      struct error *err);

#endif
