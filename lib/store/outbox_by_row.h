/*
 * Outbox by row: all entries of known tables, sorted by table and canonical key, each
 * row's in the order of capture.
 *
 * SQLite sorts them, in as much memory as the page cache may have and else in a file.
 * Nothing may be changed between the first entry and the last. Must not move once it was
 * initialized. Belongs to the thread of the database.
 */
#ifndef LIB_STORE_OUTBOX_BY_ROW_H
#define LIB_STORE_OUTBOX_BY_ROW_H

#include "lib/db/text_function.h"
#include "lib/store/outbox.h"

struct outbox_by_row {
    struct statement query;
    const struct outbox_tables *tables; /* borrowed */
    struct text_function sort_key;
    struct buffer bytes;
    struct error malformed; /* of kind 0 unless a key was */
};

MUST_CHECK enum outcome outbox_by_row_init(struct outbox_by_row *reader,
                                           struct database *db,
                                           const struct outbox_tables *tables,
                                           struct error *err);
/* out_entry is released first; its key is canonical. NOTHING after the last. */
MUST_CHECK enum outcome outbox_by_row_next(struct outbox_by_row *reader,
                                           struct outbox_entry *out_entry,
                                           struct error *err);
void outbox_by_row_release(struct outbox_by_row *reader); /* a zeroed one is fine */

#endif
