/*
 * Push decide: what becomes of rows that a push sent and the primary did not write.
 *
 * Each is looked at there, locked, and decided: equal already, merged, a conflict, gone,
 * or not to be had. What is to be written after all is written by a second statement.
 * Outcomes are taken down in the context.
 */
#ifndef DAEMON_SYNC_PUSH_DECIDE_H
#define DAEMON_SYNC_PUSH_DECIDE_H

#include "daemon/sync/push_context.h"
#include "daemon/sync/push_statement.h"

/*
 * `missed` is sorted. FAILED with a refusal (push_is_refusal()): a row among those of the
 * part is to blame, the transaction waits for a roll-back to the savepoint.
 */
MUST_CHECK enum outcome push_decide(struct push_context *context,
                                    const struct push_ordinals *missed,
                                    struct error *err);

#endif
