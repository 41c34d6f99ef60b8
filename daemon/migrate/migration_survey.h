/*
 * Migration survey: every migration there is, in the files, on the primary or in both,
 * and what does not fit. Changes nothing and needs no lock.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_SURVEY_H
#define DAEMON_MIGRATE_MIGRATION_SURVEY_H

#include "daemon/migrate/migrate_primary.h"

struct migration_line {
    enum migration_source source;
    const char *revision, *description;
    const char *state; /* "pending", or migration_state_name() */
    /* What is wrong with it: "edited after it was applied", "its file is gone" …; NULL:
     * nothing. */
    const char *problem;
    const struct migration_record *record; /* NULL: never applied */
    const struct migration_file *file;     /* NULL: there is none */
};

struct migration_survey {
    struct migration_line *lines; /* built-in ones first, each by revision */
    size_t count;
    struct migrate_sources sources; /* these two hold the text */
    struct migration_history history;
};

MUST_CHECK enum outcome migration_survey_make(const struct migrate_config *config,
                                              struct migration_survey *out_survey,
                                              struct error *err);
void migration_survey_release(struct migration_survey *survey); /* zeroed is fine */

/* The newest of the project's that is applied; NULL: none. */
const char *migration_survey_head(const struct migration_survey *survey);

#endif
