#include "daemon/sync/push_replay.h"

#include "daemon/primary/primary.h"
#include "daemon/sync/push_statement.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>

/* Each attempt leaves at least one row out; with so many that do not fit the order in
 * which they were changed is not what is wrong. */
#define REPLAY_ATTEMPTS 20

struct replay {
    struct push_context *context;
    struct push_history history;
    size_t *sent; /* steps, in the order of sending */
    size_t sent_count;
};

static void replay_release(struct replay *replay)
{
    push_history_release(&replay->history);
    free(replay->sent);
}

/* ---- one step ---- */

static enum outcome send_values(struct replay *replay, struct primary_pipeline *pipeline,
                                size_t step, const struct push_step_values *values,
                                struct error *err)
{
    OWNED(push_statement_release) struct push_statement statement = {0};
    const struct push_history_step *at = &replay->history.steps[step];
    const struct push_history_row *row = &replay->history.rows[at->row];
    enum push_verb verb = at->operation == OUTBOX_INSERT   ? PUSH_INSERT
                          : at->operation == OUTBOX_DELETE ? PUSH_DELETE
                                                           : PUSH_UPDATE;
    struct mirror_push shape = {.table = row->table,
                                .columns = values->columns,
                                .column_count = values->count,
                                .locals = verb != PUSH_DELETE,
                                .bases = verb != PUSH_INSERT};
    struct push_row sent = {
        .ordinal = row->ordinal, .row_key = row->row_key, .values = values->values};
    enum outcome outcome;

    if (verb == PUSH_UPDATE && mirror_sql_push_updates_nothing(&shape))
        return OK;
    if (push_statement_init(&statement, verb, &shape, err) == FAILED)
        return FAILED;
    outcome = push_statement_add(&statement, &sent, err);
    if (outcome != OK)
        return outcome;
    replay->sent[replay->sent_count++] = step;
    return push_statement_send(&statement, pipeline, err);
}

static enum outcome send_step(struct replay *replay, struct primary_pipeline *pipeline,
                              size_t step, struct error *err)
{
    OWNED(push_step_values_release) struct push_step_values values = {0};
    struct push_history_row *row = &replay->history.rows[replay->history.steps[step].row];
    enum outcome outcome;

    if (row->excluded)
        return OK;
    outcome = push_history_values(&replay->history, replay->context, step, &values, err);
    if (outcome == OK)
        outcome = send_values(replay, pipeline, step, &values, err);
    if (outcome == NOTHING)
        row->excluded = true;
    return outcome == FAILED ? FAILED : OK;
}

/* ---- one attempt ---- */

static enum outcome send_all(struct replay *replay, enum push_frame frame,
                             struct primary_pipeline *pipeline, struct error *err)
{
    replay->sent_count = 0;
    if (push_frame_send(frame, pipeline, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < replay->history.step_count; i++)
        if (send_step(replay, pipeline, i, err) == FAILED)
            return FAILED;
    if (push_frame_send_check(pipeline, err) == FAILED)
        return FAILED;
    return primary_pipeline_flush(pipeline, err);
}

static struct push_history_row *row_of(struct replay *replay, size_t sent)
{
    return &replay->history.rows[replay->history.steps[replay->sent[sent]].row];
}

/* *out_refused: the step that failed; the number of steps when it was the constraints at
 * the end. */
static enum outcome read_all(struct replay *replay, enum push_frame frame,
                             struct primary_pipeline *pipeline, size_t *out_refused,
                             struct error *err)
{
    *out_refused = replay->sent_count;
    if (push_frame_read(frame, pipeline, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < replay->sent_count; i++) {
        OWNED(push_ordinals_release) struct push_ordinals missed = {0};
        struct push_history_row *row = row_of(replay, i);

        *out_refused = i;
        if (push_statement_read_ordinals(pipeline, row->table, &missed, err) == FAILED)
            return FAILED;
        row->excluded = row->excluded || missed.count;
    }
    *out_refused = replay->sent_count;
    if (push_frame_read_check(pipeline, err) == FAILED)
        return FAILED;
    return primary_pipeline_finish(pipeline, err);
}

static size_t count_excluded(const struct replay *replay)
{
    size_t count = 0;

    for (size_t i = 0; i < replay->history.row_count; i++)
        count += replay->history.rows[i].excluded;
    return count;
}

static enum outcome send_and_read(struct replay *replay, enum push_frame frame,
                                  size_t *out_refused, struct error *err)
{
    OWNED(primary_pipeline_stop) struct primary_pipeline pipeline = {0};
    struct push_context *context = replay->context;

    if (primary_pipeline_start(&pipeline, context->primary, err) == FAILED)
        return FAILED;
    if (send_all(replay, frame, &pipeline, err) == OK &&
        read_all(replay, frame, &pipeline, out_refused, err) == OK)
        return OK;
    return push_break_off(context, &pipeline, err);
}

enum attempt {
    ATTEMPT_WENT_IN, /* all rows that are not excluded */
    ATTEMPT_UNDONE,  /* without the rows that are excluded now it may go in */
    ATTEMPT_IN_VAIN, /* undone too, and no row of its own is to blame */
};

/* A row that was passed over, or sent in part, leaves the others' steps in doubt. */
static enum outcome make_attempt(struct replay *replay, enum push_frame *frame,
                                 enum attempt *out_attempt, struct error *err)
{
    struct push_context *context = replay->context;
    size_t excluded = count_excluded(replay);
    size_t refused = 0;
    struct error reason = {0};

    if (send_and_read(replay, *frame, &refused, &reason) == OK) {
        bool whole = count_excluded(replay) == excluded;

        *frame = whole ? PUSH_FRAME_KEPT : PUSH_FRAME_REFUSED;
        *out_attempt = whole ? ATTEMPT_WENT_IN : ATTEMPT_UNDONE;
        return OK;
    }
    if (!push_is_refusal(context, &reason) || !primary_is_connected(context->primary)) {
        *err = reason;
        return FAILED;
    }
    *frame = PUSH_FRAME_REFUSED;
    *out_attempt = refused < replay->sent_count ? ATTEMPT_UNDONE : ATTEMPT_IN_VAIN;
    if (refused < replay->sent_count)
        row_of(replay, refused)->excluded = true;
    return OK;
}

/* ---- all of it ---- */

static enum outcome keep_excluded(const struct replay *replay, struct push_ranges *ranges,
                                  struct error *err)
{
    OWNED(push_ordinals_release) struct push_ordinals left = {0};

    for (size_t i = 0; i < replay->history.row_count; i++)
        if (replay->history.rows[i].excluded &&
            push_ordinals_add(&left, replay->history.rows[i].ordinal, err) == FAILED)
            return FAILED;
    push_ordinals_sort(&left);
    ranges->count = 0;
    for (size_t i = 0; i < left.count; i++)
        if (push_ranges_add(ranges, (struct push_range){left.items[i], left.items[i]},
                            err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome push_replay(const struct push_history_source *source, enum push_frame *frame,
                         struct push_ranges *ranges, struct error *err)
{
    OWNED(replay_release) struct replay replay = {.context = source->context};
    enum outcome outcome = push_history_read(&replay.history, source, err);
    enum attempt attempt = ATTEMPT_UNDONE;

    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    replay.sent = calloc(replay.history.step_count + 1, sizeof(*replay.sent));
    if (!replay.sent)
        return error_out_of_memory(err);
    for (int i = 0; attempt == ATTEMPT_UNDONE && i < REPLAY_ATTEMPTS; i++)
        if (make_attempt(&replay, frame, &attempt, err) == FAILED)
            return FAILED;
    return attempt == ATTEMPT_WENT_IN ? keep_excluded(&replay, ranges, err) : OK;
}
