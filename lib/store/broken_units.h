/*
 * Broken units: what is left of a unit of work of which a row was refused outside of a
 * push is refused with it, and the rows are read again.
 *
 * A unit may be about tables that could not be written when it broke: one that was being
 * switched in, one that still waits for its new shape. So the rest is looked for again
 * before a push, when all tables of the outbox are there. Only while no push is in
 * flight.
 */
#ifndef LIB_STORE_BROKEN_UNITS_H
#define LIB_STORE_BROKEN_UNITS_H

#include "lib/store/mirror.h"
#include "lib/store/pending_units.h"

/* The pending index, and the tables that it was refreshed with. All is borrowed. */
struct broken_units {
    struct database *db;
    struct pending *pending;
    const struct outbox_tables *tables;
    struct pending_units *units;
};

/* The next row that is pending in a broken unit, in the caller's transaction with the
 * gate open. out_table: whose row; counts grow. NOTHING: there is none. */
MUST_CHECK enum outcome broken_units_refuse_next(const struct broken_units *broken,
                                                 const struct table **out_table,
                                                 struct mirror_counts *counts,
                                                 struct error *err);

/* All of them, in a transaction of its own, once tables holds all that the outbox is
 * about. NOTHING: no unit is broken, and nothing was written. */
MUST_CHECK enum outcome broken_units_settle(struct database *db, struct pending *pending,
                                            const struct outbox_tables *tables,
                                            struct error *err);

#endif
