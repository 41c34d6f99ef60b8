/*
 * Resolution: what a person decided about a rejected change or a conflict.
 *
 * Trying again writes the kept values into the mirrored table as an application would,
 * with the gate closed: the triggers capture them anew, with the primary's values of now
 * as their base. Needs neither daemon nor primary. Each function is one transaction.
 */
#ifndef LIB_STORE_RESOLUTION_H
#define LIB_STORE_RESOLUTION_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct database;

/*
 * The rejected change and all that go with it: its unit of work, the changes that it held
 * back, the change that held it back. In the order in which they were made. Caller frees
 * with resolution_ids_free().
 * ERROR_INVALID: there is no such rejected change. id 0: all there are, of all groups.
 */
MUST_CHECK enum outcome resolution_group(struct database *db, int64_t id,
                                         int64_t **out_ids, size_t *out_count,
                                         struct error *err);
void resolution_ids_free(int64_t **ids); /* for OWNED() */

/*
 * Puts the whole group back into the outbox. ERROR_REJECTED, and nothing changed: the
 * cache does not take the values any more, or does not yet because a row of it waits to
 * be read again, or a row of its unit of work still waits in the outbox to be refused
 * with it; the message says which and why.
 */
MUST_CHECK enum outcome resolution_retry(struct database *db, const int64_t *ids,
                                         size_t count, struct error *err);

/* Forgets them. The cache shows the primary's values already. ERROR_REJECTED, and nothing
 * changed: a row of their unit of work still waits in the outbox to be refused too. */
MUST_CHECK enum outcome resolution_discard(struct database *db, const int64_t *ids,
                                           size_t count, struct error *err);

/*
 * The local values that lost become a new local change. ERROR_INVALID: no such conflict,
 * or the local side won; ERROR_REJECTED: the row is gone, does not take them, or
 * waits to be read again.
 */
MUST_CHECK enum outcome resolution_keep_mine(struct database *db, int64_t conflict_id,
                                             struct error *err);

/* The primary's values stay: the conflict waits for nobody any more. */
MUST_CHECK enum outcome resolution_keep_theirs(struct database *db, int64_t conflict_id,
                                               struct error *err);

#endif
