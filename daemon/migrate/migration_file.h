/*
 * Migration file: the name and the two sections of one file of migrations.
 *
 *   20261122_0001_schema_tidemark.sql      YYYYMMDD_####_description
 *
 *   -- any comment
 *   -- no-transaction                      only where it is needed
 *   -- upgrade
 *   create table …;
 *   -- downgrade
 *   drop table …;
 *
 * The markers stand alone on their lines, each once, in this order; inside of a string, a
 * function's body or another comment they are that one's text. upgrade has at least one
 * statement; downgrade may be empty: then there is no way back. Pure; points into the
 * caller's text.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_FILE_H
#define DAEMON_MIGRATE_MIGRATION_FILE_H

#include "daemon/migrate/sql_script.h"
#include "lib/base/error.h"
#include "lib/base/sha256.h"

#include <stdbool.h>
#include <stddef.h>

#define MIGRATION_REVISION_SIZE 14 /* "20261122_0001" and its NUL */

struct migration_file {
    const char *name; /* "20261122_0001_schema_tidemark" */
    char revision[MIGRATION_REVISION_SIZE];
    const char *description; /* "schema_tidemark" */
    bool no_transaction;     /* each statement is a step of its own */
    struct sql_script upgrade;
    struct sql_script downgrade;
    int upgrade_steps; /* statements */
    int downgrade_steps;
    char checksum[SHA256_TEXT_SIZE]; /* SHA-256 of the whole text */
};

/* name is without folder and ".sql". ERROR_INVALID names the file, the line and what is
 * wrong; it also refuses statements that a runner cannot run (see sql_refusal.h). */
MUST_CHECK enum outcome migration_file_parse(struct migration_file *out_file,
                                             const char *name, const char *text,
                                             struct error *err);

/* "20261122_0001", a day of the calendar, and nothing or "_description" behind it. */
bool migration_revision_is_valid(const char *text);

#endif
