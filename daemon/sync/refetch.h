/*
 * Refetch: rows that a round reads again by their key, from the list tide_refetch.
 *
 * A key may be one that the primary cannot even read ('not-a-uuid', a NUL byte): of a row
 * that was written here and refused there. No such row is on the primary, so it counts as
 * absent; to find it, fewer keys are asked for after each failure until it stands alone.
 * Nor is one there that the primary answers under another spelling (a UUID in upper
 * case): its own row comes, and the one here goes, once no local change of it waits.
 * Belongs to the worker thread.
 */
#ifndef DAEMON_SYNC_REFETCH_H
#define DAEMON_SYNC_REFETCH_H

#include "daemon/sync/pull.h"

/* Takes keys of the plan's table from the list, as many as are to be tried at once. */
MUST_CHECK enum outcome refetch_take(struct pull *pull, struct pull_plan *plan,
                                     struct error *err);

/* One text[] for each column of the key, of those that can be sent: malloc'ed texts,
 * written into out_texts (key_count of them). */
MUST_CHECK enum outcome refetch_params(const struct pull_plan *plan, char **out_texts,
                                       struct error *err);

/* A row has come, as the change set has it: its key is answered. */
void refetch_note(struct pull_plan *plan, const struct change *change);

/* Adds the keys that are not on the primary under this spelling to the change set, as
 * unknown there. */
MUST_CHECK enum outcome refetch_add_absent(struct pull *pull, size_t plan_number,
                                           struct error *err);

/* Whether the failure of the last pull_receive() was a key's: then fewer are taken the
 * next time, which may be at once. */
bool refetch_narrow(struct pull *pull, const struct error *err);

/* The plan's keys were read: more are taken the next time. */
void refetch_widen(struct followed_table *followed);

#endif
