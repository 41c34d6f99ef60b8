/*
 * Row lookup: one row of a mirrored table by its key, as the cache holds it now.
 * Belongs to the thread of the database.
 */
#ifndef LIB_STORE_ROW_LOOKUP_H
#define LIB_STORE_ROW_LOOKUP_H

#include "lib/db/statement.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

struct database;

struct row_lookup {
    struct statement query;
    const struct table *table; /* borrowed */
    struct value *row;         /* all columns; valid until the next look or release */
};

MUST_CHECK enum outcome row_lookup_init(struct row_lookup *lookup, struct database *db,
                                        const struct table *table, struct error *err);
void row_lookup_release(struct row_lookup *lookup); /* a zeroed one is fine */

/* key: in key order, as row_key_values() types it. NOTHING: there is no such row. */
MUST_CHECK enum outcome row_lookup_find(struct row_lookup *lookup,
                                        const struct value *key, struct error *err);

/* Ends the read that the row is borrowed from. */
void row_lookup_reset(struct row_lookup *lookup);

#endif
