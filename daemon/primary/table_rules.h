/*
 * Table rules: what the configuration makes of a drafted table: which columns, which
 * of them say when a row changed, its scope, its defaults; and what forbids mirroring it.
 */
#ifndef DAEMON_PRIMARY_TABLE_RULES_H
#define DAEMON_PRIMARY_TABLE_RULES_H

#include "daemon/primary/table_draft.h"

/*
 * Finishes columns and key of a draft that has all columns of its table. It is refused
 * when that cannot be done; FAILED only for lack of memory or a catalog that changed
 * meanwhile. role is who reads, quoted, for remedies.
 */
MUST_CHECK enum outcome table_rules_apply(struct table_draft *draft,
                                          const struct introspect_config *config,
                                          const char *role, struct error *err);

#endif
