/*
 * Mirror: writes changes of one table into the cache.
 *
 * Everything runs inside the caller's transaction with the gate open. A unique index
 * never stops a change: a row that stands in its way has changed on the primary too, so
 * it is removed and its key put on tide_refetch.
 */
#ifndef LIB_STORE_MIRROR_H
#define LIB_STORE_MIRROR_H

#include "lib/db/statement.h"
#include "lib/model/table.h"
#include "lib/store/change_set.h"

struct database;

struct mirror {
    struct database *db;
    const struct table *table; /* borrowed */
    char *physical_name;       /* table->name, or the private name of a copy */
    struct statement insert;   /* for copies */
    struct statement upsert;
    struct statement remove;
    struct statement present; /* adds to the list of keys, while `listing` */
    struct statement *evict;  /* one for each unique index; prepared when first needed */
    bool has_evicted;  /* in this transaction: keys on tide_refetch may be taken off again
                        */
    bool listing;      /* CHANGE_PRESENT keys are being collected */
    struct value *key; /* room for key_count values */
};

struct mirror_counts {
    int64_t written; /* rows inserted or changed; unchanged ones do not count */
    int64_t deleted;
};

MUST_CHECK enum outcome mirror_init(struct mirror *mirror, struct database *db,
                                    const struct table *table, const char *physical_name,
                                    struct error *err);
void mirror_release(struct mirror *mirror); /* a zeroed one is fine */

/* A new row of a copy: its key must not be there yet. */
MUST_CHECK enum outcome mirror_insert(struct mirror *mirror, const struct value *values,
                                      struct error *err);

MUST_CHECK enum outcome mirror_apply(struct mirror *mirror, const struct change *change,
                                     struct mirror_counts *counts, struct error *err);

/*
 * After the last change of the transaction: removes the live rows that CHANGE_PRESENT did
 * not list, if it listed any or if list_is_complete says that none is a complete list
 * too.
 */
MUST_CHECK enum outcome mirror_finish(struct mirror *mirror, bool list_is_complete,
                                      struct mirror_counts *counts, struct error *err);

/* Rows that are not tombstones. */
MUST_CHECK enum outcome mirror_count_live(struct mirror *mirror, int64_t *out_count,
                                          struct error *err);

/* Puts the key on tide_refetch. */
MUST_CHECK enum outcome mirror_refetch(struct mirror *mirror, const struct value *key,
                                       struct error *err);

#endif
