/*
 * Migration run: applies one migration to the primary or takes it back, or shows what
 * that would do.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_RUN_H
#define DAEMON_MIGRATE_MIGRATION_RUN_H

#include "daemon/migrate/migration_history.h"
#include "daemon/migrate/migration_runner.h"

struct migration_task {
    struct migration_entry entry;
    bool reverts; /* run the downgrade */
    /* A file without a transaction that stopped in the middle of this direction: where to
     * go on. NULL: from its first step. */
    const struct migration_record *partial;
};

/*
 * The whole file and its record in one transaction; a file without a transaction step by
 * step (migration_steps.h). Waits for locks on tables in short attempts. Tells the
 * observer. An error names the file, the line and the statement.
 */
MUST_CHECK enum outcome migration_run(struct migration_runner *runner,
                                      const struct migration_task *task,
                                      struct error *err);

/* Which of the sections the task runs, and what errors call it. */
struct sql_script migration_task_script(const struct migration_task *task);
void migration_task_name(const struct migration_task *task, char *out_name, size_t size);

#endif
