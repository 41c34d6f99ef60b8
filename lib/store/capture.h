/*
 * Capture: the triggers that write local changes to the outbox, and the live view, as
 * they stand in the cache's file, where any program may drop or change them.
 *
 * Belongs to the database's thread.
 */
#ifndef LIB_STORE_CAPTURE_H
#define LIB_STORE_CAPTURE_H

#include "lib/base/error.h"
#include "lib/model/table.h"

struct database;

/*
 * Makes the view and the triggers of a mirrored table anew, and gives it its number. In
 * the caller's transaction. Triggers that applications have on the table are made again
 * behind ours: SQLite fires the newest first, and ours must fire last, for they write to
 * the row a second time, which a full-text index must not see before the first.
 */
MUST_CHECK enum outcome capture_install(struct database *db, const struct table *table,
                                        struct error *err);

#endif
