#include "lib/store/staging.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/pending.h"
#include "lib/store/rejected_mend.h"
#include "lib/store/staging_state.h"
#include "staging.sql.h"

#include <stdlib.h>
#include <string.h>

enum outcome staging_new(struct staging **out_staging, struct database *db,
                         struct error *err)
{
    struct staging *staging = calloc(1, sizeof(*staging));

    if (!staging)
        return error_out_of_memory(err);
    staging->db = db;
    if (pending_new(&staging->pending, db, err) == FAILED ||
        database_run_sql(db, &staging_sql.create_tables, err) == FAILED ||
        statement_prepare(&staging->group_at, db, &staging_sql.group_at, err) == FAILED ||
        statement_prepare(&staging->group_of, db, &staging_sql.group_of, err) == FAILED ||
        statement_prepare(&staging->refuse, db, &staging_sql.refuse, err) == FAILED ||
        statement_prepare(&staging->outcast, db, &staging_sql.next_outcast, err) ==
            FAILED) {
        staging_free(staging);
        return FAILED;
    }
    *out_staging = staging;
    return OK;
}

void staging_free(struct staging *staging)
{
    if (!staging)
        return;
    staging_forget_outcast(staging);
    statement_release(&staging->group_at);
    statement_release(&staging->group_of);
    statement_release(&staging->refuse);
    statement_release(&staging->outcast);
    pending_free(staging->pending);
    outbox_hold_release(&staging->hold);
    free(staging);
}

/* ---- what there is to stage ---- */

static enum outcome measure(struct staging *staging, int64_t through,
                            struct staging_summary *summary, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, staging->db, &staging_sql.measure, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, through);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    summary->entry_count = statement_column_int(&query, 0);
    summary->through = statement_column_int(&query, 1);
    return OK;
}

static enum outcome find_unknown_table(struct staging *staging,
                                       struct staging_summary *summary, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, staging->db, &staging_sql.table_ids, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, summary->through);
    while ((outcome = statement_step(&query, err)) == OK) {
        int64_t table_id = statement_column_int(&query, 0);

        if (!outbox_tables_find(staging->tables, table_id))
            summary->unknown_table_id = table_id;
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome add_unit(struct statement *add, int64_t first, int64_t last,
                             struct error *err)
{
    if (!first)
        return OK;
    statement_bind_int(add, 1, first);
    statement_bind_int(add, 2, last);
    return statement_run(add, err);
}

/* SQLite has one writer, so what lies between two marks is of their transaction. */
static enum outcome find_units(struct staging *staging, int64_t through,
                               bool *out_has_units, struct error *err)
{
    OWNED(statement_release) struct statement marks = {0};
    OWNED(statement_release) struct statement add = {0};
    int64_t begun = 0;
    enum outcome outcome;

    if (statement_prepare(&marks, staging->db, &staging_sql.marks, err) == FAILED ||
        statement_prepare(&add, staging->db, &staging_sql.add_unit, err) == FAILED)
        return FAILED;
    statement_bind_int(&marks, 1, through);
    while ((outcome = statement_step(&marks, err)) == OK) {
        int64_t sequence = statement_column_int(&marks, 0);
        const char *mark = statement_column_text(&marks, 1);

        if (add_unit(&add, begun, sequence, err) == FAILED)
            return FAILED;
        begun = outbox_operation_read(mark) == OUTBOX_UNIT_BEGIN ? sequence : 0;
        *out_has_units = true;
    }
    if (outcome == FAILED)
        return FAILED;
    return add_unit(&add, begun, through, err);
}

/* ---- the whole ---- */

static enum outcome fill(struct staging *staging, const struct staging_request *request,
                         struct staging_summary *summary, struct error *err)
{
    struct staging_request cut = *request;
    bool has_units = false;

    if (database_run_sql(staging->db, &staging_sql.forget_all, err) == FAILED ||
        measure(staging, request->through, summary, err) == FAILED)
        return FAILED;
    if (summary->entry_count == 0)
        return NOTHING;
    cut.through = summary->through;
    outbox_hold_release(&staging->hold);
    if (outbox_hold_read(&staging->hold, staging->db, err) == FAILED ||
        find_unknown_table(staging, summary, err) == FAILED ||
        find_units(staging, cut.through, &has_units, err) == FAILED ||
        staging_fold(staging, &cut, has_units, &summary->row_count, err) == FAILED)
        return FAILED;
    return staging_number(staging, err);
}

/* A write of its own, which there nearly never is: gathering only reads. */
static enum outcome mend_refused(struct staging *staging, struct error *err)
{
    struct database *db = staging->db;
    enum outcome needed = rejected_mend_is_needed(db, err);

    if (needed != OK)
        return needed == FAILED ? FAILED : OK;
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (pending_refresh(staging->pending, staging->tables, err) == OK &&
        rejected_mend(db, staging->pending, staging->tables, err) == OK &&
        database_commit(db, err) == OK)
        return OK;
    database_roll_back(db);
    pending_reset(staging->pending);
    return FAILED;
}

enum outcome staging_fill(struct staging *staging, const struct staging_request *request,
                          struct staging_summary *out_summary, struct error *err)
{
    struct staging_summary summary = {0};
    enum outcome outcome;

    staging_forget_outcast(staging);
    staging->tables = request->tables;
    staging->has_references = false;
    if (mend_refused(staging, err) == FAILED ||
        database_run_sql(staging->db, &staging_sql.begin, err) == FAILED)
        return FAILED;
    outcome = fill(staging, request, &summary, err);
    if (outcome != FAILED &&
        database_run_sql(staging->db, &staging_sql.commit, err) == FAILED)
        outcome = FAILED;
    if (outcome == FAILED) {
        database_roll_back(staging->db);
        return error_wrap(err, "gather the local changes");
    }
    if (outcome == OK)
        *out_summary = summary;
    return outcome;
}

enum outcome staging_take_back(struct staging *staging, struct error *err)
{
    staging_forget_outcast(staging);
    return database_run_sql(staging->db, &staging_sql.take_back, err);
}

enum outcome staging_next_clean(struct staging *staging, int64_t *position,
                                const struct table **out_table, char **out_key,
                                struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    bool failed = false;
    enum outcome outcome;
    char *key;

    if (statement_prepare(&query, staging->db, &staging_sql.next_clean, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, *position);
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome;
    key = statement_column_copy(&query, 2, &failed);
    if (failed)
        return error_out_of_memory(err);
    *out_key = key;
    *position = statement_column_int(&query, 0);
    *out_table = outbox_tables_find(staging->tables, statement_column_int(&query, 1));
    return OK;
}
