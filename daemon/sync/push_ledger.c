#include "daemon/sync/push_ledger.h"

#include "daemon/observe/log.h"
#include "daemon/primary/primary.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "daemon/sync/push_frame.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/store/catalog.h"
#include "push_ledger.sql.h"

#include <stdio.h>
#include <string.h>

static bool is_standby(const struct push_ledger *ledger)
{
    struct primary_info info;

    primary_describe(ledger->primary, &info);
    return info.in_recovery;
}

static enum outcome refuse_standby(struct error *err)
{
    error_set(err, ERROR_TRANSIENT, "this server is a standby, which takes no changes");
    snprintf(err->origin, sizeof(err->origin), "SQLSTATE 25006");
    return error_hint(err, "local changes wait; name the primary in [primary] conninfo");
}

static enum outcome look_for_ledger(struct push_ledger *ledger, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (ledger->is_there)
        return OK;
    if (primary_query(ledger->primary, &push_ledger_sql.exists, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    ledger->is_there = primary_result_bool(result, 0, 0);
    return OK;
}

/* Names a table that was there a moment ago: the schema tidemark was removed. */
static enum outcome give_up(struct push_ledger *ledger, const struct error *err)
{
    if (err->kind == ERROR_SCHEMA)
        ledger->is_there = false;
    primary_end_reading(ledger->primary);
    return FAILED;
}

/* ---- whose push it names ---- */

/* NULL: none. */
static enum outcome read_last_push(struct push_ledger *ledger, const char *device_id,
                                   bool wait, char out_push[static PUSH_ID_SIZE],
                                   bool *out_found, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const struct sql *query =
        wait ? &push_ledger_sql.look_and_wait : &push_ledger_sql.look;
    const char *const params[] = {device_id};
    const char *text;

    if (primary_query(ledger->primary, query, params, 1, &result, err) == FAILED)
        return FAILED;
    *out_found = primary_result_rows(result) > 0;
    text = *out_found ? primary_result_text(result, 0, 0) : NULL;
    snprintf(out_push, PUSH_ID_SIZE, "%s", text ? text : "");
    return OK;
}

/* ---- the ledger and the cache have parted ---- */

static enum outcome refuse_restored(struct error *err)
{
    error_set(err, ERROR_CONFLICT,
              "the primary was restored to an earlier state: it does not know the last "
              "changes that this cache has pushed to it");
    return error_hint(err, "tidemark resync");
}

/* An id of our own past: the primary is as it was before. Anything else was pushed by a
 * file that says it is this device. */
static enum outcome diverged(struct push_ledger *ledger, const char *named,
                             struct error *err)
{
    bool ours = !named[0];

    if (named[0] && push_record_knows(ledger->db, named, &ours, err) == FAILED)
        return FAILED;
    if (ours)
        return refuse_restored(err);
    error_set(err, ERROR_CONFLICT,
              "this cache file was copied: another one has pushed to the primary under "
              "the same device");
    return error_hint(err, "tidemark resync");
}

/* Whether this is the cluster that the cache is from, and no earlier moment of it. */
static enum outcome look_at_cluster(struct push_ledger *ledger, bool *out_same,
                                    struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    OWNED(catalog_cluster_release) struct catalog_cluster known = {0};
    enum outcome outcome = catalog_cluster(ledger->db, &known, err);

    *out_same = outcome == NOTHING;
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (primary_query(ledger->primary, &push_ledger_sql.identity, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    *out_same = strcmp(known.system_identifier, primary_result_text(result, 0, 0)) == 0 &&
                known.timeline == primary_result_int(result, 0, 1) &&
                known.next_xid <= primary_result_int(result, 0, 2);
    return OK;
}

/* OK: our row is gone, and the primary is not one of before: the ledger was made anew. */
static enum outcome check_lost(struct push_ledger *ledger,
                               const struct push_device *device, struct error *err)
{
    bool same;

    if (look_at_cluster(ledger, &same, err) == FAILED)
        return FAILED;
    return same && !device->primary_changed ? OK : refuse_restored(err);
}

/* A push under way, and no row that could name it. Without a ledger when it was made
 * nobody has promised anything; else a person is told that nobody knows. */
static enum outcome judge_without_row(struct push_ledger *ledger,
                                      const struct push_device *device,
                                      enum push_fate *out_fate, struct error *err)
{
    if (!device->registered) {
        *out_fate = PUSH_UNKNOWN;
        return OK;
    }
    if (check_lost(ledger, device, err) == FAILED)
        return FAILED;
    error_set(err, ERROR_CONFLICT,
              "the ledger on the primary was lost while a push was under way: nobody "
              "knows whether that arrived");
    return error_hint(err, "tidemark resync: what waits is sent again, and what is there "
                           "already counts as done");
}

enum outcome push_ledger_ask(struct push_ledger *ledger, const struct push_device *device,
                             const char *push_id, enum push_fate *out_fate,
                             struct error *err)
{
    bool standby = is_standby(ledger);
    char named[PUSH_ID_SIZE] = "";
    enum outcome outcome;
    bool found = false;

    ledger->is_there = false;
    if (look_for_ledger(ledger, err) == FAILED ||
        push_frame_begin(ledger->primary, err) == FAILED)
        return FAILED;
    outcome = ledger->is_there ? read_last_push(ledger, device->device_id, !standby,
                                                named, &found, err)
                               : OK;
    primary_end_reading(ledger->primary);
    if (outcome == FAILED)
        return FAILED;
    if (found && strcmp(named, push_id) == 0)
        *out_fate = PUSH_ARRIVED;
    else if (standby) /* it may not have got there yet */
        return refuse_standby(err);
    else if (!found)
        return judge_without_row(ledger, device, out_fate, err);
    else if (strcmp(named, device->last_push) == 0)
        *out_fate = PUSH_DID_NOT_ARRIVE;
    else
        return diverged(ledger, named, err);
    return OK;
}

/* ---- a push begins ---- */

static const char *last_push_of(const struct push_device *device)
{
    return device->last_push[0] ? device->last_push : NULL;
}

static enum outcome register_device(struct push_ledger *ledger,
                                    struct push_device *device, struct error *err)
{
    const char *const params[] = {device->device_id, last_push_of(device)};

    if (device->registered)
        return OK;
    if (push_frame_begin(ledger->primary, err) == FAILED)
        return FAILED;
    if (primary_run(ledger->primary, &push_ledger_sql.enrol, params, 2, err) == FAILED ||
        primary_commit(ledger->primary, err) == FAILED)
        return give_up(ledger, err);
    if (push_record_registered(ledger->db, true, err) == FAILED)
        return FAILED;
    device->registered = true;
    return OK;
}

/* What is pushed without a ledger is not promised by one that comes later. */
static enum outcome deregister_device(struct push_ledger *ledger,
                                      struct push_device *device, struct error *err)
{
    if (!device->registered)
        return OK;
    if (push_record_registered(ledger->db, false, err) == FAILED)
        return FAILED;
    device->registered = false;
    return OK;
}

/* NOTHING: the ledger was made anew. Nothing is under way, so nothing is in doubt. */
static enum outcome say_why_not_moved(struct push_ledger *ledger,
                                      const struct push_device *device, struct error *err)
{
    char named[PUSH_ID_SIZE];
    bool found;

    if (read_last_push(ledger, device->device_id, false, named, &found, err) == FAILED)
        return FAILED;
    if (found)
        return diverged(ledger, named, err);
    return check_lost(ledger, device, err) == FAILED ? FAILED : NOTHING;
}

/* Also tells the time there, at about the middle of the round trip. */
static enum outcome move(struct push_ledger *ledger, const struct push_device *device,
                         const char *push_id, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const char *const params[] = {device->device_id, push_id, last_push_of(device)};
    const struct sql *query =
        ledger->is_there ? &push_ledger_sql.move : &push_ledger_sql.clock;
    int64_t start_us = clock_now_us();
    int64_t middle_us;

    if (primary_query(ledger->primary, query, params, ledger->is_there ? 3 : 0, &result,
                      err) == FAILED)
        return FAILED;
    middle_us = start_us + (clock_now_us() - start_us) / 2;
    if (primary_result_rows(result) == 0)
        return say_why_not_moved(ledger, device, err);
    ledger->clock_offset_us = primary_result_int(result, 0, 0) - middle_us;
    return OK;
}

/* NOTHING: the device is not in the ledger. */
static enum outcome try_to_open(struct push_ledger *ledger, struct push_device *device,
                                const char *push_id, struct error *err)
{
    enum outcome outcome = ledger->is_there ? register_device(ledger, device, err)
                                            : deregister_device(ledger, device, err);

    if (outcome == FAILED || push_frame_begin(ledger->primary, err) == FAILED)
        return FAILED;
    outcome = move(ledger, device, push_id, err);
    if (outcome == FAILED)
        return give_up(ledger, err);
    if (outcome == NOTHING)
        primary_end_reading(ledger->primary);
    return outcome;
}

enum outcome push_ledger_open(struct push_ledger *ledger, struct push_device *device,
                              const char *push_id, struct error *err)
{
    enum outcome outcome;

    if (is_standby(ledger))
        return refuse_standby(err);
    if (look_for_ledger(ledger, err) == FAILED)
        return FAILED;
    outcome = try_to_open(ledger, device, push_id, err);
    if (outcome != NOTHING)
        return outcome;
    log_warning("the ledger on the primary was made anew: this device registers again");
    device->registered = false;
    outcome = try_to_open(ledger, device, push_id, err);
    return outcome == NOTHING ? refuse_restored(err) : outcome;
}
