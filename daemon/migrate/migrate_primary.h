/*
 * Migrate primary: brings the primary's schema up to date: first what is built into this
 * program (schema tidemark, migrations/primary), then the files of the project.
 *
 * Each file is one transaction together with its record in tidemark.migration, so that a
 * runner killed at any moment leaves whole files behind; a file that says "--
 * no-transaction" goes step by step (migration_steps.h). Applied files are compared by
 * checksum: an edited, a missing or a skipped one is an error that names it.
 *
 * Blocking; makes and closes its own connection. Never prints: progress goes through the
 * observer.
 */
#ifndef DAEMON_MIGRATE_MIGRATE_PRIMARY_H
#define DAEMON_MIGRATE_MIGRATE_PRIMARY_H

#include "daemon/migrate/migration_plan.h"
#include "daemon/migrate/migration_runner.h"

/*
 * to: the last revision of the project to apply; NULL: all.
 *
 * OK: something was (dry_run: would be) applied. NOTHING: all is up to date.
 * ERROR_TRANSIENT: the lock wait is over, or the primary cannot be reached.
 * ERROR_INVALID: the history does not fit the files; a pooler; a hot standby.
 * ERROR_INTERRUPTED: asked to stop through primary.interrupt_fd.
 */
MUST_CHECK enum outcome migrate_primary(const struct migrate_config *config,
                                        const char *to,
                                        const struct migrate_observer *observer,
                                        struct error *err);

/* The name of the newest migration that this program knows. */
const char *migrate_newest_name(void);

/* The files of both sources, parsed and checked. */
struct migrate_sources {
    struct migration_file *built_in;
    struct migration_folder *project; /* NULL: none wanted */
    struct migration_files files[2];  /* the built-in ones, the project's */
};

MUST_CHECK enum outcome migrate_sources_load(const struct migrate_config *config,
                                             struct migrate_sources *out_sources,
                                             struct error *err);
void migrate_sources_release(struct migrate_sources *sources); /* zeroed is fine */

#endif
