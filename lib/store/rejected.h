/*
 * Rejected: changes that the primary refused, or that found no place here, kept with
 * their values until a person decides.
 *
 * Adding runs in the caller's transaction. Belongs to the thread of the database.
 */
#ifndef LIB_STORE_REJECTED_H
#define LIB_STORE_REJECTED_H

#include "lib/model/pending_change.h"

struct database;

/* One column of what was refused. */
struct rejected_value {
    const char *column;
    struct value base;  /* before the change; null for an insert */
    struct value value; /* that was refused; null for a delete */
};

struct rejected_change {
    const char *table;
    const char *row_key; /* canonical */
    enum outbox_operation operation;
    const char *sqlstate;
    const char *message;
    const char *constraint; /* NULL: none */
    int64_t cause_id;       /* 0: refused for itself */
    int64_t unit_id;        /* 0: in no unit of work */
    int64_t changed_us;
    const char *push_id; /* NULL: filed at once */
    const struct rejected_value *values;
    size_t value_count;
};

MUST_CHECK enum outcome rejected_add(struct database *db,
                                     const struct rejected_change *change,
                                     int64_t *out_id, struct error *err);

/* Other operation, values and time for one that was added before. */
MUST_CHECK enum outcome rejected_renew(struct database *db, int64_t rejected_id,
                                       const struct rejected_change *change,
                                       struct error *err);

struct rejected_values {
    struct rejected_value *items;
    size_t count;
    struct buffer bytes; /* of the old values */
};
void rejected_values_release(struct rejected_values *values); /* a zeroed one is fine */

/*
 * What a pending change of the cache's row means, as a rejected change: for an insert all
 * columns, for an update its dirty ones, for a delete the old values. row: the row as it
 * is now, NULL when it is gone; the new values are borrowed from it.
 */
MUST_CHECK enum outcome rejected_values_of(const struct pending_change *change,
                                           const struct table *table,
                                           const struct value *row,
                                           struct rejected_values *out_values,
                                           struct error *err);

#endif
