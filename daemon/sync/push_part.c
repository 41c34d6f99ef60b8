#include "daemon/sync/push_part.h"

#include "daemon/primary/primary.h"
#include "daemon/sync/push_decide.h"
#include "daemon/sync/push_statement.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/sqlstate.h"

#include <stdlib.h>
#include <string.h>

/* ---- ranges ---- */

enum outcome push_ranges_add(struct push_ranges *ranges, struct push_range range,
                             struct error *err)
{
    if (array_room(&ranges->items, ranges->count, err) == FAILED)
        return FAILED;
    ranges->items[ranges->count++] = range;
    return OK;
}

void push_ranges_release(struct push_ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct push_ranges){0};
}

/* ---- one attempt ---- */

/* A statement that was sent. */
struct sent {
    const struct table *table;
    struct push_range rows;
};

struct attempt {
    struct push_context *context;
    struct primary_pipeline pipeline;
    struct sent *sent;
    size_t sent_count;
    size_t answered; /* statements read without an error */
    struct push_ordinals missed;
};

static void attempt_release(struct attempt *attempt)
{
    primary_pipeline_stop(&attempt->pipeline);
    push_ordinals_release(&attempt->missed);
    free(attempt->sent);
}

static enum outcome note_sent(struct attempt *attempt, const struct table *table,
                              struct push_range rows, struct error *err)
{
    if (array_room(&attempt->sent, attempt->sent_count, err) == FAILED)
        return FAILED;
    attempt->sent[attempt->sent_count++] = (struct sent){table, rows};
    return OK;
}

static enum outcome statement_for(const struct staged_group *group,
                                  struct push_statement *out_statement, struct error *err)
{
    static const enum push_verb verbs[] = {[STAGED_INSERT] = PUSH_INSERT,
                                           [STAGED_UPDATE] = PUSH_UPDATE,
                                           [STAGED_DELETE] = PUSH_DELETE};
    struct mirror_push shape = {
        .table = group->table,
        .columns = group->columns,
        .column_count = group->column_count,
        .locals = group->phase != STAGED_DELETE,
        .bases = group->phase != STAGED_INSERT,
    };

    if (group->phase == STAGED_UPDATE && mirror_sql_push_updates_nothing(&shape))
        return NOTHING;
    return push_statement_init(out_statement, verbs[group->phase], &shape, err);
}

static enum outcome send_statement(struct attempt *attempt,
                                   struct push_statement *statement,
                                   struct push_range rows, struct error *err)
{
    if (!statement->row_count)
        return OK;
    if (note_sent(attempt, statement->shape.table, rows, err) == FAILED)
        return FAILED;
    return push_statement_send(statement, &attempt->pipeline, err);
}

static enum outcome add_row(struct attempt *attempt, struct push_statement *statement,
                            const struct staged_row *row, struct error *err)
{
    struct push_row sent = {
        .ordinal = row->ordinal, .row_key = row->row_key, .values = row->values};
    enum outcome outcome = push_statement_add(statement, &sent, err);

    if (outcome == NOTHING)
        return push_refuse_unsendable(attempt->context, row->ordinal, err);
    return outcome;
}

static enum outcome send_group(struct attempt *attempt, const struct staged_group *group,
                               int64_t from, struct error *err)
{
    OWNED(push_statement_release) struct push_statement statement = {0};
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct push_range rows = {from, from};
    struct staged_row row;
    enum outcome outcome = statement_for(group, &statement, err);

    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (staging_reader_new(&reader, attempt->context->staging, group, from, err) ==
        FAILED)
        return FAILED;
    while ((outcome = staging_reader_next(reader, &row, err)) == OK) {
        if (push_statement_is_full(&statement)) {
            if (send_statement(attempt, &statement, rows, err) == FAILED)
                return FAILED;
            rows.from = row.ordinal;
        }
        rows.to = row.ordinal;
        if (add_row(attempt, &statement, &row, err) == FAILED)
            return FAILED;
    }
    if (outcome == FAILED)
        return FAILED;
    return send_statement(attempt, &statement, rows, err);
}

static enum outcome send_range(struct attempt *attempt, struct push_range range,
                               struct error *err)
{
    int64_t at = range.from;
    enum outcome outcome = OK;

    while (outcome == OK && at <= range.to) {
        OWNED(staged_group_release) struct staged_group group = {0};

        outcome = staging_group_at(attempt->context->staging, at, range.to, &group, err);
        if (outcome == OK)
            outcome =
                send_group(attempt, &group, at > group.first ? at : group.first, err);
        at = group.last + 1;
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome send_all(struct attempt *attempt, enum push_frame frame,
                             const struct push_ranges *ranges, struct error *err)
{
    struct primary_pipeline *pipeline = &attempt->pipeline;

    if (push_frame_send(frame, pipeline, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < ranges->count; i++)
        if (send_range(attempt, ranges->items[i], err) == FAILED)
            return FAILED;
    if (push_frame_send_check(pipeline, err) == FAILED)
        return FAILED;
    return primary_pipeline_flush(pipeline, err);
}

static enum outcome read_all(struct attempt *attempt, enum push_frame frame,
                             struct error *err)
{
    struct primary_pipeline *pipeline = &attempt->pipeline;

    if (push_frame_read(frame, pipeline, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < attempt->sent_count; i++) {
        if (push_statement_read_ordinals(pipeline, attempt->sent[i].table,
                                         &attempt->missed, err) == FAILED)
            return FAILED;
        attempt->answered++;
    }
    if (push_frame_read_check(pipeline, err) == FAILED)
        return FAILED;
    return primary_pipeline_finish(pipeline, err);
}

static enum outcome make_attempt(struct attempt *attempt, enum push_frame frame,
                                 const struct push_ranges *ranges, struct error *err)
{
    struct push_context *context = attempt->context;

    if (primary_pipeline_start(&attempt->pipeline, context->primary, err) == FAILED)
        return FAILED;
    if (send_all(attempt, frame, ranges, err) == FAILED ||
        read_all(attempt, frame, err) == FAILED)
        return push_break_off(context, &attempt->pipeline, err);
    push_ordinals_sort(&attempt->missed);
    return push_decide(context, &attempt->missed, err);
}

/* ---- what came of it ---- */

bool push_complaint_may_pass(const struct push_complaint *complaint)
{
    static const char *const states[] = {SQLSTATE_UNIQUE_VIOLATION,
                                         SQLSTATE_FOREIGN_KEY_VIOLATION,
                                         SQLSTATE_EXCLUSION_VIOLATION};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(complaint->words.sqlstate, states[i]) == 0)
            return true;
    return false;
}

static void read_complaint(const struct attempt *attempt,
                           struct push_complaint *out_complaint)
{
    *out_complaint = (struct push_complaint){
        .words = *primary_last_complaint(attempt->context->primary),
        .alone = attempt->sent_count == 1,
    };
    if (attempt->answered < attempt->sent_count)
        out_complaint->statement = attempt->sent[attempt->answered].rows;
}

static enum outcome forget(struct push_context *context, const struct push_ranges *ranges,
                           size_t refusals, struct error *err)
{
    push_refusals_cut(&context->refusals, refusals);
    for (size_t i = 0; i < ranges->count; i++)
        if (push_outcomes_forget(context->outcomes, ranges->items[i].from,
                                 ranges->items[i].to, err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome push_part_run(struct push_context *context, enum push_frame *frame,
                           const struct push_ranges *ranges,
                           struct push_complaint *out_complaint, struct error *err)
{
    OWNED(attempt_release) struct attempt attempt = {.context = context};
    size_t refusals = context->refusals.count;
    struct error reason = {0};

    if (make_attempt(&attempt, *frame, ranges, &reason) == OK) {
        *frame = PUSH_FRAME_KEPT;
        return OK;
    }
    if (!push_is_refusal(context, &reason) || !primary_is_connected(context->primary)) {
        *err = reason;
        return FAILED;
    }
    read_complaint(&attempt, out_complaint);
    *frame = PUSH_FRAME_REFUSED;
    return forget(context, ranges, refusals, err) == FAILED ? FAILED : NOTHING;
}
