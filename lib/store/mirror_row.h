/*
 * Mirror row: the statements that a mirror runs for single rows, prepared when they are
 * first needed: a round touches few of many tables.
 */
#ifndef LIB_STORE_MIRROR_ROW_H
#define LIB_STORE_MIRROR_ROW_H

#include "lib/store/mirror.h"

typedef void build_row_sql(struct buffer *sql, const struct table *table,
                           const char *physical_name);

MUST_CHECK enum outcome mirror_row_prepare(struct mirror *mirror,
                                           struct statement *statement, const char *verb,
                                           build_row_sql *build, struct error *err);

/* The same for a statement about one of the table's indexes. */
typedef void build_index_sql(struct buffer *sql, const struct table *table,
                             const struct table_index *index, const char *physical_name);
MUST_CHECK enum outcome mirror_row_prepare_index(struct mirror *mirror,
                                                 struct statement *statement,
                                                 build_index_sql *build, size_t index,
                                                 struct error *err);

/*
 * SQLite keeps a text that an application wrote where bytes belong, and holds no blob for
 * its equal: a key of that kind is made the bytes that the primary knows it by. Where a
 * row has these already, the one with the text becomes a rejected change.
 */
MUST_CHECK enum outcome mirror_row_respell(struct mirror *mirror, const struct value *key,
                                           struct error *err);

/* Inserts or changes; a row that differs in nothing is not written. FAILED while
 * mirror_row_broke_unique(): a unique index has no room for it. */
MUST_CHECK enum outcome mirror_row_write(struct mirror *mirror, const struct value *row,
                                         struct mirror_counts *counts, struct error *err);

bool mirror_row_broke_unique(const struct mirror *mirror);

/* out_removed: 0 or 1. */
MUST_CHECK enum outcome mirror_row_remove(struct mirror *mirror, const struct value *key,
                                          int64_t *out_removed, struct error *err);

/* Takes the key off tide_refetch: the row is here in this very cut. */
MUST_CHECK enum outcome mirror_row_arrived(struct mirror *mirror, const struct value *row,
                                           struct error *err);

#endif
