/*
 * Migration runner: the owner's connection and the lock of the one who may change the
 * schema, for everything that runs migrations.
 *
 * One runner at a time: an advisory lock of the session, polled, so that CREATE INDEX
 * CONCURRENTLY does not wait for a waiting one. Locks on tables are waited for only
 * briefly and tried again, so that a queue of writers never forms behind them.
 *
 * Blocking; never prints: what happens goes through the observer.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_RUNNER_H
#define DAEMON_MIGRATE_MIGRATION_RUNNER_H

#include "daemon/primary/primary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long one statement waits for a lock on a table before it is tried again. */
#define MIGRATION_LOCK_TIMEOUT_MS 2000

struct migrate_config {
    /* The owner's connection: direct, no transaction pooler. Its lock_timeout_ms and
     * silence_timeout_ms are not used: DDL may be silent for long. */
    struct primary_config primary;
    bool dry_run;     /* change nothing; hand the SQL to the observer */
    int lock_wait_ms; /* how long to wait for another runner, and for locks on tables */
    const char *directory;         /* the project's migrations; NULL: the built-in only */
    bool directory_may_be_missing; /* then there are none */
    const char *scratch; /* conninfo of an empty database to replay them in; NULL: one is
                            made */
};

/* Any of the functions may be NULL. Text is valid during the call only. */
struct migrate_observer {
    void *context;
    /* A file is committed; verb: "applied", "reverted", "loaded" (data). name:
     * "20261122_0001_schema_tidemark". */
    void (*done)(void *context, const char *name, const char *verb, int64_t duration_us);
    /* dry_run: what would run, one call per file. */
    void (*sql)(void *context, const char *name, const char *text);
    /* Waiting for a lock; reason names who holds it. Also called from another thread. */
    void (*waiting)(void *context, const char *name, const char *reason);
};

struct lock_watch;

struct migration_runner {
    struct primary *primary;                 /* connected */
    const struct migrate_observer *observer; /* never NULL */
    bool dry_run;
    int64_t lock_wait_us;
    char host[65];
    struct lock_watch *watch; /* NULL: nobody says who holds a lock */
};

/*
 * Connects, and unless dry_run takes the runner's lock, which ends with the session.
 * ERROR_TRANSIENT: the primary cannot be reached, or another runner is still at work.
 * ERROR_INVALID: a pooler, a hot standby.
 */
MUST_CHECK enum outcome migration_runner_open(struct migration_runner *out_runner,
                                              const struct migrate_config *config,
                                              const struct migrate_observer *observer,
                                              struct error *err);
void migration_runner_release(struct migration_runner *runner); /* zeroed is fine */

/* What the session was set to by a file, or a step of one, is forgotten before the next.
 * May be called in a transaction. */
MUST_CHECK enum outcome migration_runner_reset(struct migration_runner *runner,
                                               struct error *err);

/* Something to be tried again, while it fails for want of a lock. */
struct migration_attempt {
    const char *name; /* of the file */
    enum outcome (*run)(void *context, struct error *err);
    void *context;
};

/* Repeats it for lock_wait_us at most. The error of the last attempt then says who holds
 * the lock. */
MUST_CHECK enum outcome migration_runner_insist(struct migration_runner *runner,
                                                const struct migration_attempt *attempt,
                                                struct error *err);

/* BEGIN, run(), COMMIT; rolled back when run() fails. */
MUST_CHECK enum outcome migration_runner_transact(struct migration_runner *runner,
                                                  enum outcome (*run)(void *context,
                                                                      struct error *err),
                                                  void *context, struct error *err);

void migration_runner_tell_done(const struct migration_runner *runner, const char *name,
                                const char *verb, int64_t started_us);
void migration_runner_tell_sql(const struct migration_runner *runner, const char *name,
                               const char *text);

#endif
