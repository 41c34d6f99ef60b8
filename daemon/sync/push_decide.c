#include "daemon/sync/push_decide.h"

#include "daemon/sync/push_settle.h"
#include "daemon/sync/push_verdict.h"
#include "lib/base/cleanup.h"
#include "lib/model/sqlstate.h"

#include <stdlib.h>
#include <string.h>

/* Reading a row anew costs about as much as reading on over so many. */
#define WORTH_READING_OVER 64

/* Rows of one group that are asked for in one statement: missed[first … first + count).
 */
struct look {
    struct staged_group group;
    size_t first;
    size_t count;
};

/* As many of them as are asked for at once. */
struct looks {
    enum push_verb verb;
    const struct push_ordinals *wanted;
    size_t at; /* of the wanted: so many were asked for */
    struct look *items;
    size_t count;
};

static void looks_clear(struct looks *looks)
{
    for (size_t i = 0; i < looks->count; i++)
        staged_group_release(&looks->items[i].group);
    looks->count = 0;
}

static void looks_release(struct looks *looks)
{
    looks_clear(looks);
    free(looks->items);
}

/* ---- sending ---- */

/* The rows up to the statement's limit, or to the end of the group. */
static enum outcome add_rows(struct push_context *context, struct look *look,
                             struct push_statement *statement,
                             const struct push_ordinals *wanted, struct error *err)
{
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct staged_row row = {.ordinal = INT64_MIN};
    size_t at = look->first;

    for (; at < wanted->count && wanted->items[at] <= look->group.last &&
           !push_statement_is_full(statement);
         at++) {
        int64_t ordinal = wanted->items[at];
        struct push_row sent = {.ordinal = ordinal};

        if (!reader || ordinal - row.ordinal > WORTH_READING_OVER) {
            push_reader_free(&reader);
            if (push_read_row(context, &look->group, ordinal, &reader, &row, err) ==
                FAILED)
                return FAILED;
        }
        while (row.ordinal < ordinal)
            if (staging_reader_next(reader, &row, err) != OK)
                return FAILED;
        sent.row_key = row.row_key;
        sent.values = row.values;
        if (push_statement_add(statement, &sent, err) == FAILED)
            return FAILED;
    }
    look->count = at - look->first;
    return OK;
}

static struct mirror_push shape_of(const struct staged_group *group, enum push_verb verb)
{
    if (verb == PUSH_VISIBLE)
        return (struct mirror_push){.table = group->table};
    return (struct mirror_push){
        .table = group->table,
        .columns = group->columns,
        .column_count = group->column_count,
        .locals = group->phase != STAGED_DELETE,
        .bases = group->phase != STAGED_INSERT,
    };
}

static enum outcome send_look(struct push_context *context,
                              struct primary_pipeline *pipeline,
                              const struct looks *looks, struct look *look,
                              struct error *err)
{
    OWNED(push_statement_release) struct push_statement statement = {0};
    struct mirror_push shape;

    if (staging_group_at(context->staging, looks->wanted->items[look->first], INT64_MAX,
                         &look->group, err) == FAILED)
        return FAILED;
    shape = shape_of(&look->group, looks->verb);
    if (push_statement_init(&statement, looks->verb, &shape, err) == FAILED ||
        add_rows(context, look, &statement, looks->wanted, err) == FAILED)
        return FAILED;
    return push_statement_send(&statement, pipeline, err);
}

/* As many rows as one statement may have, whatever groups they are of. */
static enum outcome send_looks(struct push_context *context,
                               struct primary_pipeline *pipeline, struct looks *looks,
                               struct error *err)
{
    size_t end = looks->at + PUSH_LOOK_ROWS;

    looks_clear(looks);
    while (looks->at < looks->wanted->count && looks->at < end) {
        struct look *look = &looks->items[looks->count++];

        *look = (struct look){.first = looks->at};
        if (send_look(context, pipeline, looks, look, err) == FAILED)
            return FAILED;
        looks->at += look->count;
    }
    return primary_pipeline_flush(pipeline, err);
}

/* ---- reading ---- */

struct decision {
    struct push_context *context;
    struct push_settles settles;
    struct push_ordinals gone;   /* not to be had under a lock */
    struct push_ordinals hidden; /* of these: may be seen */
    struct wire_field *fields;
    struct value *remote;
    struct buffer scratch;
    bool *found; /* by position among the missed */
};

static void decision_release(struct decision *decision)
{
    push_settles_release(&decision->settles);
    push_ordinals_release(&decision->gone);
    push_ordinals_release(&decision->hidden);
    buffer_release(&decision->scratch);
    free(decision->fields);
    free(decision->remote);
    free(decision->found);
}

static enum outcome decision_init(struct decision *decision, struct push_context *context,
                                  size_t count, struct error *err)
{
    decision->context = context;
    decision->fields =
        calloc(WIRE_ROW_FIELD_LIMIT + PUSH_LOOK_FIELDS, sizeof(*decision->fields));
    decision->remote = calloc(WIRE_ROW_FIELD_LIMIT, sizeof(*decision->remote));
    decision->found = calloc(count + 1, sizeof(*decision->found));
    if (!decision->fields || !decision->remote || !decision->found)
        return error_out_of_memory(err);
    return OK;
}

static void wire_types(const struct table *table, uint32_t *types)
{
    types[0] = column_codec_info(CODEC_BIGINT)->wire_oid;
    types[1] = column_codec_info(CODEC_TEXT)->wire_oid;
    types[2] = types[0];
    for (size_t i = 0; i < table->column_count; i++)
        types[PUSH_LOOK_FIELDS + i] =
            column_codec_info(table->columns[i].codec)->wire_oid;
}

/* Where it is among the missed. */
static size_t position_of(const struct push_ordinals *missed, const struct look *look,
                          int64_t ordinal)
{
    size_t at = look->first;

    while (at < look->first + look->count && missed->items[at] != ordinal)
        at++;
    return at;
}

static enum outcome decide_row(struct decision *decision, const struct look *look,
                               int64_t ordinal, struct error *err)
{
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct push_verdict verdict = {.group = &look->group, .remote = decision->remote};
    struct staged_row row;

    if (wire_row_decode(look->group.table, decision->fields + PUSH_LOOK_FIELDS,
                        &decision->scratch, decision->remote, err) == FAILED ||
        push_verdict_read(&verdict, decision->fields, err) == FAILED ||
        push_read_row(decision->context, &look->group, ordinal, &reader, &row, err) ==
            FAILED)
        return FAILED;
    verdict.row = &row;
    return push_verdict_on_row(decision->context, &verdict, &decision->settles, err);
}

static enum outcome read_look(struct decision *decision,
                              struct primary_pipeline *pipeline, const struct look *look,
                              const struct push_ordinals *missed, struct error *err)
{
    const struct table *table = look->group.table;
    struct primary_statement once = {.name = table->name, .once = true};
    uint32_t types[WIRE_ROW_FIELD_LIMIT + PUSH_LOOK_FIELDS];
    size_t fields = PUSH_LOOK_FIELDS + table->column_count;
    enum outcome outcome;

    wire_types(table, types);
    if (primary_pipeline_next(pipeline, &once, err) == FAILED)
        return FAILED;
    while ((outcome = primary_pipeline_row(pipeline, &once, decision->fields, types,
                                           fields, err)) == OK) {
        int64_t ordinal = push_verdict_ordinal(decision->fields);
        size_t position = position_of(missed, look, ordinal);

        if (position < look->first + look->count)
            decision->found[position] = true;
        if (decide_row(decision, look, ordinal, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome read_looks(struct decision *decision,
                               struct primary_pipeline *pipeline,
                               const struct looks *looks, struct error *err)
{
    for (size_t i = 0; i < looks->count; i++)
        if (read_look(decision, pipeline, &looks->items[i], looks->wanted, err) == FAILED)
            return FAILED;
    return primary_pipeline_finish(pipeline, err);
}

static enum outcome read_visible(struct decision *decision,
                                 struct primary_pipeline *pipeline,
                                 const struct looks *looks, struct error *err)
{
    for (size_t i = 0; i < looks->count; i++)
        if (push_statement_read_ordinals(pipeline, looks->items[i].group.table,
                                         &decision->hidden, err) == FAILED)
            return FAILED;
    return primary_pipeline_finish(pipeline, err);
}

/* ---- a window of rows at a time ---- */

static enum outcome look_at_some(struct decision *decision, struct looks *looks,
                                 struct error *err)
{
    OWNED(primary_pipeline_stop) struct primary_pipeline pipeline = {0};
    struct push_context *context = decision->context;
    enum outcome outcome;

    if (primary_pipeline_start(&pipeline, context->primary, err) == FAILED)
        return FAILED;
    outcome = send_looks(context, &pipeline, looks, err);
    if (outcome == OK)
        outcome = looks->verb == PUSH_LOOK
                      ? read_looks(decision, &pipeline, looks, err)
                      : read_visible(decision, &pipeline, looks, err);
    if (outcome == FAILED)
        return push_break_off(context, &pipeline, err);
    return OK;
}

static enum outcome look_at_all(struct decision *decision, enum push_verb verb,
                                const struct push_ordinals *wanted, struct error *err)
{
    OWNED(looks_release) struct looks looks = {.verb = verb, .wanted = wanted};

    looks.items = calloc(PUSH_LOOK_ROWS, sizeof(*looks.items));
    if (!looks.items)
        return error_out_of_memory(err);
    while (looks.at < wanted->count)
        if (look_at_some(decision, &looks, err) == FAILED)
            return FAILED;
    return OK;
}

/* ---- what was not found ---- */

static enum outcome decide_missing(struct decision *decision, int64_t ordinal,
                                   bool is_hidden, struct error *err)
{
    OWNED(staged_group_release) struct staged_group group = {0};
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct push_context *context = decision->context;
    struct push_verdict verdict = {.group = &group};
    struct staged_row row;

    if (is_hidden)
        return push_refuse_row(context, ordinal, SQLSTATE_INSUFFICIENT_PRIVILEGE,
                               "the row may be read on the primary, but not changed",
                               err);
    if (staging_group_at(context->staging, ordinal, ordinal, &group, err) == FAILED ||
        push_read_row(context, &group, ordinal, &reader, &row, err) == FAILED)
        return FAILED;
    verdict.row = &row;
    return push_verdict_on_gone(context, &verdict, &decision->settles, err);
}

static enum outcome decide_gone(struct decision *decision,
                                const struct push_ordinals *missed, struct error *err)
{
    size_t hidden = 0;

    for (size_t i = 0; i < missed->count; i++)
        if (!decision->found[i] &&
            push_ordinals_add(&decision->gone, missed->items[i], err) == FAILED)
            return FAILED;
    if (look_at_all(decision, PUSH_VISIBLE, &decision->gone, err) == FAILED)
        return FAILED;
    push_ordinals_sort(&decision->hidden);
    for (size_t i = 0; i < decision->gone.count; i++) {
        int64_t ordinal = decision->gone.items[i];
        bool is_hidden =
            hidden < decision->hidden.count && decision->hidden.items[hidden] == ordinal;

        hidden += is_hidden;
        if (decide_missing(decision, ordinal, is_hidden, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome push_decide(struct push_context *context, const struct push_ordinals *missed,
                         struct error *err)
{
    OWNED(decision_release) struct decision decision = {0};

    if (!missed->count)
        return OK;
    if (decision_init(&decision, context, missed->count, err) == FAILED ||
        look_at_all(&decision, PUSH_LOOK, missed, err) == FAILED ||
        decide_gone(&decision, missed, err) == FAILED)
        return FAILED;
    push_settles_sort(&decision.settles);
    return push_settle_rows(context, &decision.settles, err);
}
