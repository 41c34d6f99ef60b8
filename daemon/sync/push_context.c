#include "daemon/sync/push_context.h"
#include "lib/base/array.h"
#include "lib/model/sqlstate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- refusals ---- */

static void refusal_release(struct push_refusal *refusal)
{
    free(refusal->message);
    free(refusal->constraint);
}

enum outcome push_refuse(struct push_context *context, const struct push_refusal *refusal,
                         struct error *err)
{
    struct push_refusals *refusals = &context->refusals;
    struct push_refusal copy = *refusal;

    if (array_room(&refusals->items, refusals->count, err) == FAILED)
        return FAILED;
    copy.message = strdup(refusal->message);
    copy.constraint = refusal->constraint ? strdup(refusal->constraint) : NULL;
    if (!copy.message || (refusal->constraint && !copy.constraint)) {
        refusal_release(&copy);
        return error_out_of_memory(err);
    }
    refusals->items[refusals->count++] = copy;
    return OK;
}

enum outcome push_refuse_row(struct push_context *context, int64_t ordinal,
                             const char *sqlstate, const char *message, struct error *err)
{
    struct push_refusal refusal = {.ordinal = ordinal, .message = (char *)message};

    snprintf(refusal.sqlstate, sizeof(refusal.sqlstate), "%s", sqlstate);
    return push_refuse(context, &refusal, err);
}

enum outcome push_refuse_unsendable(struct push_context *context, int64_t ordinal,
                                    struct error *err)
{
    return push_refuse_row(context, ordinal, SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE,
                           "a text holds a NUL byte, which the primary cannot store",
                           err);
}

void push_refusals_cut(struct push_refusals *refusals, size_t count)
{
    while (refusals->count > count)
        refusal_release(&refusals->items[--refusals->count]);
}

void push_refusals_release(struct push_refusals *refusals)
{
    push_refusals_cut(refusals, 0);
    free(refusals->items);
    *refusals = (struct push_refusals){0};
}

/* ---- failures ---- */

const char *push_sqlstate(const struct error *err)
{
    return strncmp(err->origin, "SQLSTATE ", 9) == 0 ? err->origin + 9 : "";
}

bool push_may_be_stubborn(const char *sqlstate)
{
    /* transaction_rollback, operator_intervention, system_error */
    static const char *const classes[] = {"40", "57", "58"};

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

bool push_is_refusal(const struct push_context *context, const struct error *err)
{
    const char *sqlstate = push_sqlstate(err);

    if (!sqlstate[0])
        return false;
    if (err->kind == ERROR_SCHEMA)
        return context->schema_is_settled;
    if (context->isolates && push_may_be_stubborn(sqlstate))
        return true;
    return err->kind == ERROR_REJECTED ||
           strcmp(sqlstate, SQLSTATE_INSUFFICIENT_PRIVILEGE) == 0;
}

enum outcome push_break_off(struct push_context *context,
                            struct primary_pipeline *pipeline, struct error *err)
{
    struct error lost;

    if (push_is_refusal(context, err) && pipeline->active) {
        if (primary_pipeline_leave(pipeline, &lost) == FAILED)
            *err = lost;
    } else {
        primary_pipeline_stop(pipeline);
    }
    return FAILED;
}

/* ---- rows ---- */

void push_reader_free(struct staging_reader **reader)
{
    staging_reader_free(*reader);
    *reader = NULL;
}

enum outcome push_read_row(struct push_context *context, const struct staged_group *group,
                           int64_t ordinal, struct staging_reader **out_reader,
                           struct staged_row *out_row, struct error *err)
{
    struct staging_reader *reader = NULL;
    struct staged_row row;
    enum outcome outcome;

    if (staging_reader_new(&reader, context->staging, group, ordinal, err) == FAILED)
        return FAILED;
    outcome = staging_reader_next(reader, &row, err);
    if (outcome == OK && row.ordinal == ordinal) {
        *out_reader = reader;
        *out_row = row;
        return OK;
    }
    staging_reader_free(reader);
    if (outcome == FAILED)
        return FAILED;
    return error_set(err, ERROR_CORRUPT, "row %lld of the push is not staged",
                     (long long)ordinal);
}
