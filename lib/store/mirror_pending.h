/*
 * Mirror pending: what concerns all rows of a table at once, done so that no pending
 * change is lost by it. Used by the files of the mirror alone.
 */
#ifndef LIB_STORE_MIRROR_PENDING_H
#define LIB_STORE_MIRROR_PENDING_H

#include "lib/store/mirror.h"
#include "lib/store/row_list.h"

/* Every row of the table that is pending goes on the list of keys. */
MUST_CHECK enum outcome mirror_pending_keep(struct mirror *mirror, struct row_list *list,
                                            struct error *err);

/* The primary emptied the table: clean rows go, pending ones are said to be gone. */
MUST_CHECK enum outcome mirror_pending_truncate(struct mirror *mirror,
                                                struct mirror_counts *counts,
                                                struct error *err);

/* Pending rows that are not on the complete list of keys are said to be gone; all pending
 * ones are on it afterwards. */
MUST_CHECK enum outcome mirror_pending_absent(struct mirror *mirror,
                                              struct row_list *list, struct error *err);

/* By how many live rows pending changes make us differ from the primary, as far as can be
 * told, and how many rows are pending. */
MUST_CHECK enum outcome mirror_pending_count(struct mirror *mirror, int64_t *out_surplus,
                                             int64_t *out_rows, struct error *err);

#endif
