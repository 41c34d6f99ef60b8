/*
 * Downgrade primary: takes back what migrations did, newest first, with the text that was
 * recorded when they were applied, so that it works when the files are gone.
 *
 * The project's migrations only. What is built into this program goes when the project
 * has nothing left and it is asked for by name: `downgrade base --builtin`.
 */
#ifndef DAEMON_MIGRATE_DOWNGRADE_PRIMARY_H
#define DAEMON_MIGRATE_DOWNGRADE_PRIMARY_H

#include "daemon/migrate/migration_runner.h"

struct downgrade_request {
    /* NULL: one migration. "base": all of them. Else the revision that is to stay the
     * newest. */
    const char *target;
    bool built_in; /* with base: tidemark's own, too */
    /* Shall they be taken back? names are newest first. NULL: yes. Not asked by a dry
     * run. FAILED fills err; NOTHING: no. */
    enum outcome (*confirm)(void *context, const char *const *names, size_t count,
                            struct error *err);
    void *confirm_context;
};

/*
 * OK: taken back (dry_run: shown). NOTHING: there was nothing to take back, or the answer
 * was no. ERROR_INVALID: no such revision; one without a way back; one that stopped in
 * the middle of its upgrade. Before the first one is run all are checked.
 */
MUST_CHECK enum outcome downgrade_primary(const struct migrate_config *config,
                                          const struct downgrade_request *request,
                                          const struct migrate_observer *observer,
                                          struct error *err);

#endif
