/*
 * Local table: the definition of a mirrored table, read from the cache file alone.
 */
#ifndef LIB_STORE_LOCAL_TABLE_H
#define LIB_STORE_LOCAL_TABLE_H

#include "lib/model/table.h"

struct database;

/*
 * As table_reading() gives it. NOTHING: no such mirrored table. The table is the caller's
 * to table_release().
 */
MUST_CHECK enum outcome local_table_read(struct database *db, const char *name,
                                         struct table *out_table, struct error *err);

/* Its rows that are no tombstones. */
MUST_CHECK enum outcome local_table_count(struct database *db, const struct table *table,
                                          int64_t *out_rows, struct error *err);

#endif
