/* The engine's half that brings local changes to the primary. */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/store/broken_units.h"
#include "lib/store/carry_over.h"
#include "lib/store/change_counts.h"
#include "lib/store/outbox_quarantine.h"
#include "lib/store/pending.h"
#include "lib/store/push_record.h"

#include <string.h>

/* Counting changes may cost a fiftieth of the time between two counts. */
#define COUNT_COST_FACTOR 50
#define COUNT_CHEAP_US 2000

#define READ_ONLY_TRANSACTION "SQLSTATE 25006"

/* ---- what people see ---- */

static void publish(struct engine *engine)
{
    status_board_set_push(engine->board, &engine->push.status);
    status_board_set_write_lock(engine->board, &engine->write_lock);
}

static void set_push_state(struct engine *engine, enum push_state state,
                           const struct error *reason, int64_t wait_us)
{
    struct status_push *status = &engine->push.status;

    status->state = state;
    status->has_reason = reason != NULL;
    if (reason)
        status->reason = *reason;
    status->next_try_us = wait_us ? clock_now_us() + wait_us : 0;
    publish(engine);
}

/* Applications insert and delete too. */
static void note_counted_tables(struct engine *engine, const struct change_counts *counts)
{
    for (size_t i = 0; i < counts->table_count; i++) {
        struct followed_table *followed =
            followed_set_find(&engine->followed, counts->tables[i].table);

        if (followed && counts->tables[i].pending)
            followed->changed_since_count = true;
    }
}

enum outcome engine_count_changes(struct engine *engine, bool now, struct error *err)
{
    struct engine_push *push = &engine->push;
    OWNED(change_counts_release) struct change_counts counts = {0};
    int64_t start_us = clock_monotonic_us();

    if (!now && push->count_cost_us > COUNT_CHEAP_US &&
        start_us - push->counted_at_us < COUNT_COST_FACTOR * push->count_cost_us) {
        push->counts_are_old = true;
        return OK;
    }
    if (change_counts_read(engine->cache.db, &counts, err) == FAILED)
        return FAILED;
    push->counts_are_old = false;
    push->counted_at_us = clock_monotonic_us();
    push->count_cost_us = push->counted_at_us - start_us;
    note_counted_tables(engine, &counts);
    status_board_set_changes(engine->board, &counts);
    publish(engine);
    engine_notify(engine);
    return OK;
}

const struct error *engine_push_trouble(const struct engine *engine)
{
    const struct status_push *status = &engine->push.status;

    return status->has_reason ? &status->reason : NULL;
}

/* ---- what applications have committed ---- */

/* What no tool of ours can have written must not stop what others wrote. */
static enum outcome set_nonsense_aside(struct engine *engine,
                                       const struct outbox_tables *tables,
                                       struct error *err)
{
    struct engine_push *push = &engine->push;
    int64_t count = 0;

    if (push->checked_sequence >= push->last_sequence)
        return OK;
    if (outbox_quarantine(engine->cache.db, tables, push->checked_sequence,
                          push->last_sequence, &count, err) == FAILED)
        return FAILED;
    push->checked_sequence = push->last_sequence;
    if (count)
        log_warning("%lld entries of the outbox make no sense and were set aside: "
                    "`tidemark rejected` lists them",
                    (long long)count);
    return OK;
}

static int64_t wait_until_us(int64_t at_us)
{
    int64_t now_us = clock_monotonic_us();

    if (!at_us)
        return INT64_MAX;
    return at_us > now_us ? at_us - now_us : 0;
}

int64_t engine_push_wait_us(const struct engine *engine)
{
    int64_t wait_us = wait_until_us(engine->push.retry_at_us);
    int64_t held_us = wait_until_us(engine->push.held_retry_at_us);

    return wait_us < held_us ? wait_us : held_us;
}

/* A try that is due is due once: what now stands in its way may do so for long. */
static void note_time(struct engine_push *push)
{
    if (!wait_until_us(push->retry_at_us))
        push->retry_at_us = 0;
}

/* A failure that a new local change does not cure is waited out. */
static bool is_put_off(const struct engine *engine)
{
    return engine->push.retry_at_us && wait_until_us(engine->push.retry_at_us) > 0;
}

bool engine_push_wants_new_session(const struct engine *engine)
{
    const struct engine_push *push = &engine->push;

    return push->retry_at_us && !wait_until_us(push->retry_at_us) &&
           push->status.has_reason &&
           strcmp(push->status.reason.origin, READ_ONLY_TRANSACTION) == 0;
}

static bool may_push(const struct engine *engine)
{
    const struct engine_push *push = &engine->push;

    return push->status.state != PUSH_BLOCKED && !push->in_recovery &&
           !is_put_off(engine);
}

enum outcome engine_note_changes(struct engine *engine, bool *out_can_push,
                                 struct error *err)
{
    struct engine_push *push = &engine->push;
    int64_t before = push->last_sequence;

    if (outbox_last_sequence(engine->cache.db, &push->last_sequence, err) == FAILED)
        return FAILED;
    *out_can_push = push->last_sequence > before && may_push(engine);
    if (push->last_sequence > before)
        push_boundaries_add(&push->boundaries, push->last_sequence,
                            engine->config.push_batch_rows);
    return OK;
}

/* ---- settling and failing ---- */

static enum outcome need_push(struct engine *engine, struct error *err)
{
    if (engine->push.push)
        return OK;
    return push_new(&engine->push.push, engine->primary, &engine->cache, err);
}

void engine_push_release(struct engine *engine)
{
    push_free(engine->push.push);
    engine->push.push = NULL;
}

static enum outcome forget_cursors(struct engine *engine, struct error *err)
{
    struct database *db = engine->cache.db;

    engine->schema_known = false;
    if (database_begin(db, err) == FAILED || catalog_forget_cursors(db, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}

enum outcome engine_start_over(struct engine *engine, struct error *err)
{
    if (forget_cursors(engine, err) == FAILED || need_push(engine, err) == FAILED ||
        push_start_over(engine->push.push, err) == FAILED)
        return FAILED;
    log_info("everything is copied anew; local changes are kept and sent as from a new "
             "device");
    engine->push.retry_at_us = 0;
    backoff_reset(&engine->push.backoff);
    set_push_state(engine, PUSH_IDLE, NULL, 0);
    return OK;
}

static enum outcome stop_pushing(struct engine *engine, const struct error *err)
{
    if (engine->push.status.state != PUSH_BLOCKED)
        log_outcome(err, "local changes stay here until then; rows still arrive");
    set_push_state(engine, PUSH_BLOCKED, err, 0);
    return OK;
}

static enum outcome put_off(struct engine *engine, const struct error *err)
{
    struct engine_push *push = &engine->push;
    int64_t wait_us = backoff_next_us(&push->backoff);
    char next[48];

    snprintf(next, sizeof(next), "pushing again in %.1f s", (double)wait_us / 1e6);
    log_outcome(err, next);
    push->retry_at_us = clock_monotonic_us() + wait_us;
    set_push_state(engine, PUSH_WAITING, err, wait_us);
    return OK;
}

/* The record stands and nobody knows, or nobody has noted, what became of the push: a
 * round would take its echo for a change of rows that still wait, and leave it out. */
static bool is_in_flight(struct engine *engine)
{
    struct push_in_flight in_flight;
    struct error ignored;

    return push_record_in_flight(engine->cache.db, &in_flight, &ignored) != NOTHING;
}

/* Whether rows can arrive all the same. FAILED: the whole attempt has failed. */
static enum outcome settle_failure(struct engine *engine, struct error *err)
{
    bool schema = err->kind == ERROR_SCHEMA;

    if (schema || err->kind == ERROR_INTERRUPTED ||
        !primary_is_connected(engine->primary) ||
        (err->kind != ERROR_CONFLICT && is_in_flight(engine))) {
        engine->schema_known = engine->schema_known && !schema;
        set_push_state(engine, PUSH_IDLE, NULL, 0);
        return FAILED;
    }
    error_wrap(err, "push");
    return err->kind == ERROR_CONFLICT ? stop_pushing(engine, err) : put_off(engine, err);
}

enum outcome engine_settle_push(struct engine *engine, struct followed_set *followed,
                                struct error *err)
{
    struct outbox_tables tables = followed_set_outbox(followed);
    enum outcome outcome;
    bool ignored;

    if (engine_note_changes(engine, &ignored, err) == FAILED ||
        set_nonsense_aside(engine, &tables, err) == FAILED)
        return FAILED;
    if (engine->push.status.state == PUSH_BLOCKED)
        return OK;
    if (need_push(engine, err) == FAILED)
        return FAILED;
    outcome = push_resolve(engine->push.push, &tables, err);
    if (outcome == OK)
        return followed_set_note_refetches(followed, engine->cache.db, err);
    if (outcome == NOTHING)
        return OK;
    /* what is not known to have arrived must not be mixed with what arrives now */
    if (err->kind != ERROR_CONFLICT || !primary_is_connected(engine->primary))
        return FAILED;
    return stop_pushing(engine, err);
}

/* ---- pushing ---- */

static void count_push(struct engine *engine, const struct push_summary *summary)
{
    struct engine_push *push = &engine->push;
    struct status_push *status = &push->status;

    push_boundaries_forget(&push->boundaries, summary->through);
    status->last_push_us = clock_now_us();
    status->pushes++;
    status->rows += summary->rows;
    status->rejected += summary->rejected;
    status->conflicts += summary->conflicts;
    log_debug("pushed %lld rows", (long long)summary->rows);
    if (summary->rejected)
        log_warning("the primary refused %lld local changes: `tidemark rejected` lists "
                    "them; the others arrived",
                    (long long)summary->rejected);
    if (summary->conflicts)
        log_info("%lld local changes met others: `tidemark conflicts` lists them",
                 (long long)summary->conflicts);
}

static enum outcome push_once(struct engine *engine, int64_t first, int64_t target,
                              struct error *err)
{
    struct outbox_tables tables = followed_set_pushable(&engine->followed);
    struct push_request request = {.tables = &tables};
    struct push_summary summary = {0};
    int64_t batch = engine->config.push_batch_rows;
    int64_t left = 0;
    enum outcome outcome;

    request.through = push_boundaries_after(&engine->push.boundaries, first, batch);
    if (!request.through || request.through > target)
        request.through = target;
    summary.through = request.through;
    outcome = push_run(engine->push.push, &request, &summary, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == OK)
        count_push(engine, &summary);
    outcome = outbox_first_sequence(engine->cache.db, &left, err);
    if (outcome == OK && left <= request.through)
        return error_set(err, ERROR_CORRUPT,
                         "entries up to %lld of the outbox do not leave it",
                         (long long)request.through);
    return outcome == FAILED ? FAILED : OK;
}

/* What comes while this runs waits for the next time: rows must arrive in between. */
static enum outcome push_through(struct engine *engine, int64_t target, struct error *err)
{
    int64_t first;
    enum outcome outcome;

    while ((outcome = outbox_first_sequence(engine->cache.db, &first, err)) == OK &&
           first <= target) {
        if (engine_is_stopping(engine) || engine_is_asked_to_break_off(engine))
            return error_set(err, ERROR_INTERRUPTED, "asked to stop");
        if (engine->push.status.state == PUSH_IDLE)
            set_push_state(engine, PUSH_RUNNING, NULL, 0);
        if (push_once(engine, first, target, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}

bool engine_push_is_held(const struct engine *engine)
{
    const struct engine_push *push = &engine->push;

    return push->held_retry_at_us && !push->retry_at_us &&
           push->status.state == PUSH_WAITING;
}

/* What is held back is tried again, without a new local change. */
static void note_held(struct engine *engine)
{
    struct engine_push *push = &engine->push;
    const struct error *held = push->push ? push_held(push->push) : NULL;

    if (!held) {
        push->held_retry_at_us = 0;
        backoff_reset(&push->held_backoff);
        set_push_state(engine, PUSH_IDLE, NULL, 0);
        return;
    }
    if (!push->held_retry_at_us) {
        if (!push->held_backoff.attempt)
            log_outcome(held, "until that is granted");
        push->held_retry_at_us =
            clock_monotonic_us() + backoff_next_us(&push->held_backoff);
    }
    set_push_state(engine, PUSH_WAITING, held, wait_until_us(push->held_retry_at_us));
}

static enum outcome try_held_again(struct engine *engine, bool asked, struct error *err)
{
    struct engine_push *push = &engine->push;

    if (!push->held_retry_at_us || (!asked && wait_until_us(push->held_retry_at_us) > 0))
        return OK;
    push->held_retry_at_us = 0;
    /* a new one finds out by itself */
    return push->push ? push_release_held(push->push, err) : OK;
}

static enum outcome after_push(struct engine *engine, struct error *err)
{
    struct engine_push *push = &engine->push;

    push->retry_at_us = 0;
    backoff_reset(&push->backoff);
    note_held(engine);
    /* our own news: the round that follows sees it anyway */
    if (primary_wait(engine->primary, -1, 0, err) == FAILED)
        return FAILED;
    return followed_set_note_refetches(&engine->followed, engine->cache.db, err);
}

static const char *why_not_pushable(struct engine *engine, const char *name)
{
    const struct followed_table *followed = followed_set_find(&engine->followed, name);
    const struct table_set *schema = &engine->followed.schema;

    if (followed && followed->failure)
        return followed->failure;
    for (size_t i = 0; i < schema->refusal_count; i++)
        if (table_same_name(schema->refusals[i].name, name))
            return schema->refusals[i].reason;
    return "it is not mirrored at present";
}

/* The queue does not wait for a table that may never come back. */
static enum outcome give_up(struct engine *engine, const char *name, struct error *err)
{
    struct database *db = engine->cache.db;
    char message[300];

    snprintf(message, sizeof(message), "the table cannot be followed: %s",
             why_not_pushable(engine, name));
    log_warning("%s: its local changes are set aside: %s", name, message);
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (catalog_open_gate(db, err) == FAILED ||
        carry_over_reject_all(db, engine->pending, name, message, err) == FAILED ||
        catalog_close_gate(db, err) == FAILED || database_commit(db, err) == FAILED) {
        database_roll_back(db);
        pending_reset(engine->pending);
        return FAILED;
    }
    return OK;
}

static void hold(struct engine *engine, const char *name)
{
    struct error waits;

    engine->push.held = true;
    error_set(&waits, ERROR_TRANSIENT, "changes of %s wait until it has its new shape",
              name);
    set_push_state(engine, PUSH_WAITING, &waits, 0);
}

/* Changes of tables that are not pushed now: a new shape will carry them over. */
static enum outcome look_for_strangers(struct engine *engine, struct error *err)
{
    OWNED(change_tables_release) struct change_tables tables = {0};
    struct outbox_tables pushable = followed_set_pushable(&engine->followed);

    engine->push.held = false;
    if (change_counts_tables(engine->cache.db, &tables, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < tables.count; i++) {
        const char *name = tables.items[i].name;
        const struct followed_table *followed =
            followed_set_find(&engine->followed, name);

        if (outbox_tables_find(&pushable, tables.items[i].table_id))
            continue;
        if (followed && followed->state != TABLE_FAILED)
            hold(engine, name);
        else if (give_up(engine, name, err) == FAILED)
            return FAILED;
    }
    return engine->push.held ? NOTHING : OK;
}

/* What broke a unit of work may have been met while other tables of it were not there. */
static enum outcome refuse_rest_of_units(struct engine *engine, struct error *err)
{
    struct outbox_tables pushable = followed_set_pushable(&engine->followed);
    enum outcome outcome =
        broken_units_settle(engine->cache.db, engine->pending, &pushable, err);

    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    return followed_set_note_refetches(&engine->followed, engine->cache.db, err);
}

/* Nothing is under way, and the outbox has nothing but what is held back. */
static enum outcome conclude_empty(struct engine *engine,
                                   const struct database_version *version,
                                   struct error *err)
{
    struct engine_push *push = &engine->push;

    if (push->status.state != PUSH_IDLE || push->held_retry_at_us)
        return after_push(engine, err);
    push->empty = *version;
    return OK;
}

/* OK: there is nothing to wait for. NOTHING: something else comes first. */
static enum outcome look_for_obstacles(struct engine *engine, bool asked,
                                       const struct database_version *version,
                                       struct error *err)
{
    struct error standby;
    int64_t first;
    enum outcome outcome;

    if (engine->push.status.state == PUSH_BLOCKED)
        return NOTHING;
    outcome = outbox_first_sequence(engine->cache.db, &first, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING)
        return conclude_empty(engine, version, err) == FAILED ? FAILED : NOTHING;
    if (engine->push.in_recovery) {
        error_set(&standby, ERROR_TRANSIENT,
                  "the primary is a hot standby, which takes no changes");
        error_hint(&standby, "let [primary] conninfo name the primary itself, or wait "
                             "until this one is promoted");
        set_push_state(engine, PUSH_WAITING, &standby, 0);
        return NOTHING;
    }
    if (!asked && is_put_off(engine))
        return NOTHING;
    return look_for_strangers(engine, err);
}

enum outcome engine_push(struct engine *engine, bool asked, struct error *err)
{
    struct engine_push *push = &engine->push;
    struct database_version version = push->empty;
    enum outcome outcome;

    note_time(push);
    outcome = database_look(engine->cache.db, &version, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    push->empty = (struct database_version){0};
    engine_note_use(engine);
    if (engine_settle_push(engine, &engine->followed, err) == FAILED ||
        try_held_again(engine, asked, err) == FAILED)
        return FAILED;
    outcome = look_for_obstacles(engine, asked, &version, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (refuse_rest_of_units(engine, err) == FAILED)
        return FAILED;
    outcome = push_through(engine, push->last_sequence, err);
    if (outcome == OK)
        outcome = after_push(engine, err);
    else
        outcome = settle_failure(engine, err);
    if (outcome == OK)
        outcome = engine_count_changes(engine, false, err);
    return outcome;
}
