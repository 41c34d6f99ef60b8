#include "daemon/sync/push_delivery.h"

#include "daemon/sync/push_part.h"
#include "daemon/sync/push_replay.h"
#include "daemon/sync/push_rights.h"
#include "daemon/sync/push_statement.h"
#include "lib/base/cleanup.h"
#include "lib/model/sqlstate.h"

#include <stdlib.h>
#include <string.h>

/* After so many rounds over the rows that are left, what still does not go in is
 * refused. */
#define LAST_ROUNDS 10

struct work {
    const struct push_delivery *delivery;
    struct push_context *context;
    enum push_frame frame;
    struct push_ranges put_off;
};

static void work_release(struct work *work)
{
    push_ranges_release(&work->put_off);
}

/* ---- one range ---- */

static enum outcome try_range(struct work *work, struct push_range range,
                              struct push_complaint *out_complaint, struct error *err)
{
    const struct push_ranges one = {.items = &range, .count = 1};

    return push_part_run(work->context, &work->frame, &one, out_complaint, err);
}

static enum outcome refuse(struct work *work, int64_t ordinal,
                           const struct push_complaint *complaint, struct error *err)
{
    const struct primary_complaint *words = &complaint->words;
    struct push_refusal refusal = {
        .ordinal = ordinal,
        .message = (char *)words->message,
        .constraint = words->constraint[0] ? (char *)words->constraint : NULL,
    };

    memcpy(refusal.sqlstate, words->sqlstate, sizeof(refusal.sqlstate));
    return push_refuse(work->context, &refusal, err);
}

/* Where a refused range is cut: around the statement that failed, else in the middle. */
static int64_t cut_of(struct push_range range, const struct push_complaint *complaint)
{
    struct push_range failed = complaint->statement;

    if (failed.from > range.from)
        return failed.from - 1;
    if (failed.to >= range.from && failed.to < range.to)
        return failed.to;
    return range.from + (range.to - range.from) / 2;
}

static bool is_one_statement(struct push_range range,
                             const struct push_complaint *complaint)
{
    struct push_range failed = complaint->statement;

    return range.from == range.to || complaint->alone ||
           (failed.from && failed.from <= range.from && failed.to >= range.to);
}

/* Of one row, or of one statement, it is known which table it is about. */
static enum outcome look_for_right(struct work *work, struct push_range range,
                                   const struct push_complaint *complaint,
                                   struct error *err)
{
    struct push_range failed = complaint->statement;
    int64_t ordinal = failed.from > range.from ? failed.from : range.from;
    enum push_frame frame = work->frame;

    if (strcmp(complaint->words.sqlstate, SQLSTATE_INSUFFICIENT_PRIVILEGE) != 0 ||
        (!failed.from && range.from != range.to))
        return OK;
    /* until then the transaction takes no questions */
    if (push_frame_end(&frame, work->context->primary, err) == FAILED)
        return FAILED;
    return push_rights_check(work->context, ordinal, !failed.from, err);
}

/* Ranges that wait for their turn; the next one is the last. */
static enum outcome take_range(struct work *work, struct push_ranges *waiting,
                               bool may_put_off, struct error *err)
{
    struct push_range range = waiting->items[--waiting->count];
    struct push_complaint complaint;
    enum outcome outcome = try_range(work, range, &complaint, err);
    int64_t cut;

    if (outcome != NOTHING)
        return outcome;
    if (look_for_right(work, range, &complaint, err) == FAILED)
        return FAILED;
    if (may_put_off && push_complaint_may_pass(&complaint) &&
        is_one_statement(range, &complaint))
        return push_ranges_add(&work->put_off, range, err);
    if (range.from == range.to)
        return refuse(work, range.from, &complaint, err);
    cut = cut_of(range, &complaint);
    if (push_ranges_add(waiting, (struct push_range){cut + 1, range.to}, err) == FAILED)
        return FAILED;
    return push_ranges_add(waiting, (struct push_range){range.from, cut}, err);
}

static enum outcome bring_in(struct work *work, struct push_range range, bool may_put_off,
                             struct error *err)
{
    OWNED(push_ranges_release) struct push_ranges waiting = {0};

    if (push_ranges_add(&waiting, range, err) == FAILED)
        return FAILED;
    while (waiting.count)
        if (take_range(work, &waiting, may_put_off, err) == FAILED)
            return FAILED;
    return OK;
}

/* ---- what was put off ---- */

/* Each for itself, in order; OK when at least one went in. */
static enum outcome try_each(struct work *work, struct error *err)
{
    struct push_ranges *put_off = &work->put_off;
    struct push_complaint complaint;
    size_t left = 0;
    size_t tried = put_off->count;

    for (size_t i = 0; i < tried; i++) {
        enum outcome outcome = try_range(work, put_off->items[i], &complaint, err);

        if (outcome == FAILED)
            return FAILED;
        if (outcome == NOTHING)
            put_off->items[left++] = put_off->items[i];
    }
    put_off->count = left;
    return left < tried ? OK : NOTHING;
}

/* All together first: each may wait for another. */
static enum outcome try_put_off(struct work *work, struct error *err)
{
    struct push_complaint complaint;
    enum outcome outcome = OK;

    while (outcome == OK && work->put_off.count) {
        outcome =
            push_part_run(work->context, &work->frame, &work->put_off, &complaint, err);
        if (outcome == OK)
            work->put_off.count = 0;
        if (outcome == NOTHING && work->put_off.count > 1)
            outcome = try_each(work, err);
    }
    return outcome == FAILED ? FAILED : OK;
}

/* A round over the refused rows that others may have stood in the way of, from `first`
 * on; OK when one went in. */
static enum outcome try_refused(struct work *work, size_t first, struct error *err)
{
    OWNED(push_ordinals_release) struct push_ordinals again = {0};
    struct push_refusals *refusals = &work->context->refusals;
    bool progress = false;

    for (size_t i = first; i < refusals->count; i++)
        if (push_ordinals_add(&again, refusals->items[i].ordinal, err) == FAILED)
            return FAILED;
    push_refusals_cut(refusals, first);
    for (size_t i = 0; i < again.count; i++) {
        struct push_range row = {again.items[i], again.items[i]};
        struct push_complaint complaint;
        enum outcome outcome = try_range(work, row, &complaint, err);

        if (outcome == FAILED ||
            (outcome == NOTHING && refuse(work, row.from, &complaint, err) == FAILED))
            return FAILED;
        progress = progress || outcome == OK;
    }
    return progress ? OK : NOTHING;
}

static enum outcome replay(struct work *work, struct error *err)
{
    struct push_history_source source = {
        .context = work->context,
        .db = work->delivery->db,
        .tables = work->delivery->tables,
        .through = work->delivery->through,
        .ranges = &work->put_off,
    };

    return push_replay(&source, &work->frame, &work->put_off, err);
}

static enum outcome bring_in_put_off(struct work *work, struct error *err)
{
    size_t first = work->context->refusals.count;
    enum outcome outcome = OK;

    if (try_put_off(work, err) == FAILED)
        return FAILED;
    if (work->put_off.count && replay(work, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < work->put_off.count; i++)
        if (bring_in(work, work->put_off.items[i], false, err) == FAILED)
            return FAILED;
    work->put_off.count = 0;
    for (int i = 0; outcome == OK && i < LAST_ROUNDS; i++)
        outcome = work->context->refusals.count > first ? try_refused(work, first, err)
                                                        : NOTHING;
    return outcome == FAILED ? FAILED : OK;
}

/* ---- what is refused, and what goes with it ---- */

/* A row without its parent is no case of its own when the parent was refused. */
static bool waits_for_parent(const struct push_refusal *refusal)
{
    return strcmp(refusal->sqlstate, SQLSTATE_FOREIGN_KEY_VIOLATION) == 0;
}

static enum outcome set_aside(struct work *work, const struct push_refusal *refusal,
                              struct error *err)
{
    struct staged_refusal reason = {refusal->sqlstate, refusal->message,
                                    refusal->constraint};

    return staging_refuse(work->context->staging, refusal->ordinal, &reason, err);
}

static enum outcome is_set_aside(struct work *work, int64_t ordinal, bool *out_is,
                                 struct error *err)
{
    OWNED(staged_group_release) struct staged_group group = {0};
    enum outcome outcome =
        staging_group_at(work->context->staging, ordinal, ordinal, &group, err);

    *out_is = outcome == NOTHING;
    return outcome == FAILED ? FAILED : OK;
}

/* *out_undo: rows that are set aside now have been written in this transaction. */
static enum outcome set_all_aside(struct work *work, bool *out_undo, struct error *err)
{
    struct push_refusals *refusals = &work->context->refusals;
    int64_t added = 0;
    int64_t more = 0;
    bool undo = false;

    for (size_t i = 0; i < refusals->count; i++) {
        undo = undo || refusals->items[i].may_be_there;
        if (!waits_for_parent(&refusals->items[i]) &&
            set_aside(work, &refusals->items[i], err) == FAILED)
            return FAILED;
    }
    if (staging_close(work->context->staging, &added, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < refusals->count; i++) {
        bool already = false;

        if (!waits_for_parent(&refusals->items[i]))
            continue;
        if (is_set_aside(work, refusals->items[i].ordinal, &already, err) == FAILED ||
            (!already && set_aside(work, &refusals->items[i], err) == FAILED))
            return FAILED;
        added -= already;
    }
    if (staging_close(work->context->staging, &more, err) == FAILED)
        return FAILED;
    *out_undo = undo || added + more > 0;
    return OK;
}

/* ---- all of it ---- */

static enum outcome start_over(struct work *work, struct error *err)
{
    push_refusals_cut(&work->context->refusals, 0);
    work->put_off.count = 0;
    if (work->frame != PUSH_FRAME_NEW)
        work->frame = PUSH_FRAME_AGAIN;
    return push_outcomes_forget(work->context->outcomes, 0, INT64_MAX, err);
}

static bool has_suspects(const struct push_context *context)
{
    for (size_t i = 0; context->isolates && i < context->refusals.count; i++)
        if (push_may_be_stubborn(context->refusals.items[i].sqlstate))
            return true;
    return false;
}

/* Each pass without the rows that were set aside in those before. */
enum outcome push_deliver(const struct push_delivery *delivery, struct error *err)
{
    OWNED(work_release)
    struct work work = {
        .delivery = delivery, .context = delivery->context, .frame = PUSH_FRAME_NEW};
    struct push_range all = {1, delivery->row_count};
    bool undo;

    do {
        undo = false;
        if (start_over(&work, err) == FAILED)
            return FAILED;
        if (delivery->row_count && bring_in(&work, all, true, err) == FAILED)
            return FAILED;
        if (work.put_off.count && bring_in_put_off(&work, err) == FAILED)
            return FAILED;
        if (has_suspects(work.context))
            return NOTHING;
        if (work.context->refusals.count && set_all_aside(&work, &undo, err) == FAILED)
            return FAILED;
    } while (undo);
    return push_frame_end(&work.frame, delivery->context->primary, err);
}
