/*
 * Widened table: a mirrored table with the unique indexes that applications have put on
 * it in the cache. REPLACE takes rows away by them, too.
 *
 * Only indexes of plain columns that compare as the columns do: partial ones and those of
 * expressions are left out.
 */
#ifndef LIB_STORE_WIDENED_TABLE_H
#define LIB_STORE_WIDENED_TABLE_H

#include "lib/model/table.h"

struct database;

struct widened_table {
    struct table table; /* borrowed from the mirrored one, save for the indexes behind */
    size_t index_count; /* its own */
};

MUST_CHECK enum outcome widened_table_init(struct widened_table *widened,
                                           struct database *db, const struct table *table,
                                           struct error *err);
void widened_table_release(struct widened_table *widened); /* a zeroed one is fine */

#endif
