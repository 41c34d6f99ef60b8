/*
 * Lint: the live schema and the migration files that are pending, under the rules of
 * lint_rule.h.
 *
 * Of the pending files each statement is looked at, and, where the role may make scratch
 * databases, the tables that they make. Blocking; makes and closes its own connections;
 * changes nothing.
 */
#ifndef DAEMON_MIGRATE_LINT_H
#define DAEMON_MIGRATE_LINT_H

#include "daemon/migrate/lint_findings.h"
#include "daemon/migrate/migration_runner.h"

/* schemas: their names, NULL-terminated; NULL: all. */
MUST_CHECK enum outcome lint(const struct migrate_config *config,
                             const char *const *schemas,
                             struct lint_findings *out_findings, struct error *err);

#endif
