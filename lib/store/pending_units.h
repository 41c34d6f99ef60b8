/*
 * Pending units: when a change is refused outside of a push, the rest of the unit of work
 * that it is in is refused with it, and all units that share a row with that one.
 *
 * That a unit is broken is noted in the outbox, at its begin, in the transaction that
 * breaks it: rows of tables that cannot be written at the time follow later
 * (broken_units.h), and before the next push. Temporary tables of the cache's connection
 * are filled when the first change is refused. Runs in the caller's transaction.
 */
#ifndef LIB_STORE_PENDING_UNITS_H
#define LIB_STORE_PENDING_UNITS_H

#include "lib/store/pending.h"

struct pending_units {
    struct database *db;
    bool are_known; /* the marks have been read in this transaction */
    bool is_broken; /* a unit is to be refused: pending_units_next() */
};

/* Forgets what was known: at the start of a transaction. */
void pending_units_start(struct pending_units *units, struct database *db);

/* The number of the row's first unit of work; 0: it is in none. */
MUST_CHECK enum outcome pending_units_of(struct pending_units *units,
                                         const struct outbox_tables *tables,
                                         const struct table *table,
                                         const struct value *key, int64_t *out_unit,
                                         struct error *err);

/* The row's units are broken by the refusal that was filed under that number. Before the
 * row's entries are removed. */
MUST_CHECK enum outcome pending_units_break(struct pending_units *units,
                                            const struct outbox_tables *tables,
                                            const struct table *table,
                                            const struct value *key, int64_t rejected_id,
                                            struct error *err);

/* One row that is still pending in a broken unit. Texts are freed by the caller. */
struct pending_member {
    int64_t table_id;
    char *row_key; /* canonical */
    int64_t cause_id;
    int64_t unit;
    char *sqlstate;
    char *message;
};
void pending_member_release(struct pending_member *member); /* a zeroed one is fine */

/* NOTHING: none is broken, as far as this transaction knows, or has a row left that is
 * pending. */
MUST_CHECK enum outcome pending_units_next(struct pending_units *units,
                                           struct pending_member *out_member,
                                           struct error *err);

/* OK: some may have been broken in transactions before, and have rows left; NOTHING: none
 * was. */
MUST_CHECK enum outcome pending_units_are_broken(struct database *db, struct error *err);
/* Those are to be refused too. */
MUST_CHECK enum outcome pending_units_resume(struct pending_units *units,
                                             struct error *err);
/* Nothing is left of those that were broken. */
MUST_CHECK enum outcome pending_units_forget_broken(struct pending_units *units,
                                                    struct error *err);

#endif
