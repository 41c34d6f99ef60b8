#include "daemon/sync/push_rights.h"

#include "daemon/primary/array_text.h"
#include "lib/base/cleanup.h"
#include "lib/model/sqlstate.h"
#include "push_rights.sql.h"

#include <stdio.h>

/* What a push writes in every row. */
static enum outcome own_columns(const struct table *table, struct buffer *columns,
                                struct error *err)
{
    const char *own[] = {NULL};
    bool writes = table->updated_at != TABLE_NO_COLUMN &&
                  !table->columns[table->updated_at].generated;

    if (writes)
        own[0] = table->columns[table->updated_at].name;
    array_text_append(columns, own, writes);
    return buffer_check(columns, err);
}

static enum outcome refuse(struct push_context *context, const struct table *table,
                           const struct primary_result *result, struct error *err)
{
    context->lacking = table;
    error_set(err, ERROR_AUTH,
              "role %s may not write %s on the primary: its local changes wait, the "
              "others go on",
              primary_result_text(result, 0, 1), table->name);
    snprintf(err->origin, sizeof(err->origin),
             "SQLSTATE " SQLSTATE_INSUFFICIENT_PRIVILEGE);
    return error_hint(err, "%s", primary_result_text(result, 0, 0));
}

enum outcome push_rights_check(struct push_context *context, int64_t ordinal, bool looked,
                               struct error *err)
{
    static const char *const verbs[] = {"insert", "update", "delete"};
    OWNED(staged_group_release) struct staged_group group = {0};
    OWNED(buffer_release) struct buffer columns = {0};
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const char *params[5] = {NULL};

    if (staging_group_at(context->staging, ordinal, ordinal, &group, err) == FAILED)
        return FAILED;
    if (!group.table)
        return OK;
    if (own_columns(group.table, &columns, err) == FAILED)
        return FAILED;
    params[0] = group.table->schema;
    params[1] = group.table->name;
    params[2] = verbs[group.phase];
    params[3] = columns.data;
    params[4] = looked ? "true" : "false";
    if (primary_query(context->primary, &push_rights_sql.missing, params, 5, &result,
                      err) == FAILED)
        return FAILED;
    if (!primary_result_text(result, 0, 0))
        return OK;
    return refuse(context, group.table, result, err);
}
