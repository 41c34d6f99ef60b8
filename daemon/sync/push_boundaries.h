/*
 * Push boundaries: places in the outbox between two transactions of applications, where
 * a backlog may be cut.
 *
 * Every last sequence ever seen is such a place, and no other is known to be one: what
 * was written between two looks stays together. The list is thinned out, so that it is
 * small for a backlog of any length. Pure.
 */
#ifndef DAEMON_SYNC_PUSH_BOUNDARIES_H
#define DAEMON_SYNC_PUSH_BOUNDARIES_H

#include <stddef.h>
#include <stdint.h>

#define PUSH_BOUNDARIES_LIMIT ((size_t)512)

struct push_boundaries {
    int64_t sequences[PUSH_BOUNDARIES_LIMIT]; /* rising */
    size_t count;
    int64_t spacing; /* closer ones are not kept */
};

/* A last sequence that was seen now. batch: how many entries shall go in one push. */
void push_boundaries_add(struct push_boundaries *boundaries, int64_t sequence,
                         int64_t batch);

/* Where a push that starts with the entry `first` ends: about `batch` entries on, or at
 * the next boundary if that is farther; 0: no boundary is known there. */
int64_t push_boundaries_after(const struct push_boundaries *boundaries, int64_t first,
                              int64_t batch);

/* Entries up to there are gone. */
void push_boundaries_forget(struct push_boundaries *boundaries, int64_t through);

#endif
