/*
 * Mirror SQL, lists: the part of mirror_sql.h that is about lists of rows (row_list.h)
 * and about what they are joined with. Statements have no trailing semicolon unless they
 * are several.
 */
#ifndef LIB_STORE_MIRROR_SQL_LIST_H
#define LIB_STORE_MIRROR_SQL_LIST_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

/* An empty temporary table of that shape: types, collations and key, nothing else. One
 * that is there is dropped. Several statements. */
void mirror_sql_create_list(struct buffer *sql, const struct table *shape,
                            const char *list_name);
void mirror_sql_drop_list(struct buffer *sql, const char *list_name);

/* " AND (key) NOT IN (SELECT key FROM list)", to follow a WHERE. */
void mirror_sql_and_not_listed(struct buffer *sql, const struct table *table,
                               const char *list_name);

/*
 * DELETE FROM physical_name of the rows whose key is not in other_name, a list or a table
 * of the same shape. live_only: tombstones stay.
 */
void mirror_sql_delete_absent(struct buffer *sql, const struct table *table,
                              const char *physical_name, const char *other_name,
                              bool live_only);

/* INSERT of those columns alone, ?1, ?2 … in their order, all others taking their
 * defaults; over a row with the same key, which keeps its other columns. */
void mirror_sql_put_columns(struct buffer *sql, const struct table *table,
                            const char *physical_name, const size_t *columns,
                            size_t count);

/* DELETE FROM physical_name of all rows: ends with a WHERE that more can be added to. */
void mirror_sql_delete_all(struct buffer *sql, const char *physical_name);

#endif
