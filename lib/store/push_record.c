#include "lib/store/push_record.h"

#include "lib/base/cleanup.h"
#include "lib/base/fault_point.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/outbox_hold.h"
#include "lib/store/rejected_entries.h"
#include "push_record.sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* The query's only parameter, if it has one, is the push. */
static enum outcome run(struct database *db, const struct sql *sql, const char *push_id,
                        struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, db, sql, err) == FAILED)
        return FAILED;
    if (push_id)
        statement_bind_text(&statement, 1, push_id);
    return statement_run(&statement, err);
}

static enum outcome run_all(struct database *db, const struct sql *const *queries,
                            const char *push_id, struct error *err)
{
    for (; *queries; queries++)
        if (run(db, *queries, push_id, err) == FAILED)
            return FAILED;
    return OK;
}

static void read_id(const struct statement *query, int column,
                    char out_id[static PUSH_ID_SIZE])
{
    const char *id = statement_column_text(query, column);

    snprintf(out_id, PUSH_ID_SIZE, "%s", id ? id : "");
}

enum outcome push_record_new_id(char out_id[static PUSH_ID_SIZE], struct error *err)
{
    unsigned char bytes[16];
    char *at = out_id;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return error_set_errno(err, "make a random number");
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(bytes); i++)
        at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                      bytes[i]);
    return OK;
}

/* ---- the device ---- */

static enum outcome read_device(struct database *db, struct push_device *out_device,
                                struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &push_record_sql.device, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome;
    read_id(&query, 0, out_device->device_id);
    out_device->registered = statement_column_int(&query, 1) != 0;
    read_id(&query, 2, out_device->last_push);
    out_device->failures = statement_column_int(&query, 3);
    out_device->primary_changed = statement_column_int(&query, 4) != 0;
    return OK;
}

enum outcome push_record_new_device(struct database *db, struct error *err)
{
    static const struct sql *const forget[] = {&push_record_sql.forget_device,
                                               &push_record_sql.forget_history, NULL};
    char device_id[PUSH_ID_SIZE];

    if (push_record_new_id(device_id, err) == FAILED || database_begin(db, err) == FAILED)
        return FAILED;
    if (run_all(db, forget, NULL, err) == OK &&
        run(db, &push_record_sql.put_device, device_id, err) == OK &&
        database_commit(db, err) == OK)
        return OK;
    database_roll_back(db);
    return error_wrap(err, "make another device of this cache");
}

enum outcome push_record_device(struct database *db, struct push_device *out_device,
                                struct error *err)
{
    enum outcome outcome = read_device(db, out_device, err);

    if (outcome != NOTHING)
        return outcome;
    if (push_record_new_device(db, err) == FAILED)
        return FAILED;
    return read_device(db, out_device, err) == OK ? OK : FAILED;
}

/* The query's only parameter is a number. */
static enum outcome put_number(struct database *db, const struct sql *sql, int64_t number,
                               struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, db, sql, err) == FAILED)
        return FAILED;
    statement_bind_int(&statement, 1, number);
    return statement_run(&statement, err);
}

enum outcome push_record_registered(struct database *db, bool registered,
                                    struct error *err)
{
    return put_number(db, &push_record_sql.registered, registered, err);
}

enum outcome push_record_primary_changed(struct database *db, struct error *err)
{
    return run(db, &push_record_sql.primary_changed, NULL, err);
}

enum outcome push_record_put_failures(struct database *db, int64_t failures,
                                      struct error *err)
{
    return put_number(db, &push_record_sql.put_failures, failures, err);
}

enum outcome push_record_knows(struct database *db, const char *push_id, bool *out_knows,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &push_record_sql.knows, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, push_id);
    outcome = statement_step(&query, err);
    if (outcome != FAILED)
        *out_knows = outcome == OK;
    return outcome == FAILED ? FAILED : OK;
}

/* ---- the push in flight ---- */

enum outcome push_record_in_flight(struct database *db, struct push_in_flight *out_push,
                                   struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &push_record_sql.in_flight, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome;
    read_id(&query, 0, out_push->push_id);
    out_push->through = statement_column_int(&query, 1);
    return OK;
}

static enum outcome put(struct database *db, const struct push_in_flight *push,
                        struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, db, &push_record_sql.put, err) == FAILED)
        return FAILED;
    statement_bind_text(&statement, 1, push->push_id);
    statement_bind_int(&statement, 2, push->through);
    return statement_run(&statement, err);
}

/* A commit of its own that changes the file: the log is synchronized only then. Writing
 * the same values over the old ones would not. */
static enum outcome put_again(struct database *db, const struct push_in_flight *push,
                              struct error *err)
{
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (run(db, &push_record_sql.forget_push, NULL, err) == OK &&
        put(db, push, err) == OK && database_commit(db, err) == OK)
        return OK;
    database_roll_back(db);
    return FAILED;
}

/* Writes everything that was committed before to the disk, other programs' commits too.
 */
static enum outcome flush(struct database *db, const struct push_in_flight *push,
                          struct error *err)
{
    struct error later;
    enum outcome outcome =
        database_run(db, "keep the push", "pragma synchronous = full", err);

    if (outcome == OK)
        outcome = put_again(db, push, err);
    if (database_run(db, "keep the push", "pragma synchronous = normal", &later) ==
            FAILED &&
        outcome == OK) {
        *err = later;
        outcome = FAILED;
    }
    return outcome;
}

enum outcome push_record_put(struct database *db, const struct push_in_flight *push,
                             struct error *err)
{
    /* SQLite refuses another level of synchronization within a transaction */
    if (put(db, push, err) == FAILED || database_commit(db, err) == FAILED ||
        flush(db, push, err) == FAILED)
        return error_wrap(err, "record the push");
    fault_point("push.recorded");
    return OK;
}

enum outcome push_record_add_refetch(struct database *db, const char *table,
                                     const char *row_key, struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, db, &push_record_sql.add_refetch, err) == FAILED)
        return FAILED;
    statement_bind_text(&statement, 1, table);
    statement_bind_text(&statement, 2, row_key);
    return statement_run(&statement, err);
}

/* ---- its end ---- */

static enum outcome take_rejected(struct database *db, const struct outbox_tables *tables,
                                  const char *push_id, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    struct rejected_entries *entries = NULL;
    int64_t after = 0;
    enum outcome outcome;

    if (statement_prepare(&query, db, &push_record_sql.rejected, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, push_id);
    do {
        statement_bind_int(&query, 2, after);
        outcome = statement_step(&query, err);
        if (outcome == OK && !entries)
            outcome = rejected_entries_new(&entries, db, tables, err);
        if (outcome == OK) {
            after = statement_column_int(&query, 0);
            outcome =
                rejected_entries_take(entries, after, statement_column_text(&query, 1),
                                      statement_column_text(&query, 2), err);
        }
        statement_reset(&query);
    } while (outcome == OK);
    rejected_entries_free(entries);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome finish(struct database *db, const struct outbox_tables *tables,
                           const struct push_in_flight *push, struct error *err)
{
    static const struct sql *const of_push[] = {
        &push_record_sql.file_rejected,
        &push_record_sql.file_conflicts,
        &push_record_sql.move_last_push,
        &push_record_sql.add_history,
        NULL,
    };
    static const struct sql *const of_all[] = {
        &push_record_sql.file_refetches,
        &push_record_sql.forget_refetches,
        &push_record_sql.trim_history,
        &push_record_sql.forget_push,
        NULL,
    };

    if (take_rejected(db, tables, push->push_id, err) == FAILED ||
        outbox_hold_delete_through(db, push->through, err) == FAILED ||
        run_all(db, of_push, push->push_id, err) == FAILED)
        return FAILED;
    return run_all(db, of_all, NULL, err);
}

enum outcome push_record_finish(struct database *db, const struct outbox_tables *tables,
                                const struct push_in_flight *push, struct error *err)
{
    fault_point("push.before_finish");
    if (database_begin(db, err) == FAILED || finish(db, tables, push, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return error_wrap(err, "finish the push");
    }
    fault_point("push.finished");
    return OK;
}

static enum outcome forget(struct database *db, const struct push_in_flight *push,
                           bool keep_local_wins, struct error *err)
{
    static const struct sql *const of_push[] = {
        &push_record_sql.forget_rejected_values,
        &push_record_sql.forget_rejected,
        &push_record_sql.forget_conflict_values,
        &push_record_sql.forget_conflicts,
        NULL,
    };
    static const struct sql *const of_all[] = {&push_record_sql.forget_refetches,
                                               &push_record_sql.forget_push, NULL};

    if (keep_local_wins &&
        run(db, &push_record_sql.file_local_wins, push->push_id, err) == FAILED)
        return FAILED;
    if (run_all(db, of_push, push->push_id, err) == FAILED)
        return FAILED;
    return run_all(db, of_all, NULL, err);
}

enum outcome push_record_forget(struct database *db, const struct push_in_flight *push,
                                bool keep_local_wins, struct error *err)
{
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (forget(db, push, keep_local_wins, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return error_wrap(err, "forget the push that did not arrive");
    }
    return OK;
}
