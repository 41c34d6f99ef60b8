#include "lib/store/push_outcomes.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/push_record.h"
#include "lib/store/value_binding.h"
#include "push_outcomes.sql.h"

struct push_outcomes {
    struct database *db;
    struct statement add;
    struct statement add_value;
    struct statement forget_rows;
    struct statement forget_values;
    struct statement list;
    struct statement count_values;
    struct statement list_values;
};

enum outcome push_outcomes_new(struct push_outcomes **out_outcomes, struct database *db,
                               struct error *err)
{
    struct push_outcomes *outcomes = calloc(1, sizeof(*outcomes));

    if (!outcomes)
        return error_out_of_memory(err);
    outcomes->db = db;
    if (database_run_sql(db, &push_outcomes_sql.create_tables, err) == FAILED ||
        statement_prepare(&outcomes->add, db, &push_outcomes_sql.add, err) == FAILED ||
        statement_prepare(&outcomes->add_value, db, &push_outcomes_sql.add_value, err) ==
            FAILED ||
        statement_prepare(&outcomes->forget_rows, db, &push_outcomes_sql.forget_rows,
                          err) == FAILED ||
        statement_prepare(&outcomes->forget_values, db, &push_outcomes_sql.forget_values,
                          err) == FAILED ||
        statement_prepare(&outcomes->list, db, &push_outcomes_sql.list, err) == FAILED ||
        statement_prepare(&outcomes->count_values, db, &push_outcomes_sql.count_values,
                          err) == FAILED ||
        statement_prepare(&outcomes->list_values, db, &push_outcomes_sql.list_values,
                          err) == FAILED) {
        push_outcomes_free(outcomes);
        return FAILED;
    }
    *out_outcomes = outcomes;
    return OK;
}

void push_outcomes_free(struct push_outcomes *outcomes)
{
    if (!outcomes)
        return;
    statement_release(&outcomes->add);
    statement_release(&outcomes->add_value);
    statement_release(&outcomes->forget_rows);
    statement_release(&outcomes->forget_values);
    statement_release(&outcomes->list);
    statement_release(&outcomes->count_values);
    statement_release(&outcomes->list_values);
    free(outcomes);
}

/* ---- taking down ---- */

static enum outcome add(struct push_outcomes *outcomes, int64_t ordinal,
                        const struct conflict *conflict, struct error *err)
{
    struct statement *query = &outcomes->add;

    if (push_outcomes_forget(outcomes, ordinal, ordinal, err) == FAILED)
        return FAILED;
    statement_bind_int(query, 1, ordinal);
    statement_bind_text(query, 2, conflict->table);
    statement_bind_text(query, 3, conflict->row_key);
    statement_bind_text(query, 4, conflict->rule);
    statement_bind_int(query, 5, conflict->local_wins);
    statement_bind_int(query, 6, conflict->open);
    statement_bind_int(query, 7, conflict->changed_us);
    return statement_run(query, err);
}

enum outcome push_outcomes_add_refetch(struct push_outcomes *outcomes, int64_t ordinal,
                                       const char *table, const char *row_key,
                                       struct error *err)
{
    struct conflict none = {.table = table, .row_key = row_key};

    return add(outcomes, ordinal, &none, err);
}

enum outcome push_outcomes_add_conflict(struct push_outcomes *outcomes, int64_t ordinal,
                                        const struct conflict *conflict,
                                        struct error *err)
{
    if (add(outcomes, ordinal, conflict, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < conflict->value_count; i++) {
        struct statement *query = &outcomes->add_value;

        statement_bind_int(query, 1, ordinal);
        statement_bind_int(query, 2, (int64_t)i);
        statement_bind_text(query, 3, conflict->values[i].column);
        value_bind(query, 4, &conflict->values[i].base);
        value_bind(query, 5, &conflict->values[i].local);
        value_bind(query, 6, &conflict->values[i].remote);
        if (statement_run(query, err) == FAILED)
            return FAILED;
    }
    return OK;
}

static enum outcome forget(struct statement *query, int64_t from, int64_t to,
                           struct error *err)
{
    statement_bind_int(query, 1, from);
    statement_bind_int(query, 2, to);
    return statement_run(query, err);
}

enum outcome push_outcomes_forget(struct push_outcomes *outcomes, int64_t from,
                                  int64_t to, struct error *err)
{
    if (forget(&outcomes->forget_rows, from, to, err) == FAILED)
        return FAILED;
    return forget(&outcomes->forget_values, from, to, err);
}

/* ---- filing ---- */

/* Bytes stay the statement's, so each value gets a copy of its own. */
struct kept_values {
    struct conflict_value *items;
    struct buffer *bytes; /* three for each, and its name */
    size_t count;
};

static void kept_values_release(struct kept_values *kept)
{
    for (size_t i = 0; kept->bytes && i < 4 * kept->count; i++)
        buffer_release(&kept->bytes[i]);
    free(kept->bytes);
    free(kept->items);
    *kept = (struct kept_values){0};
}

static struct value keep(struct buffer *bytes, const struct statement *query, int column)
{
    struct value value;

    value_read(query, column, &value);
    if (value.type != VALUE_TEXT && value.type != VALUE_BLOB)
        return value;
    buffer_append(bytes, value.bytes, value.size);
    value.bytes = bytes->data;
    return value;
}

static enum outcome keep_value(struct kept_values *kept, size_t number,
                               const struct statement *query, struct error *err)
{
    struct conflict_value *item = &kept->items[number];
    struct buffer *bytes = &kept->bytes[4 * number];

    buffer_append_text(&bytes[0], statement_column_text(query, 0));
    item->column = bytes[0].data;
    item->base = keep(&bytes[1], query, 1);
    item->local = keep(&bytes[2], query, 2);
    item->remote = keep(&bytes[3], query, 3);
    for (size_t i = 0; i < 4; i++)
        if (buffer_check(&bytes[i], err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome count_values(struct push_outcomes *outcomes, int64_t ordinal,
                                 size_t *out_count, struct error *err)
{
    struct statement *query = &outcomes->count_values;
    enum outcome outcome;

    statement_bind_int(query, 1, ordinal);
    outcome = statement_step(query, err);
    if (outcome == OK)
        *out_count = (size_t)statement_column_int(query, 0);
    statement_reset(query);
    return outcome;
}

static enum outcome read_values(struct push_outcomes *outcomes, int64_t ordinal,
                                struct kept_values *kept, struct error *err)
{
    struct statement *query = &outcomes->list_values;
    enum outcome outcome = OK;

    if (count_values(outcomes, ordinal, &kept->count, err) == FAILED)
        return FAILED;
    kept->items = calloc(kept->count + 1, sizeof(*kept->items));
    kept->bytes = calloc(4 * kept->count + 1, sizeof(*kept->bytes));
    if (!kept->items || !kept->bytes)
        return error_out_of_memory(err);
    statement_bind_int(query, 1, ordinal);
    for (size_t i = 0; outcome == OK && i < kept->count; i++) {
        outcome = statement_step(query, err);
        if (outcome == OK)
            outcome = keep_value(kept, i, query, err);
    }
    statement_reset(query);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome file_conflict(struct push_outcomes *outcomes, const char *push_id,
                                  struct error *err)
{
    OWNED(kept_values_release) struct kept_values kept = {0};
    const struct statement *row = &outcomes->list;
    struct conflict conflict = {
        .table = statement_column_text(row, 1),
        .row_key = statement_column_text(row, 2),
        .rule = statement_column_text(row, 3),
        .local_wins = statement_column_int(row, 4),
        .open = statement_column_int(row, 5),
        .changed_us = statement_column_int(row, 6),
        .push_id = push_id,
    };

    if (read_values(outcomes, statement_column_int(row, 0), &kept, err) == FAILED)
        return FAILED;
    conflict.values = kept.items;
    conflict.value_count = kept.count;
    return conflict_log_add(outcomes->db, &conflict, err);
}

static enum outcome file_row(struct push_outcomes *outcomes, const char *push_id,
                             int64_t *conflicts, struct error *err)
{
    const struct statement *row = &outcomes->list;

    if (!statement_column_is_null(row, 3)) {
        if (file_conflict(outcomes, push_id, err) == FAILED)
            return FAILED;
        ++*conflicts;
    }
    return push_record_add_refetch(outcomes->db, statement_column_text(row, 1),
                                   statement_column_text(row, 2), err);
}

enum outcome push_outcomes_file(struct push_outcomes *outcomes, const char *push_id,
                                int64_t *out_conflicts, int64_t *out_refetched,
                                struct error *err)
{
    int64_t conflicts = 0;
    int64_t refetched = 0;
    enum outcome outcome;

    while ((outcome = statement_step(&outcomes->list, err)) == OK) {
        outcome = file_row(outcomes, push_id, &conflicts, err);
        if (outcome == FAILED)
            break;
        refetched++;
    }
    statement_reset(&outcomes->list);
    if (outcome == FAILED)
        return FAILED;
    *out_conflicts = conflicts;
    *out_refetched = refetched;
    return OK;
}
