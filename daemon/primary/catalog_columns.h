/*
 * Catalog columns: the columns of drafted tables, their types, and how each type
 * travels (its codec).
 */
#ifndef DAEMON_PRIMARY_CATALOG_COLUMNS_H
#define DAEMON_PRIMARY_CATALOG_COLUMNS_H

#include "daemon/primary/table_draft.h"

struct primary;

/* Two queries for all drafts together. Adds every column of the tables that nothing
 * stands in the way of, tide_xid excepted, with its facts; defaults stay untranslated. */
MUST_CHECK enum outcome catalog_columns_read(struct primary *primary,
                                             struct table_drafts *drafts,
                                             struct error *err);

/*
 * The codec of a base type: kind as catalog_columns.sql names it, element_kind for
 * arrays else NULL, modifier as in pg_attribute.atttypmod.
 */
enum column_codec catalog_columns_codec(const char *kind, const char *element_kind,
                                        int modifier);

#endif
