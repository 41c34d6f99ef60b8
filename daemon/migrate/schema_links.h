/*
 * Schema links: what depends on what in one database, from the catalog's own notes.
 *
 * pg_depend knows rules, row types, array types and indexes of constraints; here a view
 * stands for its rule, a table for its row type, and so on. Only for schema_catalog.c.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_LINKS_H
#define DAEMON_MIGRATE_SCHEMA_LINKS_H

#include "daemon/migrate/schema_catalog.h"

/* An address, and the object or the other address that stands for it. */
struct schema_link {
    struct schema_address from;
    struct schema_address to;
    size_t object; /* SCHEMA_NO_OBJECT: see `to` */
};

struct schema_links {
    struct schema_link *items; /* ordered by address */
    size_t count;
    size_t alias_count;
    struct primary_result *aliases;
    struct primary_result *dependencies;
};

MUST_CHECK enum outcome schema_links_read(struct schema_links *links,
                                          struct primary *primary, struct error *err);

/* Fills in the owner and the carrier of each object; SCHEMA_NO_OBJECT when the one named
 * is not among the objects. */
MUST_CHECK enum outcome schema_links_own(struct schema_links *links,
                                         struct schema *schema, struct error *err);

/* Fills in what each object needs. After schema_links_own(). */
MUST_CHECK enum outcome schema_links_need(const struct schema_links *links,
                                          struct schema *schema, struct error *err);

void schema_links_release(struct schema_links *links); /* a zeroed one is fine */

/* Three columns of an answer; nulls read as 0. */
struct schema_address schema_links_address(const struct primary_result *result,
                                           size_t row, size_t column);

#endif
