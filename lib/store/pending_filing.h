/*
 * Pending filing: a local change that finds no place any more is kept for a person, and
 * leaves the outbox in the same transaction.
 *
 * Runs in the caller's transaction, only while no push is in flight.
 */
#ifndef LIB_STORE_PENDING_FILING_H
#define LIB_STORE_PENDING_FILING_H

#include "lib/store/pending.h"
#include "lib/store/pending_units.h"

/* One row with a pending change; everything is borrowed. */
struct pending_row {
    const struct table *table;
    const struct value *key;
    const struct pending_change *change;
    const struct value *row; /* as it is now; NULL: it is not there */
};

struct pending_refusal {
    const char *sqlstate;
    const char *message;
    const char *constraint; /* NULL: none */
    int64_t cause_id;       /* rejected change that it was refused for; 0: for itself */
    int64_t unit_id;        /* 0: of its own unit of work, if any */
    struct pending_units *units; /* are broken by this; NULL: units do not matter */
    const struct outbox_tables *tables; /* with units */
};

/* Becomes a rejected change. */
MUST_CHECK enum outcome pending_reject(struct database *db, struct pending *pending,
                                       const struct pending_row *row,
                                       const struct pending_refusal *refusal,
                                       struct error *err);

/* The row is gone on the primary: the columns that were edited here become a conflict;
 * the whole row where a person decides about it.
 * The entries stay where they are: what becomes of them is the caller's to say. */
MUST_CHECK enum outcome pending_file_deleted(struct database *db,
                                             const struct pending_row *row,
                                             bool local_wins, struct error *err);

/*
 * Which columns hold a local value, by column index; returns how many. None for anything
 * but an update.
 */
size_t pending_dirty_columns(const struct pending_change *change,
                             const struct table *table, const struct value *row,
                             bool *out_dirty);

#endif
