#include "lib/store/pending_units.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "pending_units.sql.h"

#include <stdlib.h>
#include <string.h>

void pending_units_start(struct pending_units *units, struct database *db)
{
    *units = (struct pending_units){.db = db};
}

static enum outcome learn(struct pending_units *units, struct error *err)
{
    if (units->are_known)
        return OK;
    if (database_run_sql(units->db, &pending_units_sql.create_tables, err) == FAILED ||
        database_run_sql(units->db, &pending_units_sql.read_marks, err) == FAILED)
        return FAILED;
    units->are_known = true;
    return OK;
}

enum outcome pending_units_of(struct pending_units *units,
                              const struct outbox_tables *tables,
                              const struct table *table, const struct value *key,
                              int64_t *out_unit, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(buffer_release) struct buffer text = {0};

    row_key_append_canonical(&text, table, key);
    if (buffer_check(&text, err) == FAILED || learn(units, err) == FAILED ||
        statement_prepare(&query, units->db, &pending_units_sql.unit_of_row, err) ==
            FAILED)
        return FAILED;
    statement_bind_int(&query, 1, outbox_tables_id(tables, table));
    statement_bind_text(&query, 2, text.data);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    *out_unit = statement_column_int(&query, 0);
    return OK;
}

enum outcome pending_units_break(struct pending_units *units,
                                 const struct outbox_tables *tables,
                                 const struct table *table, const struct value *key,
                                 int64_t rejected_id, struct error *err)
{
    OWNED(statement_release) struct statement mark = {0};
    OWNED(statement_release) struct statement note = {0};
    OWNED(buffer_release) struct buffer text = {0};

    row_key_append_canonical(&text, table, key);
    if (buffer_check(&text, err) == FAILED || learn(units, err) == FAILED ||
        statement_prepare(&mark, units->db, &pending_units_sql.break_units, err) ==
            FAILED ||
        statement_prepare(&note, units->db, &pending_units_sql.note_broken, err) ==
            FAILED)
        return FAILED;
    statement_bind_int(&mark, 1, rejected_id);
    statement_bind_int(&mark, 2, outbox_tables_id(tables, table));
    statement_bind_text(&mark, 3, text.data);
    statement_bind_int(&note, 1, rejected_id);
    units->is_broken = true;
    if (statement_run(&mark, err) == FAILED)
        return FAILED;
    return statement_run(&note, err);
}

void pending_member_release(struct pending_member *member)
{
    free(member->row_key);
    free(member->sqlstate);
    free(member->message);
    *member = (struct pending_member){0};
}

enum outcome pending_units_next(struct pending_units *units,
                                struct pending_member *out_member, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(pending_member_release) struct pending_member member = {0};
    bool failed = false;
    enum outcome outcome;

    if (!units->is_broken)
        return NOTHING;
    if (statement_prepare(&query, units->db, &pending_units_sql.next_member, err) ==
        FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome;
    member = (struct pending_member){
        .table_id = statement_column_int(&query, 0),
        .row_key = statement_column_copy(&query, 1, &failed),
        .cause_id = statement_column_int(&query, 2),
        .unit = statement_column_int(&query, 3),
        .sqlstate = statement_column_copy(&query, 4, &failed),
        .message = statement_column_copy(&query, 5, &failed),
    };
    if (failed)
        return error_out_of_memory(err);
    *out_member = TAKE(member);
    return OK;
}

enum outcome pending_units_are_broken(struct database *db, struct error *err)
{
    int64_t are_broken = 0;

    if (database_query_int(db, pending_units_sql.are_broken.name,
                           pending_units_sql.are_broken.text, &are_broken, err) == FAILED)
        return FAILED;
    return are_broken ? OK : NOTHING;
}

enum outcome pending_units_resume(struct pending_units *units, struct error *err)
{
    units->is_broken = true;
    return learn(units, err);
}

enum outcome pending_units_forget_broken(struct pending_units *units, struct error *err)
{
    units->is_broken = false;
    return database_run_sql(units->db, &pending_units_sql.forget_broken, err);
}
