/*
 * Index predicate: the condition of a partial index, from the primary's spelling
 * (pg_get_expr) into an SQLite expression that means the same for every row.
 *
 * Understood: IS NULL and IS NOT NULL of a column, boolean columns (bare, = true,
 * = false), NOT, AND, parentheses. Anything else is left alone: a unique index with a
 * weaker condition would refuse rows that the primary accepts.
 */
#ifndef DAEMON_PRIMARY_INDEX_PREDICATE_H
#define DAEMON_PRIMARY_INDEX_PREDICATE_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

#include <stdbool.h>

/* False when it cannot be said in SQLite or uses a column that is not mirrored; sql then
 * holds nothing of use. */
bool index_predicate_translate(struct buffer *sql, const struct table *table,
                               const char *expression);

#endif
