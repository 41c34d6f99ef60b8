#include "daemon/migrate/schema_kind.h"

#include <string.h>

static const char *const names[SCHEMA_KIND_COUNT] = {
    [SCHEMA_SCHEMA] = "schema",
    [SCHEMA_EXTENSION] = "extension",
    [SCHEMA_ENUM] = "enum",
    [SCHEMA_DOMAIN] = "domain",
    [SCHEMA_COMPOSITE] = "composite type",
    [SCHEMA_RANGE] = "range type",
    [SCHEMA_SEQUENCE] = "sequence",
    [SCHEMA_TABLE] = "table",
    [SCHEMA_COLUMN] = "column",
    [SCHEMA_NOT_NULL] = "not null",
    [SCHEMA_DEFAULT] = "default",
    [SCHEMA_IDENTITY] = "identity",
    [SCHEMA_SEQUENCE_OWNER] = "sequence owner",
    [SCHEMA_COLUMN_OPTION] = "column option",
    [SCHEMA_ROUTINE] = "routine",
    [SCHEMA_CONSTRAINT] = "constraint",
    [SCHEMA_INDEX] = "index",
    [SCHEMA_FOREIGN_KEY] = "foreign key",
    [SCHEMA_TABLE_OPTION] = "table option",
    [SCHEMA_STATISTICS] = "statistics",
    [SCHEMA_VIEW] = "view",
    [SCHEMA_MATERIALIZED_VIEW] = "materialized view",
    [SCHEMA_RULE] = "rule",
    [SCHEMA_TRIGGER] = "trigger",
    [SCHEMA_TRIGGER_STATE] = "trigger state",
    [SCHEMA_POLICY] = "policy",
    [SCHEMA_TRACKING] = "tracking",
    [SCHEMA_COMMENT] = "comment",
    [SCHEMA_GRANT] = "grant",
};

const char *schema_kind_name(enum schema_kind kind)
{
    return names[kind];
}

enum schema_kind schema_kind_from_name(const char *name)
{
    for (int kind = 0; kind < SCHEMA_KIND_COUNT; kind++)
        if (strcmp(names[kind], name) == 0)
            return (enum schema_kind)kind;
    return SCHEMA_KIND_COUNT;
}

bool schema_kind_is_type(enum schema_kind kind)
{
    return kind >= SCHEMA_ENUM && kind <= SCHEMA_RANGE;
}
