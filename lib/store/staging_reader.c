#include "lib/base/cleanup.h"
#include "lib/model/packed_value.h"
#include "lib/store/staging_state.h"
#include "staging.sql.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

void staged_group_release(struct staged_group *group)
{
    free(group->columns);
    *group = (struct staged_group){0};
}

static enum outcome read_columns(const struct statement *query, int column,
                                 struct staged_group *group, struct error *err)
{
    const char *numbers = statement_column_bytes(query, column);

    group->column_count = statement_column_size(query, column) / sizeof(uint16_t);
    group->columns = calloc(group->column_count + 1, sizeof(*group->columns));
    if (!group->columns)
        return error_out_of_memory(err);
    for (size_t i = 0; i < group->column_count; i++) {
        uint16_t number;

        memcpy(&number, numbers + i * sizeof(number), sizeof(number));
        group->columns[i] = number;
    }
    return OK;
}

/* The columns of group_at and group_of: ordinal, last, phase, table, columns. */
static enum outcome step_to_group(struct staging *staging, struct statement *query,
                                  struct staged_group *out_group, struct error *err)
{
    enum outcome outcome = statement_step(query, err);

    if (outcome == OK) {
        *out_group = (struct staged_group){
            .first = statement_column_int(query, 0),
            .last = statement_column_int(query, 1),
            .phase = (enum staged_phase)statement_column_int(query, 2),
            .table = staging->tables->items[statement_column_int(query, 3)].table,
        };
        outcome = read_columns(query, 4, out_group, err);
    }
    statement_reset(query);
    return outcome;
}

enum outcome staging_group_at(struct staging *staging, int64_t from, int64_t to,
                              struct staged_group *out_group, struct error *err)
{
    enum outcome outcome;

    statement_bind_int(&staging->group_at, 1, from);
    statement_bind_int(&staging->group_at, 2, to);
    outcome = step_to_group(staging, &staging->group_at, out_group, err);
    if (outcome == OK && out_group->last > to)
        out_group->last = to;
    return outcome;
}

enum outcome staging_group_of(struct staging *staging, int64_t ordinal,
                              struct staged_group *out_group, struct error *err)
{
    statement_bind_int(&staging->group_of, 1, ordinal);
    return step_to_group(staging, &staging->group_of, out_group, err);
}

/* ---- rows ---- */

struct staging_reader {
    struct statement query;
    size_t column_count; /* of the group */
    size_t whole_count;  /* of the table */
    bool shows_every_whole;
    struct staged_value *values;
    struct value *whole;
};

void staging_reader_free(struct staging_reader *reader)
{
    if (!reader)
        return;
    statement_release(&reader->query);
    free(reader->values);
    free(reader->whole);
    free(reader);
}

static enum outcome prepare(struct staging_reader *reader, struct staging *staging,
                            const struct staged_group *group, int64_t from,
                            struct error *err)
{
    reader->column_count = group->column_count;
    reader->whole_count = group->table->column_count;
    reader->values = calloc(reader->column_count + 1, sizeof(*reader->values));
    reader->whole = calloc(reader->whole_count + 1, sizeof(*reader->whole));
    if (!reader->values || !reader->whole)
        return error_out_of_memory(err);
    if (statement_prepare(&reader->query, staging->db, &staging_sql.rows, err) == FAILED)
        return FAILED;
    statement_bind_int(&reader->query, 1, from);
    statement_bind_int(&reader->query, 2, group->last);
    statement_bind_int(&reader->query, 3, reader->shows_every_whole);
    return OK;
}

static enum outcome make_reader(struct staging_reader **out_reader,
                                struct staging *staging, const struct staged_group *group,
                                int64_t from, bool shows_everything, struct error *err)
{
    struct staging_reader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return error_out_of_memory(err);
    reader->shows_every_whole = shows_everything;
    if (prepare(reader, staging, group, from, err) == FAILED) {
        staging_reader_free(reader);
        return FAILED;
    }
    *out_reader = reader;
    return OK;
}

enum outcome staging_reader_new(struct staging_reader **out_reader,
                                struct staging *staging, const struct staged_group *group,
                                int64_t from, struct error *err)
{
    return make_reader(out_reader, staging, group, from, false, err);
}

enum outcome staging_reader_of(struct staging_reader **out_reader,
                               struct staging *staging, const struct staged_group *group,
                               int64_t from, struct error *err)
{
    return make_reader(out_reader, staging, group, from, true, err);
}

/* Whether the whole row was there. */
static bool unpack(struct staging_reader *reader)
{
    enum staged_whole kept = (enum staged_whole)statement_column_int(&reader->query, 4);
    const char *at = statement_column_bytes(&reader->query, 5);

    for (size_t i = 0; i < reader->column_count; i++) {
        at = packed_value_read(at, &reader->values[i].local);
        at = packed_value_read(at, &reader->values[i].base);
    }
    if (kept == WHOLE_NONE ||
        (kept == WHOLE_FOR_REFERENCES && !reader->shows_every_whole))
        return false;
    for (size_t i = 0; i < reader->whole_count; i++)
        at = packed_value_read(at, &reader->whole[i]);
    return true;
}

enum outcome staging_reader_next(struct staging_reader *reader,
                                 struct staged_row *out_row, struct error *err)
{
    const struct statement *query = &reader->query;
    enum outcome outcome = statement_step(&reader->query, err);

    if (outcome != OK)
        return outcome;
    *out_row = (struct staged_row){
        .ordinal = statement_column_int(query, 0),
        .row_key = statement_column_text(query, 1),
        .changed_us = statement_column_int(query, 2),
        .first_sequence = statement_column_int(query, 3),
        .values = reader->values,
        .whole = unpack(reader) ? reader->whole : NULL,
    };
    return OK;
}
