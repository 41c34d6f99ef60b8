/*
 * Catalog retention: how far back the primary still knows what was deleted from a tracked
 * table. A part of introspection.
 */
#ifndef DAEMON_PRIMARY_CATALOG_RETENTION_H
#define DAEMON_PRIMARY_CATALOG_RETENTION_H

#include "lib/model/table.h"

struct primary;

/* Fills deletes_known_since_us of the set's tables; 0 where nothing was ever purged. */
MUST_CHECK enum outcome catalog_retention_read(struct primary *primary,
                                               struct table_set *set, struct error *err);

#endif
