/*
 * Migration steps: a file without a transaction, one statement after the other.
 *
 * Each step is recorded: one that may run in a transaction together with its record, so
 * that it is done once; one that may not (CREATE INDEX CONCURRENTLY) is marked as begun
 * before it runs. After a failure, or a runner that was killed, the next run goes on at
 * the right step, and an index that a failed build left behind is removed.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_STEPS_H
#define DAEMON_MIGRATE_MIGRATION_STEPS_H

#include "daemon/migrate/migration_run.h"

/* ERROR: "…: step 2 of 3 failed: …"; the hint says what stands and how to go on. */
MUST_CHECK enum outcome migration_steps_run(struct migration_runner *runner,
                                            const struct migration_task *task,
                                            struct error *err);

#endif
