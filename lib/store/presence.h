/*
 * Presence: finds the rows that are gone by listing those that are there.
 *
 * Keys are collected in a temporary table; what is not in it is then deleted. Tombstones
 * stay: they are not listed, and purged by their own rule.
 */
#ifndef LIB_STORE_PRESENCE_H
#define LIB_STORE_PRESENCE_H

#include "lib/base/error.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

#include <stdint.h>

struct database;
struct statement;

/* Empties the list, making it if needed, and prepares `add` for it. */
MUST_CHECK enum outcome presence_start(struct database *db, const struct table *table,
                                       struct statement *add, struct error *err);
MUST_CHECK enum outcome presence_add(struct statement *add, const struct value *key,
                                     size_t key_count, struct error *err);
MUST_CHECK enum outcome presence_delete_absent(struct database *db,
                                               const struct table *table,
                                               const char *physical_name,
                                               int64_t *out_deleted, struct error *err);

/* The same against another table of the same shape instead of a list: all rows,
 * tombstones too. */
MUST_CHECK enum outcome presence_delete_absent_from(struct database *db,
                                                    const struct table *table,
                                                    const char *other_name,
                                                    struct error *err);

#endif
