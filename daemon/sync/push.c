#include "daemon/sync/push.h"

#include "daemon/primary/primary.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "daemon/sync/push_context.h"
#include "daemon/sync/push_delivery.h"
#include "daemon/sync/push_filing.h"
#include "daemon/sync/push_isolate.h"
#include "daemon/sync/push_ledger.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault_point.h"
#include "lib/model/conflict_rule.h"
#include "lib/store/outbox_hold.h"

#include <stdlib.h>
#include <string.h>

/* So often in a row the schema is read again before its errors are the rows' own. */
#define SCHEMA_PATIENCE 2

struct push {
    struct database *db;
    struct push_context context;
    struct push_ledger ledger;
    unsigned schema_failures; /* in a row */
    bool hold_is_ours;        /* what the cache holds back was found by this process */
    bool has_held;
    struct error held;
};

enum outcome push_new(struct push **out_push, struct primary *primary,
                      struct cache *cache, struct error *err)
{
    struct push *push = calloc(1, sizeof(*push));

    if (!push)
        return error_out_of_memory(err);
    push->db = cache->db;
    push->context.primary = primary;
    push->ledger = (struct push_ledger){.primary = primary, .db = cache->db};
    if (staging_new(&push->context.staging, cache->db, err) == FAILED ||
        push_outcomes_new(&push->context.outcomes, cache->db, err) == FAILED) {
        push_free(push);
        return FAILED;
    }
    *out_push = push;
    return OK;
}

void push_free(struct push *push)
{
    if (!push)
        return;
    staging_free(push->context.staging);
    push_outcomes_free(push->context.outcomes);
    push_refusals_release(&push->context.refusals);
    free(push);
}

/* ---- a push whose answer was lost ---- */

static enum outcome settle(struct push *push, const struct outbox_tables *tables,
                           const struct push_in_flight *in_flight, struct error *err)
{
    struct push_device device;
    enum push_fate fate;

    if (push_record_device(push->db, &device, err) == FAILED ||
        push_ledger_ask(&push->ledger, &device, in_flight->push_id, &fate, err) == FAILED)
        return FAILED;
    if (fate == PUSH_ARRIVED)
        return push_record_finish(push->db, tables, in_flight, err);
    return push_record_forget(push->db, in_flight, fate == PUSH_UNKNOWN, err);
}

enum outcome push_resolve(struct push *push, const struct outbox_tables *tables,
                          struct error *err)
{
    struct push_in_flight in_flight;
    enum outcome outcome = push_record_in_flight(push->db, &in_flight, err);

    if (outcome == OK)
        outcome = settle(push, tables, &in_flight, err) == FAILED ? FAILED : OK;
    /* it was held back for a push that is settled now; whether it must be is seen again
     */
    if (outcome != FAILED && !push->hold_is_ours &&
        push_release_held(push, err) == FAILED)
        return FAILED;
    return outcome;
}

/* ---- what is held back ---- */

const struct error *push_held(const struct push *push)
{
    return push->has_held ? &push->held : NULL;
}

enum outcome push_release_held(struct push *push, struct error *err)
{
    OWNED(outbox_hold_release) struct outbox_hold held = {0};
    const struct outbox_hold nothing = {0};

    push->has_held = false;
    push->hold_is_ours = true;
    if (outbox_hold_read(&held, push->db, err) == FAILED)
        return FAILED;
    return held.count ? outbox_hold_write(&nothing, push->db, err) : OK;
}

/* The first reason is what people see; the GRANTs of the others join it. */
static void note_reason(struct push *push, const struct error *reason)
{
    struct error first = push->held;

    if (!push->has_held) {
        push->held = *reason;
        error_hint(&push->held, "%s;", reason->hint);
    } else if (!strstr(first.hint, reason->hint)) {
        error_hint(&push->held, "%s %s;", first.hint, reason->hint);
    }
    push->has_held = true;
}

static enum outcome hold_back(struct push *push, const struct outbox_tables *tables,
                              struct error *err)
{
    OWNED(outbox_hold_release) struct outbox_hold held = {0};
    int64_t table_id = outbox_tables_id(tables, push->context.lacking);

    if (outbox_hold_read(&held, push->db, err) == FAILED)
        return FAILED;
    note_reason(push, err);
    push->hold_is_ours = true;
    if (outbox_hold_add(&held, table_id, err) == FAILED ||
        outbox_hold_close(&held, push->db, tables, err) == FAILED)
        return FAILED;
    return outbox_hold_write(&held, push->db, err);
}

enum outcome push_start_over(struct push *push, struct error *err)
{
    struct push_in_flight in_flight;
    enum outcome outcome = push_record_in_flight(push->db, &in_flight, err);

    if (outcome == FAILED ||
        (outcome == OK && push_record_forget(push->db, &in_flight, false, err) == FAILED))
        return FAILED;
    return push_record_new_device(push->db, err);
}

/* ---- one push ---- */

/* What may have to be written in place of an update whose row is gone, or shown. */
static bool wants_whole_rows(const struct table *table)
{
    return conflict_rule_wants_whole_row(table->conflict_policy);
}

static enum outcome fill(struct push *push, const struct push_request *request,
                         struct staging_summary *out_staged, struct error *err)
{
    struct staging_request wanted = {
        .tables = request->tables,
        .through = request->through,
        .wants_whole_rows = wants_whole_rows,
    };
    enum outcome outcome = staging_fill(push->context.staging, &wanted, out_staged, err);

    if (outcome == OK && out_staged->unknown_table_id)
        return error_set(err, ERROR_SCHEMA,
                         "there are local changes of table %lld, which is not mirrored",
                         (long long)out_staged->unknown_table_id);
    return outcome;
}

/* What one attempt is about. */
struct attempt {
    struct push *push;
    const struct outbox_tables *tables;
    struct staging_summary staged;
    struct push_device device;
    struct push_in_flight in_flight;
};

static struct push_delivery delivery_of(const struct attempt *attempt)
{
    return (struct push_delivery){
        .context = &attempt->push->context,
        .db = attempt->push->db,
        .tables = attempt->tables,
        .row_count = attempt->staged.row_count,
        .through = attempt->staged.through,
    };
}

static enum outcome deliver(struct attempt *attempt, struct error *err)
{
    struct push_delivery delivery = delivery_of(attempt);

    attempt->push->context.clock_offset_us = attempt->push->ledger.clock_offset_us;
    if (push_deliver(&delivery, err) == FAILED)
        return FAILED;
    fault_point("push.rows_sent");
    return OK;
}

/* Only where the server said no is it certain that the push did not arrive. Otherwise the
 * record stays, and the ledger is asked before anything else is sent. */
static enum outcome commit(struct attempt *attempt, struct error *err)
{
    struct push *push = attempt->push;
    struct error later;

    fault_point("push.before_commit");
    if (primary_commit(push->context.primary, err) == OK) {
        fault_point("push.after_commit");
        return OK;
    }
    if (primary_refused_commit(push->context.primary) &&
        push_record_forget(push->db, &attempt->in_flight, false, &later) == FAILED)
        *err = later;
    return FAILED;
}

static enum outcome bring(struct attempt *attempt, struct push_summary *out_summary,
                          struct error *err)
{
    struct push *push = attempt->push;
    struct push_filing filing = {.context = &push->context,
                                 .db = push->db,
                                 .push = &attempt->in_flight,
                                 .row_count = attempt->staged.row_count};

    fault_point("push.ledger_moved");
    if (deliver(attempt, err) == FAILED ||
        push_file(&filing, out_summary, err) == FAILED) {
        primary_end_reading(push->context.primary);
        return FAILED;
    }
    return commit(attempt, err);
}

/* After a few attempts that should not have failed a row may be to blame. */
static enum outcome isolate(struct attempt *attempt, struct error *err)
{
    struct push_delivery delivery = delivery_of(attempt);
    const struct push_isolation isolation = {
        .delivery = &delivery,
        .ledger = &attempt->push->ledger,
        .device = &attempt->device,
        .push_id = attempt->in_flight.push_id,
    };

    if (attempt->device.failures < PUSH_PATIENCE)
        return OK;
    return push_isolate(&isolation, err);
}

static enum outcome make(struct attempt *attempt, struct push_summary *out_summary,
                         struct error *err)
{
    struct push *push = attempt->push;

    push->context.schema_is_settled = push->schema_failures >= SCHEMA_PATIENCE;
    if (isolate(attempt, err) == FAILED ||
        push_ledger_open(&push->ledger, &attempt->device, attempt->in_flight.push_id,
                         err) == FAILED ||
        bring(attempt, out_summary, err) == FAILED)
        return FAILED;
    return push_record_finish(push->db, attempt->tables, &attempt->in_flight, err);
}

/* Beyond the longest patience nothing follows from it, and the cache is left alone. */
static bool is_counted(const struct attempt *attempt, const struct error *err)
{
    return primary_is_connected(attempt->push->context.primary) &&
           push_may_be_stubborn(push_sqlstate(err)) &&
           attempt->device.failures < PUSH_PATIENCE_WITH_DEPENDANTS;
}

/* The next process is to know it too. */
static enum outcome count_failure(const struct attempt *attempt, struct error *err)
{
    struct error later;

    if (is_counted(attempt, err) &&
        push_record_put_failures(attempt->push->db, attempt->device.failures + 1,
                                 &later) == FAILED)
        *err = later;
    return FAILED;
}

static enum outcome run_once(struct push *push, const struct push_request *request,
                             struct push_summary *out_summary, struct error *err)
{
    struct attempt attempt = {.push = push, .tables = request->tables};
    enum outcome outcome = fill(push, request, &attempt.staged, err);

    if (outcome != OK)
        return outcome;
    attempt.in_flight.through = attempt.staged.through;
    if (push_record_new_id(attempt.in_flight.push_id, err) == FAILED ||
        push_record_device(push->db, &attempt.device, err) == FAILED)
        return FAILED;
    if (make(&attempt, out_summary, err) == FAILED)
        return count_failure(&attempt, err);
    return attempt.device.failures ? push_record_put_failures(push->db, 0, err) : OK;
}

/* Again without the tables that turn out to be closed to us. */
static enum outcome run(struct push *push, const struct push_request *request,
                        struct push_summary *out_summary, struct error *err)
{
    for (size_t i = 0; i < request->tables->count; i++) {
        enum outcome outcome;

        push->context.lacking = NULL;
        outcome = run_once(push, request, out_summary, err);
        if (outcome != FAILED || !push->context.lacking)
            return outcome;
        if (hold_back(push, request->tables, err) == FAILED)
            return FAILED;
    }
    return run_once(push, request, out_summary, err);
}

enum outcome push_run(struct push *push, const struct push_request *request,
                      struct push_summary *out_summary, struct error *err)
{
    enum outcome outcome = push_resolve(push, request->tables, err);

    if (outcome != FAILED)
        outcome = run(push, request, out_summary, err);
    if (outcome == FAILED && err->kind == ERROR_SCHEMA)
        push->schema_failures++;
    else if (outcome != FAILED)
        push->schema_failures = 0;
    return outcome;
}
