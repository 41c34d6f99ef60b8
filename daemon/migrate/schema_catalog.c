#include "daemon/migrate/schema_catalog.h"

#include "daemon/migrate/schema_links.h"
#include "daemon/primary/array_text.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "schema_catalog.sql.h"
#include "schema_links.sql.h"
#include "schema_routines.sql.h"
#include "schema_tables.sql.h"
#include "schema_types.sql.h"

#include <stdlib.h>
#include <string.h>

/* Of every answer. */
enum answer_column {
    ANSWER_KIND,
    ANSWER_IDENTITY,
    ANSWER_DEFINITION,
    ANSWER_CREATE,
    ANSWER_DROP,
    ANSWER_ADDRESS,   /* and the next two */
    ANSWER_OWNER = 8, /* and the next two */
    ANSWER_OCCUPIES = 11,
    ANSWER_ALTER,
    ANSWER_FIXED,
    ANSWER_INLINED,
    ANSWER_TYPE,
    ANSWER_CARRIER, /* and the next two; null at the end may be missing */
};

struct catalog_query {
    const struct sql *sql;
    bool limited; /* takes the list of schemas */
};

static const struct catalog_query queries[] = {
    {&schema_types_sql.schemas, true},
    {&schema_types_sql.extensions, true},
    {&schema_types_sql.enums, true},
    {&schema_types_sql.domains, true},
    {&schema_types_sql.domain_parts, false},
    {&schema_types_sql.composites, true},
    {&schema_types_sql.ranges, true},
    {&schema_types_sql.sequences, true},
    {&schema_types_sql.sequence_owners, false},
    {&schema_tables_sql.tables, true},
    {&schema_tables_sql.columns, false},
    {&schema_tables_sql.not_nulls, false},
    {&schema_tables_sql.defaults, false},
    {&schema_tables_sql.identities, false},
    {&schema_tables_sql.column_options, false},
    {&schema_tables_sql.constraints, false},
    {&schema_tables_sql.indexes, false},
    {&schema_tables_sql.table_options, false},
    {&schema_tables_sql.statistics, false},
    {&schema_routines_sql.routines, true},
    {&schema_routines_sql.views, true},
    {&schema_routines_sql.rules, false},
    {&schema_routines_sql.triggers, false},
    {&schema_routines_sql.trigger_states, false},
    {&schema_routines_sql.policies, false},
    {&schema_routines_sql.tracking, false},
    {&schema_links_sql.comments, false},
    {&schema_links_sql.grants, false},
};

#define QUERY_COUNT (sizeof(queries) / sizeof(queries[0]))

int schema_object_order(const struct schema_object *left,
                        const struct schema_object *right)
{
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return strcmp(left->identity, right->identity);
}

static int order_objects(const void *left, const void *right)
{
    return schema_object_order(left, right);
}

void schema_release(struct schema *schema)
{
    for (size_t i = 0; i < schema->count; i++)
        free(schema->objects[i].needs);
    for (size_t i = 0; i < schema->result_count; i++)
        primary_result_free(&schema->results[i]);
    free(schema->objects);
    free((void *)schema->results);
    *schema = (struct schema){0};
}

/* Indexes stay right only behind the last one that is needed. */
void schema_leave_out(struct schema *schema, enum schema_kind kind)
{
    size_t kept = 0;

    for (size_t i = 0; i < schema->count; i++) {
        if (schema->objects[i].kind == kind)
            free(schema->objects[i].needs);
        else
            schema->objects[kept++] = schema->objects[i];
    }
    schema->count = kept;
}

/* ---- reading ---- */

static void fill_object(struct schema_object *object, const struct primary_result *result,
                        size_t row)
{
    *object = (struct schema_object){
        .kind = schema_kind_from_name(primary_result_text(result, row, ANSWER_KIND)),
        .identity = primary_result_text(result, row, ANSWER_IDENTITY),
        .definition = primary_result_text(result, row, ANSWER_DEFINITION),
        .create = primary_result_text(result, row, ANSWER_CREATE),
        .drop = primary_result_text(result, row, ANSWER_DROP),
        .alter = primary_result_text(result, row, ANSWER_ALTER),
        .fixed = primary_result_text(result, row, ANSWER_FIXED),
        .inlined = primary_result_text(result, row, ANSWER_INLINED),
        .type = primary_result_text(result, row, ANSWER_TYPE),
        .occupies = primary_result_text(result, row, ANSWER_OCCUPIES),
        .owner = SCHEMA_NO_OBJECT,
        .carrier = SCHEMA_NO_OBJECT,
    };
    if (primary_result_text(result, row, ANSWER_ADDRESS))
        object->address = schema_links_address(result, row, ANSWER_ADDRESS);
    if (primary_result_text(result, row, ANSWER_OWNER))
        object->owner_address = schema_links_address(result, row, ANSWER_OWNER);
    if (primary_result_text(result, row, ANSWER_CARRIER))
        object->carrier_address = schema_links_address(result, row, ANSWER_CARRIER);
    if (schema_kind_is_type(object->kind)) {
        object->set_aside = TAKE(object->alter);
        object->drop_aside = TAKE(object->fixed);
    }
}

/* Identities are quoted where need be, and so are names in the queries. */
static enum outcome list_schemas(const struct schema *only, struct buffer *list,
                                 struct error *err)
{
    const char **names = calloc(only->count + 1, sizeof(*names));
    size_t count = 0;

    if (!names)
        return error_out_of_memory(err);
    for (size_t i = 0; i < only->count; i++)
        if (only->objects[i].kind == SCHEMA_SCHEMA)
            names[count++] = only->objects[i].identity;
        else if (only->objects[i].kind == SCHEMA_EXTENSION)
            names[count++] = only->objects[i].fixed;
    array_text_append(list, names, count);
    free((void *)names);
    return buffer_check(list, err);
}

static enum outcome run_queries(struct primary *primary, struct schema *schema,
                                const char *only, struct error *err)
{
    schema->results = calloc(QUERY_COUNT, sizeof(struct primary_result *));
    if (!schema->results)
        return error_out_of_memory(err);
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        if (primary_query(primary, queries[i].sql, &only, queries[i].limited,
                          &schema->results[i], err) == FAILED)
            return FAILED;
        schema->result_count++;
        schema->count += primary_result_rows(schema->results[i]);
    }
    return OK;
}

static enum outcome fill_objects(struct schema *schema, struct error *err)
{
    size_t next = 0;

    schema->objects = calloc(schema->count + 1, sizeof(*schema->objects));
    if (!schema->objects) {
        schema->count = 0;
        return error_out_of_memory(err);
    }
    for (size_t i = 0; i < schema->result_count; i++)
        for (size_t row = 0; row < primary_result_rows(schema->results[i]); row++)
            fill_object(&schema->objects[next++], schema->results[i], row);
    return OK;
}

/* ---- owners ---- */

/* Drops what belongs to something that is not looked at, with all that belongs to that.
 */
static bool leave_out_orphans(struct schema *schema)
{
    size_t kept = 0;
    size_t count = schema->count;

    for (size_t i = 0; i < count; i++)
        if (!schema->objects[i].owner_address.class_id ||
            schema->objects[i].owner != SCHEMA_NO_OBJECT)
            schema->objects[kept++] = schema->objects[i];
    schema->count = kept;
    return kept < count;
}

static enum outcome link_objects(struct primary *primary, struct schema *schema,
                                 struct error *err)
{
    OWNED(schema_links_release) struct schema_links links = {0};

    qsort(schema->objects, schema->count, sizeof(*schema->objects), order_objects);
    if (schema_links_read(&links, primary, err) == FAILED)
        return FAILED;
    do {
        if (schema_links_own(&links, schema, err) == FAILED)
            return FAILED;
    } while (leave_out_orphans(schema));
    return schema_links_need(&links, schema, err);
}

enum outcome schema_read(struct primary *primary, const struct schema *only,
                         struct schema *out_schema, struct error *err)
{
    OWNED(schema_release) struct schema schema = {0};
    OWNED(buffer_release) struct buffer list = {0};

    if ((only && list_schemas(only, &list, err) == FAILED) ||
        primary_run(primary, &schema_catalog_sql.qualify_names, NULL, 0, err) == FAILED ||
        run_queries(primary, &schema, list.data, err) == FAILED ||
        fill_objects(&schema, err) == FAILED ||
        link_objects(primary, &schema, err) == FAILED)
        return FAILED;
    *out_schema = TAKE(schema);
    return OK;
}
