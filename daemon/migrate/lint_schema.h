/*
 * Lint schema: the rules about tables as they are, on a schema that was read.
 *
 * A COMMENT ON the object or on its table that says "tidemark: allow TM204 …" lets it
 * pass. Partitions are looked at through their parent. Pure.
 */
#ifndef DAEMON_MIGRATE_LINT_SCHEMA_H
#define DAEMON_MIGRATE_LINT_SCHEMA_H

#include "daemon/migrate/lint_findings.h"
#include "daemon/migrate/schema_catalog.h"

struct lint_schema_config {
    const char *const *schemas; /* their names; NULL-terminated; NULL: all */
    const struct schema
        *except;       /* what is there already is not looked at; NULL: all is */
    const char *where; /* in front of each place: "pending: "; "" */
};

void lint_schema(const struct schema *schema, const struct lint_schema_config *config,
                 struct lint_findings *findings);

#endif
