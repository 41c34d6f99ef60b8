#include "daemon/sync/push_settle.h"

#include "daemon/sync/push_frame.h"
#include "daemon/sync/push_statement.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/sqlstate.h"

#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

enum outcome push_settles_add(struct push_settles *settles, int64_t ordinal,
                              enum push_settle_verb verb, const char *columns,
                              struct error *err)
{
    char *copy;

    if (array_room(&settles->items, settles->count, err) == FAILED)
        return FAILED;
    copy = columns ? strdup(columns) : NULL;
    if (columns && !copy)
        return error_out_of_memory(err);
    settles->items[settles->count++] = (struct push_settle){ordinal, verb, copy};
    return OK;
}

static int by_ordinal(const void *a, const void *b)
{
    const struct push_settle *left = a;
    const struct push_settle *right = b;

    return (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

void push_settles_sort(struct push_settles *settles)
{
    if (settles->count)
        qsort(settles->items, settles->count, sizeof(*settles->items), by_ordinal);
}

void push_settles_release(struct push_settles *settles)
{
    for (size_t i = 0; i < settles->count; i++)
        free(settles->items[i].columns);
    free(settles->items);
    *settles = (struct push_settles){0};
}

/* ---- statements ---- */

/* Neighbours of one group that are written alike, and where their values are. */
struct run {
    struct staged_group group;
    struct push_statement statement;
    size_t *columns;
    size_t *positions;
    struct staged_value *whole; /* room for a row, by column */
};

static void run_release(struct run *run)
{
    staged_group_release(&run->group);
    push_statement_release(&run->statement);
    free(run->columns);
    free(run->positions);
    free(run->whole);
    *run = (struct run){0};
}

static void choose_columns(struct run *run, const struct push_settle *settle,
                           struct mirror_push *shape)
{
    const struct table *table = run->group.table;
    size_t count = 0;

    for (size_t i = 0; settle->verb == SETTLE_UPDATE && i < run->group.column_count; i++)
        if (settle->columns[i] == '1') {
            run->columns[count] = run->group.columns[i];
            run->positions[count++] = i;
        }
    for (size_t i = 0; settle->verb == SETTLE_INSERT && i < table->column_count; i++)
        if (!table->columns[i].generated) {
            run->columns[count] = i;
            run->positions[count++] = i;
        }
    shape->columns = run->columns;
    shape->column_count = count;
}

static enum outcome run_init(struct run *run, struct push_context *context,
                             const struct push_settle *settle, struct error *err)
{
    static const enum push_verb verbs[] = {PUSH_UPDATE, PUSH_DELETE, PUSH_INSERT};
    struct mirror_push shape = {.locals = settle->verb != SETTLE_DELETE};
    size_t room;

    if (staging_group_at(context->staging, settle->ordinal, INT64_MAX, &run->group,
                         err) == FAILED)
        return FAILED;
    shape.table = run->group.table;
    room = shape.table->column_count + 1;
    run->columns = calloc(room, sizeof(*run->columns));
    run->positions = calloc(room, sizeof(*run->positions));
    run->whole = calloc(room, sizeof(*run->whole));
    if (!run->columns || !run->positions || !run->whole)
        return error_out_of_memory(err);
    choose_columns(run, settle, &shape);
    return push_statement_init(&run->statement, verbs[settle->verb], &shape, err);
}

static bool belongs(const struct run *run, const struct push_settle *first,
                    const struct push_settle *settle)
{
    return settle->ordinal <= run->group.last && settle->verb == first->verb &&
           (!settle->columns || strcmp(settle->columns, first->columns) == 0);
}

static const struct staged_value *values_of(struct run *run, const struct staged_row *row,
                                            enum push_settle_verb verb)
{
    if (verb != SETTLE_INSERT)
        return row->values;
    for (size_t i = 0; row->whole && i < run->group.table->column_count; i++)
        run->whole[i].local = row->whole[i];
    return run->whole;
}

static enum outcome add_row(struct run *run, struct push_context *context,
                            const struct push_settle *settle, struct error *err)
{
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct staged_row row;
    struct push_row sent = {.ordinal = settle->ordinal, .positions = run->positions};
    enum outcome outcome;

    if (push_read_row(context, &run->group, settle->ordinal, &reader, &row, err) ==
        FAILED)
        return FAILED;
    sent.row_key = row.row_key;
    sent.values = values_of(run, &row, settle->verb);
    outcome = push_statement_add(&run->statement, &sent, err);
    if (outcome == NOTHING)
        return push_refuse_unsendable(context, settle->ordinal, err);
    return outcome;
}

/* Each statement sent, by the table of its rows. */
struct sent_tables {
    const struct table **items;
    size_t count;
};

static void sent_tables_release(struct sent_tables *sent)
{
    free((void *)sent->items);
}

static enum outcome send_run(struct push_context *context,
                             struct primary_pipeline *pipeline,
                             const struct push_settles *settles, size_t *at,
                             struct sent_tables *sent, struct error *err)
{
    OWNED(run_release) struct run run = {0};
    const struct push_settle *first = &settles->items[*at];

    if (run_init(&run, context, first, err) == FAILED)
        return FAILED;
    for (; *at < settles->count && belongs(&run, first, &settles->items[*at]) &&
           !push_statement_is_full(&run.statement);
         ++*at)
        if (add_row(&run, context, &settles->items[*at], err) == FAILED)
            return FAILED;
    if (!run.statement.row_count)
        return OK;
    sent->items[sent->count++] = run.group.table;
    return push_statement_send(&run.statement, pipeline, err);
}

static enum outcome send_all(struct push_context *context,
                             struct primary_pipeline *pipeline,
                             const struct push_settles *settles, struct sent_tables *sent,
                             struct error *err)
{
    for (size_t at = 0; at < settles->count;)
        if (send_run(context, pipeline, settles, &at, sent, err) == FAILED)
            return FAILED;
    if (push_frame_send_check(pipeline, err) == FAILED)
        return FAILED;
    return primary_pipeline_flush(pipeline, err);
}

static enum outcome read_all(struct primary_pipeline *pipeline,
                             const struct sent_tables *sent, struct push_ordinals *missed,
                             struct error *err)
{
    for (size_t i = 0; i < sent->count; i++)
        if (push_statement_read_ordinals(pipeline, sent->items[i], missed, err) == FAILED)
            return FAILED;
    if (push_frame_read_check(pipeline, err) == FAILED)
        return FAILED;
    return primary_pipeline_finish(pipeline, err);
}

static enum outcome refuse_missed(struct push_context *context,
                                  const struct push_ordinals *missed, struct error *err)
{
    for (size_t i = 0; i < missed->count; i++)
        if (push_refuse_row(context, missed->items[i], SQLSTATE_TRIGGERED_ACTION,
                            "a trigger or a policy of the primary passed the row over",
                            err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome push_settle_rows(struct push_context *context,
                              const struct push_settles *settles, struct error *err)
{
    OWNED(primary_pipeline_stop) struct primary_pipeline pipeline = {0};
    OWNED(sent_tables_release) struct sent_tables sent = {0};
    OWNED(push_ordinals_release) struct push_ordinals missed = {0};

    if (!settles->count)
        return OK;
    sent.items = calloc(settles->count, sizeof(*sent.items));
    if (!sent.items)
        return error_out_of_memory(err);
    if (primary_pipeline_start(&pipeline, context->primary, err) == FAILED)
        return FAILED;
    if (send_all(context, &pipeline, settles, &sent, err) == FAILED ||
        read_all(&pipeline, &sent, &missed, err) == FAILED)
        return push_break_off(context, &pipeline, err);
    return refuse_missed(context, &missed, err);
}
