/*
 * Rejected entries: takes all entries of a rejected row out of the outbox, also those
 * that were captured while the push was under way, and keeps with the rejected change
 * what the row holds now. For push_record.c.
 *
 * Runs in the caller's transaction.
 */
#ifndef LIB_STORE_REJECTED_ENTRIES_H
#define LIB_STORE_REJECTED_ENTRIES_H

#include "lib/store/outbox.h"

struct rejected_entries;

MUST_CHECK enum outcome rejected_entries_new(struct rejected_entries **out_entries,
                                             struct database *db,
                                             const struct outbox_tables *tables,
                                             struct error *err);
void rejected_entries_free(struct rejected_entries *entries); /* NULL is fine */

/* A row that is no change any more (undone, or inserted and deleted) keeps the values
 * that were refused. A table that is not mirrored any more is left alone. */
MUST_CHECK enum outcome rejected_entries_take(struct rejected_entries *entries,
                                              int64_t rejected_id, const char *table_name,
                                              const char *row_key, struct error *err);

#endif
