/*
 * Local table: a mirrored table as far as the cache file itself describes it: its
 * columns, their declared types, its key. Enough to read and write rows as an application
 * does, with no primary at hand.
 */
#ifndef LIB_STORE_LOCAL_TABLE_H
#define LIB_STORE_LOCAL_TABLE_H

#include "lib/model/table.h"

struct database;

/*
 * Codecs stand for the declared types (TEXT: text, BLOB: bytea …), not for the primary's.
 * NOTHING: no such mirrored table. The table is the caller's to table_release().
 */
MUST_CHECK enum outcome local_table_read(struct database *db, const char *name,
                                         struct table *out_table, struct error *err);

#endif
