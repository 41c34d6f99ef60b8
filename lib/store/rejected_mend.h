/*
 * Rejected, mend: edits of rows that show a refused change still.
 *
 * Between a push that was refused and the round that reads the row again, the cache shows
 * what was refused, and an application may edit on from there. Its entry takes a value
 * for the old one that the primary never had: it would be a conflict where there is none,
 * or, of a row that was refused altogether, an edit of nothing. So the old value becomes
 * that of the refused change; a row that the primary never took is inserted; and one that
 * was made anew, where the primary refused to delete it, differs from what is still
 * there.
 *
 * In the caller's transaction, while no push is in flight. Belongs to the thread of the
 * database.
 */
#ifndef LIB_STORE_REJECTED_MEND_H
#define LIB_STORE_REJECTED_MEND_H

#include "lib/base/error.h"

struct database;
struct outbox_tables;
struct pending;

/* NOTHING: there is no such row, edited or not. Only reads. */
MUST_CHECK enum outcome rejected_mend_is_needed(struct database *db, struct error *err);

/* pending: refreshed in this transaction, with these tables. */
MUST_CHECK enum outcome rejected_mend(struct database *db, struct pending *pending,
                                      const struct outbox_tables *tables,
                                      struct error *err);

#endif
