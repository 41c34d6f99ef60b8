/*
 * Primary transaction: the pinned settings of a session or a transaction, and
 * a transaction that only reads.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_TRANSACTION_H
#define DAEMON_PRIMARY_PRIMARY_TRANSACTION_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#include <stdbool.h>

struct primary;

/* Right after connecting; does nothing behind a transaction pooler. */
MUST_CHECK enum outcome primary_pin_session(struct primary *primary, struct error *err);

/*
 * What must follow BEGIN on this connection before anything else, as statements with
 * their semicolons: the pins behind a transaction pooler, the lock time-out, the role.
 * May be "".
 */
void primary_append_transaction_pins(const struct primary *primary, struct buffer *sql);

/* BEGIN … READ ONLY with one snapshot for all, and its end. Ending never fails: it rolls
 * back. */
MUST_CHECK enum outcome primary_begin_reading(struct primary *primary, struct error *err);
void primary_end_reading(struct primary *primary);

/*
 * COMMIT. FAILED too when the server answers that it rolled back, as it does for a
 * transaction in which something failed before. No transaction is open afterwards.
 */
MUST_CHECK enum outcome primary_commit(struct primary *primary, struct error *err);

/*
 * After a COMMIT that failed: whether nothing of the transaction is there, for certain.
 * Only the server's own clear no is: the answer ROLLBACK, or an error that ends neither
 * the session nor says that it does not know either. Otherwise it may have committed:
 * the answer was lost, is not understood, or could not be kept for want of memory.
 */
bool primary_refused_commit(const struct primary *primary);

#endif
