/*
 * Push rights: whether a refusal for a missing right (42501) is about the whole table,
 * and not about a row that a policy does not let pass: the role was not granted what the
 * push needs. Then nothing is wrong with any row, and the table's changes wait for the
 * grant.
 */
#ifndef DAEMON_SYNC_PUSH_RIGHTS_H
#define DAEMON_SYNC_PUSH_RIGHTS_H

#include "daemon/sync/push_context.h"

/*
 * Asks the primary about the row's table, in a transaction that can be asked. looked: the
 * refusal came while rows were looked at. OK: nothing is missing. FAILED with ERROR_AUTH:
 * something is, the context's `lacking` says of which table, and the hint has the GRANT.
 */
MUST_CHECK enum outcome push_rights_check(struct push_context *context, int64_t ordinal,
                                          bool looked, struct error *err);

#endif
