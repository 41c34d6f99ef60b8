/*
 * Lint file: the rules about the steps of a migration file.
 *
 * Tables that the same files make are new: nobody waits for them. A line comment right
 * above a statement lets it pass, one in the file's head lets all of them:
 *
 *   -- tidemark: allow TM306 the table is empty
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_LINT_FILE_H
#define DAEMON_MIGRATE_LINT_FILE_H

#include "daemon/migrate/lint_findings.h"
#include "daemon/migrate/migration_file.h"
#include "lib/base/buffer.h"

/* new_tables: names of the tables made so far, a line each; is added to. text: of the
 * whole file, for its head. */
void lint_file(const struct migration_file *file, const char *text,
               struct buffer *new_tables, struct lint_findings *findings);

#endif
