/*
 * Migration run: applies one migration file to the primary, or shows what it would do.
 * Only for migrate_primary.c.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_RUN_H
#define DAEMON_MIGRATE_MIGRATION_RUN_H

#include "daemon/migrate/migrate_primary.h"
#include "daemon/migrate/migration_file.h"

struct migration_run {
    struct primary *primary; /* connected; borrowed */
    const struct migrate_observer *observer;
    bool dry_run;
    int64_t lock_wait_us;
};

/*
 * Runs the upgrade and writes its record, in one transaction; tells the observer. Waits
 * for locks on tables in short attempts, lock_wait_us in all. An error names the file,
 * the line and the statement.
 */
MUST_CHECK enum outcome migration_run_apply(struct migration_run *run,
                                            const struct migration_file *file,
                                            struct error *err);

/* Hands the upgrade and the statement that records it to the observer. */
MUST_CHECK enum outcome migration_run_show(struct migration_run *run,
                                           const struct migration_file *file,
                                           struct error *err);

#endif
