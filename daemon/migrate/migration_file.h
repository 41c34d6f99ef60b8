/*
 * Migration file: the name and the two sections of one file of migrations.
 *
 *   20261122_0001_schema_tidemark.sql      YYYYMMDD_####_description
 *
 *   -- any comment
 *   -- upgrade
 *   create table …;
 *   -- downgrade
 *   drop table …;
 *
 * The markers stand alone on their lines, each once, in this order. upgrade has at least
 * one statement; downgrade may be empty. Pure; points into the caller's text.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_FILE_H
#define DAEMON_MIGRATE_MIGRATION_FILE_H

#include "daemon/migrate/sql_script.h"
#include "lib/base/error.h"
#include "lib/base/sha256.h"

#include <stddef.h>

#define MIGRATION_REVISION_SIZE 14 /* "20261122_0001" and its NUL */

struct migration_file {
    const char *name; /* "20261122_0001_schema_tidemark" */
    char revision[MIGRATION_REVISION_SIZE];
    const char *description; /* "schema_tidemark" */
    struct sql_script upgrade;
    struct sql_script downgrade;
    char checksum[SHA256_TEXT_SIZE]; /* SHA-256 of the whole text */
};

/* What tidemark.migration says about one applied file. Text is borrowed. */
struct migration_record {
    const char *revision;
    const char *description;
    const char *checksum;
};

/* name is without folder and ".sql". ERROR_INVALID names the file and what is wrong. */
MUST_CHECK enum outcome migration_file_parse(struct migration_file *out_file,
                                             const char *name, const char *text,
                                             struct error *err);

/*
 * Compares what was applied with the files, both in order of revision, and counts the
 * files that are applied already: the rest are pending. ERROR_INVALID: an edited file, a
 * missing one, one that was skipped.
 */
MUST_CHECK enum outcome migration_files_compare(const struct migration_file *files,
                                                size_t file_count,
                                                const struct migration_record *records,
                                                size_t record_count, size_t *out_applied,
                                                struct error *err);

#endif
