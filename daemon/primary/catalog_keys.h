/*
 * Catalog keys: primary keys, indexes and foreign keys of drafted tables, as far as
 * the cache can have them.
 */
#ifndef DAEMON_PRIMARY_CATALOG_KEYS_H
#define DAEMON_PRIMARY_CATALOG_KEYS_H

#include "daemon/primary/table_draft.h"

struct primary;

/*
 * One query for all drafts together; the columns must be final. Left out: indexes on
 * expressions or on columns that are not mirrored, and partial ones whose condition
 * SQLite cannot say.
 */
MUST_CHECK enum outcome catalog_keys_read_indexes(struct primary *primary,
                                                  struct table_drafts *drafts,
                                                  struct error *err);

/*
 * One query; which tables are refused must be final. Left out: foreign keys that the
 * cache could break although the primary keeps them (a parent that is not mirrored or
 * only in part, types whose texts differ although they are equal).
 */
MUST_CHECK enum outcome catalog_keys_read_foreign_keys(struct primary *primary,
                                                       struct table_drafts *drafts,
                                                       struct error *err);

#endif
