/*
 * Column default: a default of the primary, from its own spelling (pg_get_expr) into an
 * SQLite expression, where that is possible.
 *
 * Understood: constants of simple types, the present moment for timestamptz, random
 * UUIDs, empty arrays. Anything else has no default in the cache.
 */
#ifndef DAEMON_PRIMARY_COLUMN_DEFAULT_H
#define DAEMON_PRIMARY_COLUMN_DEFAULT_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

/* Appends nothing when there is no translation. Codec, type name and labels of the
 * column must be known. */
void column_default_translate(struct buffer *sql, const struct table_column *column,
                              const char *expression);

/* An expression that makes a fresh version 4 UUID. */
extern const char column_default_random_uuid[];

#endif
