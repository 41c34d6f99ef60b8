#include "daemon/primary/catalog_retention.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "catalog_retention.sql.h"

static enum outcome may_read(struct primary *primary, bool *out_may, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(primary, &catalog_retention_sql.may_read, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    *out_may = primary_result_rows(result) && primary_result_bool(result, 0, 0);
    return OK;
}

static void note(struct table_set *set, uint32_t oid, int64_t since_us)
{
    for (size_t i = 0; i < set->table_count; i++)
        if (set->tables[i].oid == oid)
            set->tables[i].deletes_known_since_us = since_us;
}

enum outcome catalog_retention_read(struct primary *primary, struct table_set *set,
                                    struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    bool may = false;

    if (may_read(primary, &may, err) == FAILED)
        return FAILED;
    if (!may)
        return OK;
    if (primary_query(primary, &catalog_retention_sql.purged, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    for (size_t i = 0; i < primary_result_rows(result); i++)
        note(set, (uint32_t)primary_result_int(result, i, 0),
             primary_result_int(result, i, 1));
    return OK;
}
