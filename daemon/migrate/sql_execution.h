/*
 * SQL execution: runs the statements of a file one by one, and says of one that fails in
 * which file and line it stands, what the primary said, and what to do.
 */
#ifndef DAEMON_MIGRATE_SQL_EXECUTION_H
#define DAEMON_MIGRATE_SQL_EXECUTION_H

#include "daemon/migrate/sql_script.h"

struct primary;

/* what: "20261122_0001_x", for the error: "20261122_0001_x, line 7: statement 2, "create
 * table …": … (SQLSTATE 42P07)". */
MUST_CHECK enum outcome sql_execution_statement(struct primary *primary, const char *what,
                                                const struct sql_statement *statement,
                                                int number, struct error *err);

/* All of a script, in the transaction that is open. Then its deferred constraints are
 * checked, and the session is its owner's again, whatever role it was set to. */
MUST_CHECK enum outcome sql_execution_script(struct primary *primary, const char *what,
                                             const struct sql_script *script,
                                             struct error *err);

#endif
