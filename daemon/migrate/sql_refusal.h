/*
 * SQL refusal: statements that a file of migrations or of data must not hold, because the
 * runner's own transactions, records and connection would break under them.
 *
 *   begin, commit, rollback …         the runner's, who keeps file and record together
 *   copy … from stdin, \copy, \i      psql's; there is nobody to send the rows
 *   create index concurrently on t    without a name a half-built one cannot be found
 *   discard all                       takes the runner's lock away
 *
 * And in a file without a transaction, whose steps go on in another session when a run
 * was stopped between them:
 *
 *   set, reset, set_config()          a later step would run without it
 *   create temp …, prepare, declare   a later step would not find it
 *   set local, savepoint, lock …      over before the next statement begins
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_SQL_REFUSAL_H
#define DAEMON_MIGRATE_SQL_REFUSAL_H

#include "daemon/migrate/sql_script.h"

#include <stdbool.h>

/* Counts the statements of a piece of a file. ERROR_INVALID: the first one that is
 * refused: "what, line 7: …"; or a quote or comment that never ends. */
MUST_CHECK enum outcome sql_script_check(const char *what, struct sql_script script,
                                         bool no_transaction, int *out_count,
                                         struct error *err);

#endif
