#include "daemon/migrate/schema_links.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/array.h"
#include "schema_links.sql.h"

#include <stdlib.h>

#define ALIAS_DEPTH 8

struct schema_address schema_links_address(const struct primary_result *result,
                                           size_t row, size_t column)
{
    return (struct schema_address){
        .class_id = (uint32_t)primary_result_int(result, row, column),
        .object_id = (uint32_t)primary_result_int(result, row, column + 1),
        .sub_id = (int32_t)primary_result_int(result, row, column + 2),
    };
}

enum outcome schema_links_read(struct schema_links *links, struct primary *primary,
                               struct error *err)
{
    if (primary_query(primary, &schema_links_sql.aliases, NULL, 0, &links->aliases,
                      err) == FAILED ||
        primary_query(primary, &schema_links_sql.dependencies, NULL, 0,
                      &links->dependencies, err) == FAILED)
        return FAILED;
    links->alias_count = primary_result_rows(links->aliases);
    return OK;
}

void schema_links_release(struct schema_links *links)
{
    primary_result_free(&links->aliases);
    primary_result_free(&links->dependencies);
    free(links->items);
    *links = (struct schema_links){0};
}

/* ---- looking up ---- */

static int order_addresses(const struct schema_address *left,
                           const struct schema_address *right)
{
    if (left->class_id != right->class_id)
        return left->class_id < right->class_id ? -1 : 1;
    if (left->object_id != right->object_id)
        return left->object_id < right->object_id ? -1 : 1;
    if (left->sub_id != right->sub_id)
        return left->sub_id < right->sub_id ? -1 : 1;
    return 0;
}

/* Objects before aliases of the same address. */
static int order_links(const void *left, const void *right)
{
    const struct schema_link *first = left;
    const struct schema_link *second = right;
    int order = order_addresses(&first->from, &second->from);

    return order ? order
                 : (first->object == SCHEMA_NO_OBJECT) -
                       (second->object == SCHEMA_NO_OBJECT);
}

static const struct schema_link *look_up(const struct schema_links *links,
                                         const struct schema_address *address)
{
    size_t low = 0;
    size_t high = links->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (order_addresses(&links->items[middle].from, address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == links->count || order_addresses(&links->items[low].from, address) != 0)
        return NULL;
    return &links->items[low];
}

/* The whole stands for a part that is no object of its own. */
static size_t find(const struct schema_links *links, struct schema_address address)
{
    for (int depth = 0; depth < ALIAS_DEPTH; depth++) {
        const struct schema_link *link = look_up(links, &address);

        if (link && link->object != SCHEMA_NO_OBJECT)
            return link->object;
        if (link)
            address = link->to;
        else if (address.sub_id)
            address.sub_id = 0;
        else
            break;
    }
    return SCHEMA_NO_OBJECT;
}

static enum outcome index_links(struct schema_links *links, const struct schema *schema,
                                struct error *err)
{
    free(links->items);
    links->count = 0;
    links->items = calloc(schema->count + links->alias_count + 1, sizeof(*links->items));
    if (!links->items)
        return error_out_of_memory(err);
    for (size_t i = 0; i < schema->count; i++)
        if (schema->objects[i].address.class_id)
            links->items[links->count++] =
                (struct schema_link){.from = schema->objects[i].address, .object = i};
    for (size_t i = 0; i < links->alias_count; i++)
        links->items[links->count++] =
            (struct schema_link){.from = schema_links_address(links->aliases, i, 0),
                                 .to = schema_links_address(links->aliases, i, 3),
                                 .object = SCHEMA_NO_OBJECT};
    qsort(links->items, links->count, sizeof(*links->items), order_links);
    return OK;
}

enum outcome schema_links_own(struct schema_links *links, struct schema *schema,
                              struct error *err)
{
    if (index_links(links, schema, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < schema->count; i++) {
        struct schema_object *object = &schema->objects[i];

        object->owner = SCHEMA_NO_OBJECT;
        object->carrier = SCHEMA_NO_OBJECT;
        if (object->owner_address.class_id)
            object->owner = find(links, object->owner_address);
        if (object->carrier_address.class_id)
            object->carrier = find(links, object->carrier_address);
    }
    return OK;
}

/* ---- needs ---- */

static bool owns(const struct schema *schema, size_t owner, size_t object)
{
    while (object != SCHEMA_NO_OBJECT && object != owner)
        object = schema->objects[object].owner;
    return object == owner;
}

static bool has_need(const struct schema_object *object, size_t need)
{
    for (size_t i = 0; i < object->need_count; i++)
        if (object->needs[i] == need)
            return true;
    return false;
}

static enum outcome add_need(struct schema *schema, size_t index, size_t need,
                             struct error *err)
{
    struct schema_object *object = &schema->objects[index];

    if (has_need(object, need))
        return OK;
    if (array_room(&object->needs, object->need_count, err) == FAILED)
        return FAILED;
    object->needs[object->need_count++] = need;
    return OK;
}

static enum outcome need_owners(struct schema *schema, struct error *err)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->objects[i].owner != SCHEMA_NO_OBJECT &&
            add_need(schema, i, schema->objects[i].owner, err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome schema_links_need(const struct schema_links *links, struct schema *schema,
                               struct error *err)
{
    if (need_owners(schema, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < primary_result_rows(links->dependencies); i++) {
        size_t from = find(links, schema_links_address(links->dependencies, i, 0));
        size_t to = find(links, schema_links_address(links->dependencies, i, 3));

        if (from == SCHEMA_NO_OBJECT || to == SCHEMA_NO_OBJECT || owns(schema, from, to))
            continue;
        if (add_need(schema, from, to, err) == FAILED)
            return FAILED;
    }
    return OK;
}
