#include "daemon/sync/push_isolate.h"

#include "daemon/primary/primary.h"
#include "daemon/primary/primary_transaction.h"
#include "daemon/sync/push_part.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdlib.h>

#define SWEEPS 3
#define PAUSE_US (200 * US_PER_MS)

struct suspects {
    struct push_refusals
        refusals; /* those that are about something else are passed over */
    bool *got_through;
    bool *leans_on_others;
};

static void suspects_release(struct suspects *suspects)
{
    push_refusals_release(&suspects->refusals);
    free(suspects->got_through);
    free(suspects->leans_on_others);
}

static enum outcome find_suspects(const struct push_isolation *isolation,
                                  struct suspects *suspects, struct error *err)
{
    struct push_context *context = isolation->delivery->context;
    enum outcome outcome = push_deliver(isolation->delivery, err);

    primary_end_reading(context->primary);
    if (outcome != NOTHING)
        return outcome;
    suspects->refusals = TAKE(context->refusals);
    suspects->got_through = calloc(suspects->refusals.count, sizeof(bool));
    suspects->leans_on_others = calloc(suspects->refusals.count, sizeof(bool));
    if (!suspects->got_through || !suspects->leans_on_others)
        return error_out_of_memory(err);
    return NOTHING;
}

static bool is_suspect(const struct suspects *suspects, size_t number)
{
    return push_may_be_stubborn(suspects->refusals.items[number].sqlstate) &&
           !suspects->got_through[number];
}

/* ---- each by itself ---- */

/* Whatever comes of it is undone: the next one finds nothing locked. */
static enum outcome try_alone(const struct push_isolation *isolation,
                              struct suspects *suspects, size_t number,
                              enum push_frame *frame, struct error *err)
{
    struct push_context *context = isolation->delivery->context;
    int64_t ordinal = suspects->refusals.items[number].ordinal;
    struct push_range row = {ordinal, ordinal};
    const struct push_ranges only = {.items = &row, .count = 1};
    struct push_complaint complaint;
    enum outcome outcome = push_part_run(context, frame, &only, &complaint, err);

    if (outcome == FAILED)
        return FAILED;
    *frame = PUSH_FRAME_REFUSED;
    suspects->got_through[number] = outcome == OK;
    if (outcome == NOTHING && !push_may_be_stubborn(complaint.words.sqlstate))
        suspects->leans_on_others[number] = true;
    return OK;
}

static enum outcome sweep(const struct push_isolation *isolation,
                          struct suspects *suspects, struct error *err)
{
    struct primary *primary = isolation->delivery->context->primary;
    enum push_frame frame = PUSH_FRAME_NEW;
    enum outcome outcome;

    /* a wake-up that ends the pause early does no harm */
    if (primary_wait(primary, -1, PAUSE_US, err) == FAILED ||
        push_ledger_open(isolation->ledger, isolation->device, isolation->push_id, err) ==
            FAILED)
        return FAILED;
    outcome = OK;
    for (size_t i = 0; outcome == OK && i < suspects->refusals.count; i++)
        if (is_suspect(suspects, i))
            outcome = try_alone(isolation, suspects, i, &frame, err);
    primary_end_reading(primary);
    return outcome;
}

/* ---- who is to blame ---- */

static bool is_to_blame(const struct push_isolation *isolation,
                        const struct suspects *suspects, size_t number)
{
    if (!is_suspect(suspects, number))
        return false;
    return !suspects->leans_on_others[number] ||
           isolation->device->failures >= PUSH_PATIENCE_WITH_DEPENDANTS;
}

static enum outcome set_aside(const struct push_isolation *isolation,
                              const struct suspects *suspects, struct error *err)
{
    struct staging *staging = isolation->delivery->context->staging;
    int64_t ignored;

    for (size_t i = 0; i < suspects->refusals.count; i++) {
        const struct push_refusal *refusal = &suspects->refusals.items[i];
        struct staged_refusal reason = {refusal->sqlstate, refusal->message,
                                        refusal->constraint};

        if (is_to_blame(isolation, suspects, i) &&
            staging_refuse(staging, refusal->ordinal, &reason, err) == FAILED)
            return FAILED;
    }
    return staging_close(staging, &ignored, err);
}

static enum outcome isolate(const struct push_isolation *isolation,
                            struct suspects *suspects, struct error *err)
{
    enum outcome outcome;

    if (push_ledger_open(isolation->ledger, isolation->device, isolation->push_id, err) ==
        FAILED)
        return FAILED;
    outcome = find_suspects(isolation, suspects, err);
    /* what was set aside meanwhile may have been for a suspect that is innocent */
    if (outcome == FAILED ||
        staging_take_back(isolation->delivery->context->staging, err) == FAILED)
        return FAILED;
    for (int i = 0; outcome == NOTHING && i < SWEEPS; i++)
        if (sweep(isolation, suspects, err) == FAILED)
            return FAILED;
    return outcome;
}

enum outcome push_isolate(const struct push_isolation *isolation, struct error *err)
{
    OWNED(suspects_release) struct suspects suspects = {0};
    struct push_context *context = isolation->delivery->context;
    enum outcome outcome;

    context->isolates = true;
    outcome = isolate(isolation, &suspects, err);
    context->isolates = false;
    if (outcome != NOTHING)
        return outcome;
    return set_aside(isolation, &suspects, err);
}
