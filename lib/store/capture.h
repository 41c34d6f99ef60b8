/*
 * Capture: the triggers that write local changes to the outbox, and the live view, as
 * they stand in the cache's file, where any program may drop or change them.
 *
 * Belongs to the database's thread.
 */
#ifndef LIB_STORE_CAPTURE_H
#define LIB_STORE_CAPTURE_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/model/table.h"

#include <stdint.h>

struct database;

/*
 * Makes the view and the triggers of a mirrored table anew, and gives it its number. In
 * the caller's transaction. Triggers that applications have on the table are made again
 * behind ours: SQLite fires the newest first, and ours must fire last, for they write to
 * the row a second time, which a full-text index must not see before the first.
 */
MUST_CHECK enum outcome capture_install(struct database *db, const struct table *table,
                                        struct error *err);

/*
 * Puts back what somebody dropped or changed: the view and the triggers of the given
 * tables (those that applications can see, in the shape they have in the cache), and
 * their order. Also takes the triggers off our own tables that an application put there.
 * Outside a transaction; writes only when there is something to mend.
 *
 * inout_version is the version of the file's schema that was looked at last, 0 at first:
 * while it stands there is nothing to do. OK: something was mended, and out_mended tells
 * what, in lines. NOTHING: all was well.
 */
MUST_CHECK enum outcome capture_check(struct database *db,
                                      const struct table *const *tables, size_t count,
                                      int64_t *inout_version, struct buffer *out_mended,
                                      struct error *err);

#endif
