/*
 * Revision file: makes the next file of a project's migrations.
 *
 *   20261122_0001_add_user_preferences_table.sql
 *
 * The date is today's in UTC, or that of the newest file where that is later, so that the
 * new one is always the last. The number counts within the day. Two at once get two
 * numbers: the folder is locked meanwhile, and no file is ever overwritten.
 */
#ifndef DAEMON_MIGRATE_REVISION_FILE_H
#define DAEMON_MIGRATE_REVISION_FILE_H

#include "daemon/migrate/migration_file.h"

#define REVISION_DESCRIPTION_SIZE 64

/* The statements of a new file; NULL: none yet, to be written by hand. */
struct revision_text {
    const char *upgrade;
    const char *downgrade;
};

/*
 * "Add user-preferences table" becomes "add_user_preferences_table": words in lower case,
 * cut at a word's end. ERROR_INVALID: there is no letter and no digit of ASCII in it.
 * Pure.
 */
MUST_CHECK enum outcome revision_description(const char *message,
                                             char out_text[REVISION_DESCRIPTION_SIZE],
                                             struct error *err);

/* The revision after `newest` ("" for none) on a day "20261122". ERROR_INVALID: the day
 * is full. Pure. */
MUST_CHECK enum outcome revision_next(const char *newest, const char *today,
                                      char out_revision[MIGRATION_REVISION_SIZE],
                                      struct error *err);

/* Makes the folder too where it is missing. *out_path is the caller's (free()). */
MUST_CHECK enum outcome revision_file_create(const char *folder, const char *message,
                                             const struct revision_text *text,
                                             char **out_path, struct error *err);

#endif
