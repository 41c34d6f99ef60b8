#include "daemon/migrate/lint_schema.h"

#include "daemon/migrate/schema_name.h"

#include <ctype.h>
#include <string.h>

/* One schema under the rules. */
struct inspection {
    const struct schema *schema;
    const struct lint_schema_config *config;
    struct lint_findings *findings;
};

/* ---- what there is ---- */

static size_t table_of(const struct schema *schema, size_t object)
{
    while (object != SCHEMA_NO_OBJECT && schema->objects[object].kind != SCHEMA_TABLE)
        object = schema->objects[object].owner;
    return object;
}

static bool has_child(const struct schema *schema, size_t owner, enum schema_kind kind,
                      const char *last_name)
{
    char name[SCHEMA_NAME_SIZE];

    for (size_t i = 0; i < schema->count; i++) {
        if (schema->objects[i].kind != kind || schema->objects[i].owner != owner)
            continue;
        schema_name_last(schema->objects[i].identity, name);
        if (!last_name || strcmp(name, last_name) == 0)
            return true;
    }
    return false;
}

/* Options of a table end in what they are: "public.t row level security". */
static bool has_option(const struct schema *schema, size_t table, const char *option)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_object *object = &schema->objects[i];
        size_t length = strlen(schema->objects[table].identity);

        if (object->kind == SCHEMA_TABLE_OPTION && object->owner == table &&
            strncmp(object->identity, schema->objects[table].identity, length) == 0 &&
            strcmp(object->identity + length + 1, option) == 0)
            return true;
    }
    return false;
}

static bool is_partition(const struct schema_object *table)
{
    return strstr(table->definition, "partition of ") != NULL;
}

static bool is_in_scope(const struct inspection *inspection,
                        const struct schema_object *object)
{
    char schema_name[SCHEMA_NAME_SIZE];

    schema_name_first(object->identity, schema_name);
    if (!inspection->config->schemas)
        return true;
    for (size_t i = 0; inspection->config->schemas[i]; i++)
        if (strcmp(inspection->config->schemas[i], schema_name) == 0)
            return true;
    return false;
}

static bool is_known(const struct schema *schema, const struct schema_object *object)
{
    for (size_t i = 0; schema && i < schema->count; i++)
        if (schema_object_order(&schema->objects[i], object) == 0)
            return true;
    return false;
}

/* ---- findings ---- */

static bool is_allowed_on(const struct schema *schema, size_t owner, const char *id)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->objects[i].kind == SCHEMA_COMMENT &&
            schema->objects[i].owner == owner &&
            lint_is_allowed(schema->objects[i].definition, NULL, id))
            return true;
    return false;
}

static void find(const struct inspection *inspection, size_t object, const char *id)
{
    const struct schema *schema = inspection->schema;

    if (is_known(inspection->config->except, &schema->objects[object]))
        return;
    if (is_allowed_on(schema, object, id) ||
        is_allowed_on(schema, table_of(schema, object), id))
        inspection->findings->allowed++;
    else
        lint_findings_add(inspection->findings, id, "%s%s", inspection->config->where,
                          schema->objects[object].identity);
}

/* ---- names ---- */

static bool is_snake_case(const char *name)
{
    if (!islower((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
            *name != '_')
            return false;
    return true;
}

static void check_name(const struct inspection *inspection, size_t object)
{
    char name[SCHEMA_NAME_SIZE];

    schema_name_last(inspection->schema->objects[object].identity, name);
    if (!is_snake_case(name))
        find(inspection, object, "TM201");
}

static void check_index_name(const struct inspection *inspection, size_t index)
{
    static const char *const prefixes[] = {"ix_", "ux_", "uq_"};
    const struct schema *schema = inspection->schema;
    char name[SCHEMA_NAME_SIZE];
    char table[SCHEMA_NAME_SIZE];

    schema_name_last(schema->objects[index].identity, name);
    schema_name_last(schema->objects[schema->objects[index].owner].identity, table);
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(name, prefixes[i], 3) == 0 &&
            strncmp(name + 3, table, strlen(table)) == 0 &&
            name[3 + strlen(table)] == '_')
            return;
    find(inspection, index, "TM202");
}

/* ---- columns and keys ---- */

static void check_column(const struct inspection *inspection, size_t column)
{
    const char *type = inspection->schema->objects[column].type;

    check_name(inspection, column);
    if (strncmp(type, "timestamp", 9) == 0 && strstr(type, "without time zone"))
        find(inspection, column, "TM204");
}

/* "FOREIGN KEY (a, b) REFERENCES …": its first column, and whether it is the only one. */
static bool first_column(const char *definition, char column[static SCHEMA_NAME_SIZE])
{
    const char *at = strchr(definition, '(');
    size_t length = at ? strcspn(at + 1, ",)") : 0;
    char quoted[SCHEMA_NAME_SIZE];

    column[0] = '\0';
    if (!at || length >= sizeof(quoted))
        return false;
    memcpy(quoted, at + 1, length);
    quoted[length] = '\0';
    schema_name_last(quoted, column);
    return at[1 + length] == ')';
}

static bool leads_with(const struct schema_object *object, const char *column)
{
    const char *list = strstr(object->definition, " USING ");
    char first[SCHEMA_NAME_SIZE];

    if (object->kind == SCHEMA_INDEX && strstr(object->definition, " WHERE "))
        return false;
    list = list ? list : object->definition;
    first_column(list, first);
    first[strcspn(first, " ")] = '\0'; /* opclass, desc */
    return strcmp(first, column) == 0;
}

static bool has_index_on(const struct schema *schema, size_t table, const char *column)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_object *object = &schema->objects[i];
        bool is_key = object->kind == SCHEMA_CONSTRAINT && object->occupies;

        if (object->owner == table && (is_key || object->kind == SCHEMA_INDEX) &&
            leads_with(object, column))
            return true;
    }
    return false;
}

static void check_foreign_key(const struct inspection *inspection, size_t key)
{
    const struct schema_object *object = &inspection->schema->objects[key];
    char column[SCHEMA_NAME_SIZE];
    bool single = first_column(object->definition, column);
    size_t length = strlen(column);

    if (single && (length < 4 || strcmp(column + length - 3, "_id") != 0))
        find(inspection, key, "TM203");
    if (!has_index_on(inspection->schema, object->owner, column))
        find(inspection, key, "TM208");
}

/* A unique index or constraint of a table with tombstones. */
static void check_unique(const struct inspection *inspection, size_t unique)
{
    const struct schema_object *object = &inspection->schema->objects[unique];

    if (has_child(inspection->schema, object->owner, SCHEMA_COLUMN, "deleted_at") &&
        (strncmp(object->definition, "CREATE UNIQUE", 13) == 0 ||
         strncmp(object->definition, "UNIQUE", 6) == 0) &&
        !strstr(object->definition, "deleted_at"))
        find(inspection, unique, "TM105");
}

/* ---- tables ---- */

static void check_policy(const struct inspection *inspection, size_t policy)
{
    const char *definition = inspection->schema->objects[policy].definition;
    const char *reads = strstr(definition, "using (");
    const char *check = strstr(definition, "with check (");
    const char *test = reads ? strstr(reads, "deleted_at IS NULL") : NULL;
    bool for_reading = strstr(definition, " for select") || !strstr(definition, " for ");

    if (for_reading && test && (!check || test < check))
        find(inspection, policy, "TM106");
}

static void check_security(const struct inspection *inspection, size_t table)
{
    if (!has_option(inspection->schema, table, "row level security"))
        find(inspection, table, "TM206");
    else if (!has_child(inspection->schema, table, SCHEMA_POLICY, NULL))
        find(inspection, table, "TM207");
}

static bool has_primary_key(const struct schema *schema, size_t table)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->objects[i].kind == SCHEMA_CONSTRAINT &&
            schema->objects[i].owner == table &&
            strncmp(schema->objects[i].definition, "PRIMARY KEY", 11) == 0)
            return true;
    return false;
}

static void check_table(const struct inspection *inspection, size_t table)
{
    const struct schema *schema = inspection->schema;

    check_name(inspection, table);
    if (!has_primary_key(schema, table))
        find(inspection, table, "TM160");
    else if (!has_child(schema, table, SCHEMA_TRACKING, NULL))
        find(inspection, table, "TM161");
    if (!has_child(schema, table, SCHEMA_COLUMN, "created_at") ||
        !has_child(schema, table, SCHEMA_COLUMN, "updated_at") ||
        !has_child(schema, table, SCHEMA_COLUMN, "deleted_at"))
        find(inspection, table, "TM205");
    check_security(inspection, table);
}

static void check_object(const struct inspection *inspection, size_t index)
{
    switch (inspection->schema->objects[index].kind) {
    case SCHEMA_TABLE:
        check_table(inspection, index);
        break;
    case SCHEMA_COLUMN:
        check_column(inspection, index);
        break;
    case SCHEMA_INDEX:
        check_index_name(inspection, index);
        check_unique(inspection, index);
        break;
    case SCHEMA_CONSTRAINT:
        check_unique(inspection, index);
        break;
    case SCHEMA_FOREIGN_KEY:
        check_foreign_key(inspection, index);
        break;
    case SCHEMA_POLICY:
        check_policy(inspection, index);
        break;
    case SCHEMA_COMMENT:
        if (lint_bad_allowance(inspection->schema->objects[index].definition, NULL))
            find(inspection, index, "TM399");
        break;
    default:
        break;
    }
}

void lint_schema(const struct schema *schema, const struct lint_schema_config *config,
                 struct lint_findings *findings)
{
    const struct inspection inspection = {
        .schema = schema, .config = config, .findings = findings};

    for (size_t i = 0; i < schema->count; i++) {
        size_t table = table_of(schema, i);

        if (table != SCHEMA_NO_OBJECT && !is_partition(&schema->objects[table]) &&
            is_in_scope(&inspection, &schema->objects[table]))
            check_object(&inspection, i);
    }
}
