/*
 * Mirror merge: what the primary says about rows that were changed here too and not
 * pushed yet.
 *
 *   pending    the primary has the row          the primary says it is gone
 *   insert     left alone: the push decides     left alone
 *   delete     left alone                       they agree: nothing is pending any more
 *   update     edited columns stay, all others  the deletion stands and the edit is kept
 *              take the primary's value         as a conflict; client_wins: it becomes an
 *                                               insert
 *
 * That a row is gone is believed at the end of a cut only: a row that is deleted and made
 * anew, or truncated and loaded again, arrives later in the same one. For as long, a row
 * that had to leave the table for another's unique value is parked beside it.
 *
 * Used by the files of the mirror alone.
 */
#ifndef LIB_STORE_MIRROR_MERGE_H
#define LIB_STORE_MIRROR_MERGE_H

#include "lib/store/mirror.h"
#include "lib/store/pending_filing.h"
#include "lib/store/row_list.h"

/* Made with the first row that needs it. */
struct mirror_merge {
    struct statement by_key;
    struct statement *holders; /* one for each index */
    struct row_list doubted;   /* keys that the primary said are gone */
    struct row_list parked;    /* rows that made room, with their local values */
    /* room for one row each */
    struct value *local;
    struct value *merged;
    struct value *holder;
    bool *dirty;
    bool *holder_dirty;
};

void mirror_merge_free(struct mirror_merge *merge, const struct table *table);

MUST_CHECK enum outcome mirror_merge_prepare(struct mirror *mirror, struct error *err);

/* Also what comes before a row is doubted or parked; not while a statement stands on a
 * row. */
MUST_CHECK enum outcome mirror_merge_make_lists(struct mirror *mirror, struct error *err);

MUST_CHECK enum outcome mirror_merge_row(struct mirror *mirror,
                                         const struct value *values,
                                         struct mirror_counts *counts, struct error *err);
/* A row is gone; removed at once when nothing is pending for it. */
MUST_CHECK enum outcome mirror_merge_gone(struct mirror *mirror, const struct value *key,
                                          struct mirror_counts *counts,
                                          struct error *err);

/* The end of the cut: what was said to be gone is, what is parked found no place. */
MUST_CHECK enum outcome mirror_merge_finish(struct mirror *mirror,
                                            struct mirror_counts *counts,
                                            struct error *err);

/*
 * The row as it is here, in the table or parked beside it, into merge->local. Valid until
 * mirror_merge_forget_local().
 */
MUST_CHECK enum outcome mirror_merge_find_local(struct mirror *mirror,
                                                const struct value *key, bool *out_parked,
                                                struct error *err);
void mirror_merge_forget_local(struct mirror *mirror);

#endif
