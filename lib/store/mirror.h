/*
 * Mirror: writes changes of one table into the cache.
 *
 * Everything runs inside the caller's transaction with the gate open. A unique index
 * never stops a change (mirror_room.h), and no change overwrites a local one that is
 * pending (mirror_merge.h).
 */
#ifndef LIB_STORE_MIRROR_H
#define LIB_STORE_MIRROR_H

#include "lib/db/statement.h"
#include "lib/model/table.h"
#include "lib/store/change_set.h"
#include "lib/store/row_list.h"

struct database;
struct mirror_merge;
struct outbox_tables;
struct pending;
struct pending_member;
struct pending_units;

struct mirror {
    struct database *db;
    const struct table *table; /* borrowed */
    char *physical_name;       /* table->name, or the private name of a copy */
    struct statement insert;   /* for copies */
    struct statement upsert;
    struct statement change; /* these two instead, beside triggers of applications */
    struct statement add;
    struct statement remove;
    struct statement text_key; /* these two where bytes are part of the key */
    struct statement respell;
    bool has_bytes_in_key;
    struct row_list present; /* CHANGE_PRESENT keys, while there are any */
    struct statement *evict; /* one for each unique index; prepared when first needed */
    struct value *key;       /* room for key_count values */
    bool has_evicted; /* in this round: keys on tide_refetch may be taken off again */

    /* beside pending changes */
    struct pending *pending; /* borrowed, and may change between two calls; NULL: nothing
                                is pending */
    struct pending_units *units;        /* borrowed; NULL: units of work do not matter */
    const struct outbox_tables *tables; /* borrowed, with units */
    struct mirror_merge *merge;         /* NULL until a pending row was met */
    bool has_parked;        /* local values are out of the table until the end of the
                               round: no commit may come in between */
    bool has_settled;       /* pending changes were filed, trimmed or dropped: the
                               transaction counts though no row was written */
    int64_t unsettled_rows; /* in this round: removed, to be read again */
};

struct mirror_counts {
    int64_t written; /* rows inserted or changed; unchanged ones do not count */
    int64_t deleted;
};

MUST_CHECK enum outcome mirror_init(struct mirror *mirror, struct database *db,
                                    const struct table *table, const char *physical_name,
                                    struct error *err);
void mirror_release(struct mirror *mirror); /* a zeroed one is fine */

/* Where the rows of a copy come from, all columns of each. NOTHING: there are no more.
 * May not use the cache. */
struct mirror_rows {
    enum outcome (*next)(void *context, const struct value **out_values,
                         struct error *err);
    void *context;
};

/* New rows of a copy: their keys must not be there yet. All of them, or none. */
MUST_CHECK enum outcome mirror_insert(struct mirror *mirror,
                                      const struct mirror_rows *rows, struct error *err);

MUST_CHECK enum outcome mirror_apply(struct mirror *mirror, const struct change *change,
                                     struct mirror_counts *counts, struct error *err);

/*
 * After the last change of the round: removes the live rows that CHANGE_PRESENT did not
 * list, if it listed any or if list_is_complete says that none is a complete list too;
 * and settles what was left open about pending rows.
 */
MUST_CHECK enum outcome mirror_finish(struct mirror *mirror, bool list_is_complete,
                                      struct mirror_counts *counts, struct error *err);

struct mirror_live {
    int64_t rows;       /* that are not tombstones */
    int64_t rows_there; /* that the primary should have: pending changes taken off */
    int64_t uncertain;  /* by so much the truth may differ, either way */
};
/* After mirror_finish(). */
MUST_CHECK enum outcome
mirror_count_live(struct mirror *mirror, struct mirror_live *out_live, struct error *err);

/* Tombstones older than `before`, a 27-character time; those with pending changes stay.
 * Only for tables with deleted_at. */
MUST_CHECK enum outcome mirror_purge_tombstones(struct mirror *mirror, const char *before,
                                                struct error *err);

/* A row whose unit of work was refused goes with it; it is read again. */
MUST_CHECK enum outcome mirror_reject_member(struct mirror *mirror,
                                             const struct pending_member *member,
                                             struct mirror_counts *counts,
                                             struct error *err);

/* Whether a local change of the row waits for its push. */
MUST_CHECK enum outcome mirror_has_pending(struct mirror *mirror, const struct value *key,
                                           bool *out_has, struct error *err);

/* Puts the key on tide_refetch. */
MUST_CHECK enum outcome mirror_refetch(struct mirror *mirror, const struct value *key,
                                       struct error *err);

#endif
