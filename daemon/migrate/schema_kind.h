/*
 * Schema kind: the kinds of objects that schemas are compared by, in the order in which
 * they are made when nothing else decides.
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_KIND_H
#define DAEMON_MIGRATE_SCHEMA_KIND_H

#include <stdbool.h>

enum schema_kind {
    SCHEMA_SCHEMA,
    SCHEMA_EXTENSION,
    SCHEMA_ENUM,
    SCHEMA_DOMAIN,
    SCHEMA_COMPOSITE,
    SCHEMA_RANGE,
    SCHEMA_SEQUENCE,
    SCHEMA_TABLE,
    SCHEMA_COLUMN,
    SCHEMA_NOT_NULL,
    SCHEMA_DEFAULT,
    SCHEMA_IDENTITY,
    SCHEMA_SEQUENCE_OWNER,
    SCHEMA_COLUMN_OPTION, /* storage, compression, statistics */
    SCHEMA_ROUTINE,
    SCHEMA_CONSTRAINT,
    SCHEMA_INDEX,
    SCHEMA_FOREIGN_KEY,
    SCHEMA_TABLE_OPTION, /* storage parameters, replica identity, row security */
    SCHEMA_STATISTICS,
    SCHEMA_VIEW,
    SCHEMA_MATERIALIZED_VIEW,
    SCHEMA_RULE,
    SCHEMA_TRIGGER,
    SCHEMA_TRIGGER_STATE,
    SCHEMA_POLICY,
    SCHEMA_TRACKING, /* by tidemark.track() */
    SCHEMA_COMMENT,
    SCHEMA_GRANT,
    SCHEMA_KIND_COUNT
};

/* "column", "foreign key", … */
const char *schema_kind_name(enum schema_kind kind);

/* Enums, domains, composites, ranges: while columns use the old one, a new one is made
 * beside it. */
bool schema_kind_is_type(enum schema_kind kind);

/* From the name that the queries give; SCHEMA_KIND_COUNT: unknown. */
enum schema_kind schema_kind_from_name(const char *name);

#endif
