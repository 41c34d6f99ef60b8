/*
 * Migration plan: which files are still to be run, after comparing them with what the
 * primary says was applied. Pure.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_PLAN_H
#define DAEMON_MIGRATE_MIGRATION_PLAN_H

#include "daemon/migrate/migration_history.h"

/* The files of one source, in order of revision. */
struct migration_files {
    const struct migration_file *files;
    size_t count;
    enum migration_source source;
};

struct migration_plan {
    size_t applied; /* files[applied] is the first one that is pending */
    /* That one was begun, and stopped in the middle; NULL: it was not. */
    const struct migration_record *partial;
};

/*
 * ERROR_INVALID, with the cure: an applied file that was edited, that is gone, or that
 * was skipped; one that is half taken back; one that stopped in the middle and was edited
 * in the steps that are done.
 */
MUST_CHECK enum outcome migration_plan_make(const struct migration_files *files,
                                            const struct migration_history *history,
                                            struct migration_plan *out_plan,
                                            struct error *err);

/* ERROR_INVALID: two files of one revision; a number that is left out within its day. */
MUST_CHECK enum outcome migration_files_check(const struct migration_files *files,
                                              struct error *err);

/* Whether its number is the next one of its day; before: the file before it, NULL: none.
 */
bool migration_file_follows(const struct migration_file *before,
                            const struct migration_file *file);

/* How many files to run for `migrate --to REVISION`: up to and with that one.
 * ERROR_INVALID: there is no such file. */
MUST_CHECK enum outcome migration_files_through(const struct migration_files *files,
                                                const char *revision, size_t *out_count,
                                                struct error *err);

/* Whether text means this revision: "20261122_0001" or with its description. */
bool migration_is_meant(const char *text, const char *revision, const char *description);

#endif
