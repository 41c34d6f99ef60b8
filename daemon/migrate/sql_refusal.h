/*
 * SQL refusal: statements that a file of migrations or of data must not hold, because the
 * runner's own transactions, records and connection would break under them.
 *
 *   begin, commit, rollback …         the runner's, who keeps file and record together
 *   copy … from stdin, \copy, \i      psql's; there is nobody to send the rows
 *   create index concurrently on t    without a name a half-built one cannot be found
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_SQL_REFUSAL_H
#define DAEMON_MIGRATE_SQL_REFUSAL_H

#include "daemon/migrate/sql_script.h"

#include <stdbool.h>

/* ERROR_INVALID says what is wrong with the statement, without naming its place. */
MUST_CHECK enum outcome sql_statement_refuse(const struct sql_statement *statement,
                                             bool no_transaction, struct error *err);

#endif
