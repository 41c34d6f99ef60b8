#include "lib/store/carry_over.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/model/sqlstate.h"
#include "lib/store/local_table.h"
#include "lib/store/mirror_row.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/mirror_sql_list.h"
#include "lib/store/pending_filing.h"
#include "lib/store/rejected.h"
#include "lib/store/row_lookup.h"
#include "lib/store/value_binding.h"
#include "carry_over.sql.h"

#include <stdlib.h>
#include <string.h>

/* The table as it stands in the cache, one pending row of it, and where it goes. */
struct carriage {
    struct database *db;
    struct pending *pending;
    struct table old;
    struct outbox_table number;  /* of the old table in the outbox */
    struct outbox_tables tables; /* that one alone */
    struct row_lookup lookup;    /* in the old table */
    bool *dirty;                 /* by column of the old table */
    struct pending_units units;
    struct pending_refusal refusal; /* of all; without a message they are carried over */
    /* carrying over */
    struct mirror mirror; /* of the copy */
    struct statement new_row;
    struct statement put;
    struct value *merged; /* a row of the new table */
    size_t *columns;      /* of the new table: those that the old one has too */
    size_t *sources;      /* of the old table, for each of them */
    size_t column_count;
};

static void carriage_release(struct carriage *carriage)
{
    mirror_release(&carriage->mirror);
    row_lookup_release(&carriage->lookup);
    statement_release(&carriage->new_row);
    statement_release(&carriage->put);
    free(carriage->dirty);
    free(carriage->merged);
    free(carriage->columns);
    free(carriage->sources);
    table_release(&carriage->old);
}

/* NOTHING: nothing is pending for it. */
static enum outcome find_table(struct database *db, const char *name, int64_t *out_id,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &carry_over_sql.table_with_entries, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, name);
    outcome = statement_step(&query, err);
    if (outcome == OK)
        *out_id = statement_column_int(&query, 0);
    return outcome;
}

/* NOTHING: there is nothing to do. */
static enum outcome open_carriage(struct carriage *carriage, const char *name,
                                  struct error *err)
{
    enum outcome outcome =
        find_table(carriage->db, name, &carriage->number.table_id, err);

    if (outcome == OK)
        outcome = local_table_read(carriage->db, name, &carriage->old, err);
    if (outcome != OK)
        return outcome;
    carriage->dirty = calloc(carriage->old.column_count, sizeof(*carriage->dirty));
    if (!carriage->dirty)
        return error_out_of_memory(err);
    if (row_lookup_init(&carriage->lookup, carriage->db, &carriage->old, err) == FAILED)
        return FAILED;
    carriage->number.table = &carriage->old;
    carriage->tables = (struct outbox_tables){&carriage->number, 1};
    pending_units_start(&carriage->units, carriage->db);
    carriage->refusal.units = &carriage->units;
    carriage->refusal.tables = &carriage->tables;
    return pending_refresh(carriage->pending, &carriage->tables, err);
}

/* ---- rejecting ---- */

static bool is_in_new_table(const struct carriage *carriage, const char *column)
{
    return table_find_column(carriage->mirror.table, column) != TABLE_NO_COLUMN;
}

/* What is left are values of columns that are gone; nulls are nothing to keep. */
static size_t keep_lost_values(const struct carriage *carriage,
                               struct rejected_value *values, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (!is_in_new_table(carriage, values[i].column) &&
            (values[i].base.type != VALUE_NULL || values[i].value.type != VALUE_NULL))
            values[kept++] = values[i];
    return kept;
}

static enum outcome strip_lost_columns(struct carriage *carriage,
                                       const struct pending_row *row, struct error *err)
{
    const struct change_base *base = &row->change->base;

    for (size_t i = 0; i < base->count; i++)
        if (!is_in_new_table(carriage, base->items[i].column) &&
            pending_strip(carriage->pending, &carriage->old, row->key,
                          base->items[i].column, err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome file_lost_values(struct carriage *carriage,
                                     const struct pending_row *row,
                                     const struct rejected_values *values,
                                     struct error *err)
{
    OWNED(buffer_release) struct buffer key = {0};
    OWNED(buffer_release) struct buffer message = {0};
    struct rejected_change rejected = {
        .table = carriage->old.name,
        .operation = OUTBOX_UPDATE,
        .sqlstate = SQLSTATE_UNDEFINED_COLUMN,
        .changed_us = row->change->changed_us,
        .values = values->items,
        .value_count = values->count,
    };
    int64_t id;

    buffer_append_format(&message, "column %s%s is no longer in %s",
                         values->items[0].column, values->count > 1 ? " and others" : "",
                         carriage->old.name);
    row_key_append(&key, row->key, carriage->old.key_count);
    if (buffer_check(&message, err) == FAILED || buffer_check(&key, err) == FAILED)
        return FAILED;
    rejected.message = message.data;
    rejected.row_key = key.data;
    return rejected_add(carriage->db, &rejected, &id, err);
}

/* Edits of columns that are gone are kept for a person, all others go on. */
static enum outcome part_with_lost_columns(struct carriage *carriage,
                                           const struct pending_row *row,
                                           struct error *err)
{
    OWNED(rejected_values_release) struct rejected_values values = {0};

    if (row->change->kind != PENDING_DELETE) {
        if (rejected_values_of(row->change, row->table, row->row, &values, err) == FAILED)
            return FAILED;
        values.count = keep_lost_values(carriage, values.items, values.count);
        if (values.count && file_lost_values(carriage, row, &values, err) == FAILED)
            return FAILED;
    }
    return strip_lost_columns(carriage, row, err);
}

/* ---- carrying over ---- */

static void select_columns(struct carriage *carriage)
{
    for (size_t i = 0; i < carriage->mirror.table->column_count; i++) {
        int source =
            table_find_column(&carriage->old, carriage->mirror.table->columns[i].name);

        if (source == TABLE_NO_COLUMN)
            continue;
        carriage->columns[carriage->column_count] = i;
        carriage->sources[carriage->column_count++] = (size_t)source;
    }
}

static enum outcome prepare_put(struct carriage *carriage, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_put_columns(&sql, carriage->mirror.table, carriage->mirror.physical_name,
                           carriage->columns, carriage->column_count);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return statement_prepare_text(&carriage->put, carriage->db, "carry a row over",
                                  sql.data, err);
}

static enum outcome open_copy(struct carriage *carriage, const struct table *table,
                              const char *copy_name, struct error *err)
{
    if (mirror_init(&carriage->mirror, carriage->db, table, copy_name, err) == FAILED)
        return FAILED;
    carriage->merged = calloc(table->column_count, sizeof(*carriage->merged));
    carriage->columns = calloc(table->column_count, sizeof(*carriage->columns));
    carriage->sources = calloc(table->column_count, sizeof(*carriage->sources));
    if (!carriage->merged || !carriage->columns || !carriage->sources)
        return error_out_of_memory(err);
    select_columns(carriage);
    if (prepare_put(carriage, err) == FAILED)
        return FAILED;
    return mirror_row_prepare(&carriage->mirror, &carriage->new_row, "read a row of",
                              mirror_sql_select_by_key, err);
}

/* What SQLite said, about the table and not about the private copy of it. */
static void append_misfit(struct buffer *message, const struct carriage *carriage,
                          const struct error *misfit)
{
    const char *copy_name = carriage->mirror.physical_name;
    const char *table_name = carriage->mirror.table->name;
    const char *what = strstr(misfit->message, ": ");
    const char *named;

    what = what ? what + strlen(": ") : misfit->message;
    named = strstr(what, copy_name);
    buffer_append_format(message,
                         "%s has another shape on the primary now, and the row does not "
                         "fit it: ",
                         table_name);
    if (named) {
        buffer_append(message, what, (size_t)(named - what));
        buffer_append_text(message, table_name);
        what = named + strlen(copy_name);
    }
    buffer_append_text(message, what);
}

/* A row that does not fit the new shape is no reason to stop. */
static enum outcome settle_misfit(struct carriage *carriage,
                                  const struct pending_row *row,
                                  const struct statement *statement, struct error *err)
{
    OWNED(buffer_release) struct buffer message = {0};
    struct pending_refusal refusal = carriage->refusal;
    struct error misfit = *err;

    if (misfit.kind != ERROR_REJECTED && misfit.kind != ERROR_SCHEMA)
        return FAILED;
    refusal.sqlstate = statement_broke_unique(statement) ? SQLSTATE_UNIQUE_VIOLATION
                                                         : SQLSTATE_NOT_NULL_VIOLATION;
    append_misfit(&message, carriage, &misfit);
    if (buffer_check(&message, err) == FAILED)
        return FAILED;
    refusal.message = message.data;
    if (pending_reject(carriage->db, carriage->pending, row, &refusal, err) == FAILED)
        return FAILED;
    return mirror_refetch(&carriage->mirror, row->key, err);
}

static enum outcome put_whole(struct carriage *carriage, const struct pending_row *row,
                              struct error *err)
{
    for (size_t i = 0; i < carriage->column_count; i++)
        value_bind(&carriage->put, (int)i + 1, &row->row[carriage->sources[i]]);
    if (statement_run(&carriage->put, err) == FAILED)
        return settle_misfit(carriage, row, &carriage->put, err);
    return OK;
}

/* Edited columns on top of the copy's row; all others are the primary's now. */
static enum outcome put_edits(struct carriage *carriage, const struct pending_row *row,
                              struct error *err)
{
    struct mirror_counts counts = {0};

    value_read_all(&carriage->new_row, carriage->merged,
                   carriage->mirror.table->column_count);
    pending_dirty_columns(row->change, &carriage->old, row->row, carriage->dirty);
    for (size_t i = 0; i < carriage->column_count; i++) {
        size_t source = carriage->sources[i];
        const char *name = carriage->old.columns[source].name;

        if (carriage->dirty[source])
            carriage->merged[carriage->columns[i]] = row->row[source];
        else if (change_base_find(&row->change->base, name) &&
                 pending_strip(carriage->pending, &carriage->old, row->key, name, err) ==
                     FAILED)
            return FAILED;
    }
    if (mirror_row_write(&carriage->mirror, carriage->merged, &counts, err) == FAILED)
        return settle_misfit(carriage, row, &carriage->mirror.upsert, err);
    return OK;
}

/* Whether it is gone there or a tombstone, which no copy holds, is asked by its key. */
static enum outcome carry_update(struct carriage *carriage, const struct pending_row *row,
                                 struct error *err)
{
    enum outcome outcome;

    value_bind_all(&carriage->new_row, 1, row->key, carriage->old.key_count);
    outcome = statement_step(&carriage->new_row, err);
    if (outcome == OK)
        outcome = put_edits(carriage, row, err);
    else if (outcome == NOTHING && put_whole(carriage, row, err) == OK)
        outcome = mirror_refetch(&carriage->mirror, row->key, err);
    statement_reset(&carriage->new_row);
    return outcome == OK ? OK : FAILED;
}

static enum outcome carry_row(struct carriage *carriage, const struct pending_row *row,
                              struct error *err)
{
    int64_t removed;

    if (part_with_lost_columns(carriage, row, err) == FAILED)
        return FAILED;
    if (row->change->kind == PENDING_DELETE)
        return mirror_row_remove(&carriage->mirror, row->key, &removed, err);
    if (row->change->kind == PENDING_UPDATE)
        return carry_update(carriage, row, err);
    return put_whole(carriage, row, err);
}

static bool has_same_key(const struct table *old, const struct table *new)
{
    if (old->key_count != new->key_count)
        return false;
    for (size_t i = 0; i < old->key_count; i++)
        if (strcmp(old->columns[old->key[i]].name, new->columns[new->key[i]].name) != 0)
            return false;
    return true;
}

/* ---- row by row ---- */

static enum outcome settle_row(struct carriage *carriage, const struct pending_row *row,
                               struct error *err)
{
    bool is_there = row->row != NULL;

    if (row->change->kind == PENDING_NOTHING ||
        (row->change->kind != PENDING_DELETE && !is_there))
        return pending_remove(carriage->pending, &carriage->old, row->key, err);
    if (carriage->refusal.message)
        return pending_reject(carriage->db, carriage->pending, row, &carriage->refusal,
                              err);
    return carry_row(carriage, row, err);
}

static enum outcome read_and_settle(struct carriage *carriage, const char *text,
                                    const struct pending_change *change,
                                    struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value key[TABLE_KEY_LIMIT];
    struct pending_row row = {&carriage->old, key, change, NULL};
    enum outcome outcome;

    if (row_key_values(&carriage->old, text, &bytes, key, err) == FAILED)
        return FAILED;
    outcome = row_lookup_find(&carriage->lookup, key, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == OK)
        row.row = carriage->lookup.row;
    outcome = settle_row(carriage, &row, err);
    row_lookup_reset(&carriage->lookup);
    return outcome;
}

static enum outcome settle_rows(struct carriage *carriage, struct error *err)
{
    int64_t position = 0;

    for (;;) {
        OWNED(pending_change_release) struct pending_change change = {0};
        OWNED(text_free) char *text = NULL;
        enum outcome outcome = pending_next(carriage->pending, &carriage->old, &position,
                                            &text, &change, err);

        if (outcome != OK)
            return outcome == FAILED ? FAILED : OK;
        if (read_and_settle(carriage, text, &change, err) == FAILED)
            return FAILED;
    }
}

enum outcome carry_over_into(struct database *db, struct pending *pending,
                             const struct table *table, const char *copy_name,
                             struct error *err)
{
    OWNED(carriage_release) struct carriage carriage = {.db = db, .pending = pending};
    enum outcome outcome = open_carriage(&carriage, table->name, err);

    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (!has_same_key(&carriage.old, table)) {
        carriage.refusal.sqlstate = SQLSTATE_INVALID_TABLE_DEFINITION;
        carriage.refusal.message = "the table has another primary key now";
    } else if (open_copy(&carriage, table, copy_name, err) == FAILED) {
        return FAILED;
    }
    outcome = settle_rows(&carriage, err);
    pending_reset(pending);
    return outcome;
}

enum outcome carry_over_reject_all(struct database *db, struct pending *pending,
                                   const char *table_name, const char *message,
                                   struct error *err)
{
    OWNED(carriage_release)
    struct carriage carriage = {
        .db = db,
        .pending = pending,
        .refusal = {.sqlstate = SQLSTATE_UNDEFINED_TABLE, .message = message}};
    enum outcome outcome = open_carriage(&carriage, table_name, err);

    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    outcome = settle_rows(&carriage, err);
    pending_reset(pending);
    return outcome;
}
