/*
 * Migrate primary: brings schema tidemark on the primary up to date with the
 * migrations built into this program (migrations/primary).
 *
 * One runner at a time (an advisory lock, polled); each file in one transaction together
 * with its record in tidemark.migration, so that a runner killed at any moment leaves
 * whole files behind. A file waits for table locks only briefly and is tried again, so
 * that it never holds up a queue of writers. Applied files are compared by checksum: an
 * edited, a missing or a skipped one is an error that names it.
 *
 * Blocking; makes and closes its own connection. Never prints: progress goes through the
 * observer.
 */
#ifndef DAEMON_MIGRATE_MIGRATE_PRIMARY_H
#define DAEMON_MIGRATE_MIGRATE_PRIMARY_H

#include "daemon/primary/primary.h"

#include <stdbool.h>
#include <stdint.h>

struct migrate_config {
    /* The owner's connection: direct, no transaction pooler. Its lock_timeout_ms and
     * silence_timeout_ms are not used: DDL may be silent for long. */
    struct primary_config primary;
    bool dry_run;     /* change nothing; hand the SQL to the observer */
    int lock_wait_ms; /* how long to wait for another runner, and for locks on tables */
};

/* Any of the functions may be NULL. Text is valid during the call only. */
struct migrate_observer {
    void *context;
    /* A file is committed. name: "20261122_0001_schema_tidemark". */
    void (*applied)(void *context, const char *name, int64_t duration_us);
    /* dry_run: what would run, one call per file; to be run in one transaction. */
    void (*sql)(void *context, const char *name, const char *text);
    /* Waiting for a lock; reason names who holds it, when that is known. */
    void (*waiting)(void *context, const char *name, const char *reason);
};

/*
 * OK: something was (dry_run: would be) applied. NOTHING: all is up to date.
 * ERROR_TRANSIENT: the lock wait is over, or the primary cannot be reached.
 * ERROR_INVALID: the history does not fit the files; a pooler; a hot standby.
 * ERROR_INTERRUPTED: asked to stop through primary.interrupt_fd.
 */
MUST_CHECK enum outcome migrate_primary(const struct migrate_config *config,
                                        const struct migrate_observer *observer,
                                        struct error *err);

/* The name of the newest migration that this program knows. */
const char *migrate_newest_name(void);

#endif
