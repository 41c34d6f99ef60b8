#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/store/staging_state.h"
#include "staging.sql.h"

#include <stdlib.h>
#include <string.h>

enum outcome staging_refuse(struct staging *staging, int64_t ordinal,
                            const struct staged_refusal *refusal, struct error *err)
{
    statement_bind_int(&staging->refuse, 1, ordinal);
    statement_bind_text(&staging->refuse, 2, refusal->sqlstate);
    statement_bind_text(&staging->refuse, 3, refusal->message);
    statement_bind_text(&staging->refuse, 4, refusal->constraint);
    return statement_run(&staging->refuse, err);
}

/* ---- foreign keys ---- */

/* One foreign key of one of the tables. */
struct reference {
    int64_t number; /* among all */
    const struct table_foreign_key *key;
    const struct table *parent;
    int parent_columns[TABLE_KEY_LIMIT];
};

#define KEYS_PER_TABLE 65536

static const struct table *parent_of(const struct outbox_tables *tables,
                                     const struct table_foreign_key *key)
{
    for (size_t i = 0; i < tables->count; i++) {
        const struct table *table = tables->items[i].table;

        if (strcmp(table->schema, key->parent_schema) == 0 &&
            strcmp(table->name, key->parent_table) == 0)
            return table;
    }
    return NULL;
}

/* NOTHING: its parent is not among the tables. */
static enum outcome describe(const struct outbox_tables *tables, size_t table,
                             size_t foreign_key, struct reference *out_reference)
{
    struct reference reference = {
        .number = (int64_t)(table * KEYS_PER_TABLE + foreign_key),
        .key = &tables->items[table].table->foreign_keys[foreign_key],
    };

    reference.parent = parent_of(tables, reference.key);
    if (!reference.parent || reference.key->column_count > TABLE_KEY_LIMIT)
        return NOTHING;
    for (size_t i = 0; i < reference.key->column_count; i++) {
        reference.parent_columns[i] =
            table_find_column(reference.parent, reference.key->parent_columns[i]);
        if (reference.parent_columns[i] == TABLE_NO_COLUMN)
            return NOTHING;
    }
    *out_reference = reference;
    return OK;
}

/* A row's value of a column, where it is carried. */
static const struct value *value_of(const struct staged_group *group,
                                    const struct staged_row *row, int column)
{
    for (size_t i = 0; i < group->column_count; i++)
        if (group->columns[i] == (size_t)column)
            return &row->values[i].local;
    return row->whole ? &row->whole[column] : NULL;
}

/* The parent's key, spelled as the parent's columns are. NOTHING: a part of it is null or
 * was not changed. */
static enum outcome spell(const struct reference *reference,
                          const struct staged_group *group, const struct staged_row *row,
                          const int *columns, struct buffer *key)
{
    struct value values[TABLE_KEY_LIMIT];

    for (size_t i = 0; i < reference->key->column_count; i++) {
        const struct value *value = value_of(group, row, columns[i]);

        if (!value || value->type == VALUE_NULL)
            return NOTHING;
        values[i] = *value;
    }
    buffer_clear(key);
    row_key_append_columns(key, reference->parent, reference->parent_columns, values,
                           reference->key->column_count);
    return OK;
}

/* ---- which rows refer to which ---- */

/* A staging reader over rows of one group, and where references go. */
struct reference_writer {
    struct staging *staging;
    struct statement add;
    struct buffer key;
};

static void writer_release(struct reference_writer *writer)
{
    statement_release(&writer->add);
    buffer_release(&writer->key);
}

/* An update refers to what it writes; what it leaves alone was there before. */
static bool is_changed(const struct reference *reference,
                       const struct staged_group *group)
{
    for (size_t i = 0; i < reference->key->column_count; i++)
        for (size_t j = 0; j < group->column_count; j++)
            if (group->columns[j] == (size_t)reference->key->columns[i])
                return true;
    return false;
}

static enum outcome add_reference(struct reference_writer *writer,
                                  const struct reference *reference,
                                  const struct staged_group *group,
                                  const struct staged_row *row, struct error *err)
{
    if (!is_changed(reference, group) ||
        spell(reference, group, row, reference->key->columns, &writer->key) == NOTHING)
        return OK;
    if (buffer_check(&writer->key, err) == FAILED)
        return FAILED;
    statement_bind_int(&writer->add, 1, reference->number);
    statement_bind_bytes(&writer->add, 2, writer->key.data, writer->key.length);
    statement_bind_int(&writer->add, 3, row->ordinal);
    return statement_run(&writer->add, err);
}

static enum outcome add_references_of(struct reference_writer *writer,
                                      const struct staged_group *group,
                                      const struct staged_row *row, struct error *err)
{
    const struct outbox_tables *tables = writer->staging->tables;
    size_t table = 0;
    struct reference reference;

    while (tables->items[table].table != group->table)
        table++;
    for (size_t i = 0; i < group->table->foreign_key_count; i++)
        if (describe(tables, table, i, &reference) == OK &&
            add_reference(writer, &reference, group, row, err) == FAILED)
            return FAILED;
    return OK;
}

static void free_reader(struct staging_reader **reader)
{
    staging_reader_free(*reader);
}

static enum outcome add_references_of_group(struct reference_writer *writer,
                                            const struct staged_group *group,
                                            struct error *err)
{
    OWNED(free_reader) struct staging_reader *reader = NULL;
    struct staged_row row;
    enum outcome outcome;

    if (group->phase == STAGED_DELETE || group->table->foreign_key_count == 0)
        return OK;
    if (staging_reader_of(&reader, writer->staging, group, group->first, err) == FAILED)
        return FAILED;
    while ((outcome = staging_reader_next(reader, &row, err)) == OK)
        if (add_references_of(writer, group, &row, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

/* Once, and only when something was refused. */
static enum outcome find_references(struct staging *staging, struct error *err)
{
    OWNED(writer_release) struct reference_writer writer = {.staging = staging};
    OWNED(staged_group_release) struct staged_group group = {0};
    enum outcome outcome;

    if (staging->has_references)
        return OK;
    if (statement_prepare(&writer.add, staging->db, &staging_sql.add_reference, err) ==
        FAILED)
        return FAILED;
    while ((outcome = staging_group_of(staging, group.last + 1, &group, err)) == OK) {
        int64_t last = group.last;

        if (add_references_of_group(&writer, &group, err) == FAILED)
            return FAILED;
        staged_group_release(&group);
        group.last = last;
    }
    staging->has_references = outcome == NOTHING;
    return outcome == FAILED ? FAILED : OK;
}

/* ---- closing ---- */

struct closing {
    struct staging *staging;
    struct statement next_open;
    struct statement close;
    struct statement open_units;
    struct statement close_unit;
    struct statement refuse_unit;
    struct statement refuse_children;
};

static void closing_release(struct closing *closing)
{
    statement_release(&closing->next_open);
    statement_release(&closing->close);
    statement_release(&closing->open_units);
    statement_release(&closing->close_unit);
    statement_release(&closing->refuse_unit);
    statement_release(&closing->refuse_children);
}

static enum outcome closing_init(struct closing *closing, struct error *err)
{
    struct database *db = closing->staging->db;

    if (statement_prepare(&closing->next_open, db, &staging_sql.next_open, err) ==
            FAILED ||
        statement_prepare(&closing->close, db, &staging_sql.close, err) == FAILED ||
        statement_prepare(&closing->open_units, db, &staging_sql.open_units, err) ==
            FAILED ||
        statement_prepare(&closing->close_unit, db, &staging_sql.close_unit, err) ==
            FAILED ||
        statement_prepare(&closing->refuse_unit, db, &staging_sql.refuse_unit, err) ==
            FAILED)
        return FAILED;
    return statement_prepare(&closing->refuse_children, db, &staging_sql.refuse_children,
                             err);
}

static enum outcome refuse_units(struct closing *closing, int64_t ordinal,
                                 struct error *err)
{
    enum outcome outcome;

    do {
        int64_t unit;

        statement_bind_int(&closing->open_units, 1, ordinal);
        outcome = statement_step(&closing->open_units, err);
        unit = outcome == OK ? statement_column_int(&closing->open_units, 0) : 0;
        statement_reset(&closing->open_units);
        if (outcome != OK)
            break;
        statement_bind_int(&closing->close_unit, 1, unit);
        statement_bind_int(&closing->refuse_unit, 1, unit);
        statement_bind_int(&closing->refuse_unit, 2, ordinal);
        if (statement_run(&closing->close_unit, err) == FAILED ||
            statement_run(&closing->refuse_unit, err) == FAILED)
            return FAILED;
    } while (true);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome refuse_children_by(struct closing *closing,
                                       const struct reference *reference,
                                       const struct staged_group *group,
                                       const struct staged_row *row, struct error *err)
{
    OWNED(buffer_release) struct buffer key = {0};

    if (spell(reference, group, row, reference->parent_columns, &key) == NOTHING)
        return OK;
    if (buffer_check(&key, err) == FAILED)
        return FAILED;
    statement_bind_int(&closing->refuse_children, 1, reference->number);
    statement_bind_bytes(&closing->refuse_children, 2, key.data, key.length);
    statement_bind_int(&closing->refuse_children, 3, row->ordinal);
    return statement_run(&closing->refuse_children, err);
}

static enum outcome refuse_children_of(struct closing *closing,
                                       const struct staged_group *group,
                                       const struct staged_row *row, struct error *err)
{
    const struct outbox_tables *tables = closing->staging->tables;
    struct reference reference;

    for (size_t i = 0; i < tables->count; i++)
        for (size_t j = 0; j < tables->items[i].table->foreign_key_count; j++)
            if (describe(tables, i, j, &reference) == OK &&
                reference.parent == group->table &&
                refuse_children_by(closing, &reference, group, row, err) == FAILED)
                return FAILED;
    return OK;
}

static enum outcome refuse_children(struct closing *closing, int64_t ordinal,
                                    struct error *err)
{
    OWNED(staged_group_release) struct staged_group group = {0};
    OWNED(free_reader) struct staging_reader *reader = NULL;
    struct staged_row row;

    if (staging_group_of(closing->staging, ordinal, &group, err) != OK)
        return FAILED;
    if (group.phase != STAGED_INSERT)
        return OK;
    if (find_references(closing->staging, err) == FAILED ||
        staging_reader_of(&reader, closing->staging, &group, ordinal, err) == FAILED ||
        staging_reader_next(reader, &row, err) != OK)
        return FAILED;
    return refuse_children_of(closing, &group, &row, err);
}

static enum outcome next_open(struct closing *closing, int64_t *out_ordinal,
                              struct error *err)
{
    enum outcome outcome = statement_step(&closing->next_open, err);

    if (outcome == OK)
        *out_ordinal = statement_column_int(&closing->next_open, 0);
    statement_reset(&closing->next_open);
    return outcome;
}

static enum outcome close_all(struct closing *closing, struct error *err)
{
    int64_t ordinal;
    enum outcome outcome;

    while ((outcome = next_open(closing, &ordinal, err)) == OK) {
        statement_bind_int(&closing->close, 1, ordinal);
        if (statement_run(&closing->close, err) == FAILED ||
            refuse_units(closing, ordinal, err) == FAILED ||
            refuse_children(closing, ordinal, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome count_outcasts(struct staging *staging, int64_t *out_count,
                                   struct error *err)
{
    return database_query_int(staging->db, staging_sql.count_outcasts.name,
                              staging_sql.count_outcasts.text, out_count, err);
}

enum outcome staging_close(struct staging *staging, int64_t *out_added, struct error *err)
{
    OWNED(closing_release) struct closing closing = {.staging = staging};
    int64_t before = 0;
    int64_t after = 0;

    if (closing_init(&closing, err) == FAILED ||
        count_outcasts(staging, &before, err) == FAILED ||
        close_all(&closing, err) == FAILED ||
        count_outcasts(staging, &after, err) == FAILED)
        return FAILED;
    *out_added = after - before;
    return OK;
}

/* ---- showing ---- */

void staging_forget_outcast(struct staging *staging)
{
    staging_reader_free(TAKE(staging->outcast_reader));
    staged_group_release(&staging->outcast_group);
    statement_reset(&staging->outcast);
}

static enum outcome show(struct staging *staging, int64_t ordinal,
                         struct staged_outcast *outcast, struct error *err)
{
    if (staging_group_of(staging, ordinal, &staging->outcast_group, err) != OK ||
        staging_reader_of(&staging->outcast_reader, staging, &staging->outcast_group,
                          ordinal, err) == FAILED ||
        staging_reader_next(staging->outcast_reader, &outcast->row, err) != OK)
        return FAILED;
    outcast->table = staging->outcast_group.table;
    outcast->phase = staging->outcast_group.phase;
    outcast->columns = staging->outcast_group.columns;
    outcast->column_count = staging->outcast_group.column_count;
    return OK;
}

enum outcome staging_next_outcast(struct staging *staging, int64_t *position,
                                  struct staged_outcast *out_outcast, struct error *err)
{
    const struct statement *query = &staging->outcast;
    struct staged_outcast outcast;
    enum outcome outcome;

    staging_forget_outcast(staging);
    statement_bind_int(&staging->outcast, 1, *position);
    outcome = statement_step(&staging->outcast, err);
    if (outcome != OK)
        return outcome;
    outcast = (struct staged_outcast){
        .refusal = {.sqlstate = statement_column_text(query, 1),
                    .message = statement_column_text(query, 2),
                    .constraint = statement_column_text(query, 3)},
        .cause_ordinal = statement_column_int(query, 4),
        .unit = statement_column_int(query, 5),
    };
    if (show(staging, statement_column_int(query, 0), &outcast, err) == FAILED)
        return FAILED;
    *position = outcast.row.ordinal;
    *out_outcast = outcast;
    return OK;
}
