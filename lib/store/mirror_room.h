/*
 * Mirror room: writes a row although other rows hold its unique values.
 *
 *   in the way                             what becomes of it
 *   a clean row                            removed and read again: it changed there too
 *   a pending insert, or a pending update  rejected with 23505 and read again
 *   of a column of that index
 *   a pending update of other columns      parked until its own version arrives
 *   and the row itself holds a local       its local values are rejected with 23505, the
 *   value in that index                    primary's are written
 */
#ifndef LIB_STORE_MIRROR_ROOM_H
#define LIB_STORE_MIRROR_ROOM_H

#include "lib/store/mirror.h"

struct pending_change;

struct incoming_row {
    const struct value *values; /* to be written */
    /* only when local values are among them */
    const struct value *remote;
    const struct value *local;
    const bool *dirty; /* by column index: the value is a local one */
    const struct pending_change *change;
};

MUST_CHECK enum outcome mirror_room_write(struct mirror *mirror,
                                          const struct incoming_row *row,
                                          struct mirror_counts *counts,
                                          struct error *err);

/* A local change gives way to what the primary holds: rejected, and its row leaves the
 * table or the parked ones, to be read again. */
MUST_CHECK enum outcome mirror_room_reject(struct mirror *mirror, const struct value *row,
                                           const struct table_index *index,
                                           struct mirror_counts *counts,
                                           struct error *err);

#endif
