/*
 * Schema source: schema.sql, or a folder of such files: the schema as it should be.
 *
 * What pg_dump writes will do: its own commands to psql (\restrict) are passed over.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_SOURCE_H
#define DAEMON_MIGRATE_SCHEMA_SOURCE_H

#include "daemon/migrate/migration_folder.h"

struct primary;

/* ERROR_INVALID: there is no such file, the folder is empty, or a statement is refused
 * (see sql_refusal.h): a ROLLBACK would leave nothing of what stands above it. */
MUST_CHECK enum outcome schema_source_read(struct folder_files *out_source,
                                           const char *path, struct error *err);

/* Runs all files in their order, each in one transaction. An error names file, line and
 * statement. */
MUST_CHECK enum outcome schema_source_load(const struct folder_files *source,
                                           struct primary *primary, struct error *err);

#endif
