/*
 * Presence: finds the rows that are gone by listing those that are there, and deletes
 * them.
 */
#ifndef LIB_STORE_PRESENCE_H
#define LIB_STORE_PRESENCE_H

#include "lib/base/error.h"
#include "lib/model/table.h"

#include <stdint.h>

struct database;
struct row_list;

/* Live rows that are not in the list of keys. Tombstones stay: they are not listed, and
 * purged by their own rule. */
MUST_CHECK enum outcome presence_delete_absent(const struct table *table,
                                               const char *physical_name,
                                               const struct row_list *list,
                                               int64_t *out_deleted, struct error *err);

/* The same against another table of the same shape instead of a list: all rows,
 * tombstones too, but for those on the list `kept`, which may be NULL. */
MUST_CHECK enum outcome presence_delete_absent_from(struct database *db,
                                                    const struct table *table,
                                                    const char *other_name,
                                                    const struct row_list *kept,
                                                    struct error *err);

/* Every row but those on the list `kept`, which may be NULL. */
MUST_CHECK enum outcome presence_delete_all(struct database *db,
                                            const struct table *table,
                                            const char *physical_name,
                                            const struct row_list *kept,
                                            int64_t *out_deleted, struct error *err);

#endif
