#include "lib/store/mirror_row.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/model/sqlstate.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/rejected.h"
#include "lib/store/value_binding.h"

#include <stdlib.h>

enum outcome mirror_row_prepare(struct mirror *mirror, struct statement *statement,
                                const char *verb, build_row_sql *build, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    OWNED(buffer_release) struct buffer name = {0};

    if (statement->handle)
        return OK;
    build(&sql, mirror->table, mirror->physical_name);
    buffer_append_format(&name, "%s %s", verb, mirror->table->name);
    if (buffer_check(&sql, err) == FAILED || buffer_check(&name, err) == FAILED)
        return FAILED;
    return statement_prepare_text(statement, mirror->db, name.data, sql.data, err);
}

enum outcome mirror_row_prepare_index(struct mirror *mirror, struct statement *statement,
                                      build_index_sql *build, size_t index,
                                      struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (statement->handle)
        return OK;
    build(&sql, mirror->table, &mirror->table->indexes[index], mirror->physical_name);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return statement_prepare_text(statement, mirror->db, "make room in", sql.data, err);
}

/* One statement that touches one row of its own. */
static enum outcome run_one(struct mirror *mirror, struct statement *statement,
                            enum own_operation operation, int64_t *out_changes,
                            struct error *err)
{
    enum outcome outcome;

    own_write_expect(mirror->db, mirror->physical_name, operation, 1);
    outcome = statement_run(statement, err);
    own_write_end(mirror->db);
    if (outcome == OK)
        *out_changes = database_changes(mirror->db);
    return outcome;
}

static bool has_more_than_its_key(const struct mirror *mirror)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_change(&sql, mirror->table, mirror->physical_name);
    return sql.failed || sql.length;
}

static enum outcome change_row(struct mirror *mirror, const struct value *row,
                               int64_t *out_changes, struct error *err)
{
    *out_changes = 0;
    if (!mirror->change.handle && !has_more_than_its_key(mirror))
        return OK;
    if (mirror_row_prepare(mirror, &mirror->change, "write", mirror_sql_change, err) ==
        FAILED)
        return FAILED;
    value_bind_all(&mirror->change, 1, row, mirror->table->column_count);
    return run_one(mirror, &mirror->change, OWN_UPDATE, out_changes, err);
}

/* An upsert may be an insert and then an update, and what a trigger does in between
 * would look like the update. */
static enum outcome write_in_steps(struct mirror *mirror, const struct value *row,
                                   int64_t *out_changes, struct error *err)
{
    if (change_row(mirror, row, out_changes, err) == FAILED)
        return FAILED;
    if (*out_changes)
        return OK;
    if (mirror_row_prepare(mirror, &mirror->add, "write", mirror_sql_add, err) == FAILED)
        return FAILED;
    value_bind_all(&mirror->add, 1, row, mirror->table->column_count);
    return run_one(mirror, &mirror->add, OWN_INSERT, out_changes, err);
}

bool mirror_row_broke_unique(const struct mirror *mirror)
{
    const struct statement *any = mirror->upsert.handle ? &mirror->upsert
                                  : mirror->add.handle  ? &mirror->add
                                                        : &mirror->change;

    return statement_broke_unique(any);
}

/* As an edit of the row that has the bytes: so a person can write it again. */
static enum outcome file_twin(struct mirror *mirror, const struct value *row,
                              const char *key, struct error *err)
{
    OWNED(rejected_values_release) struct rejected_values values = {0};
    OWNED(buffer_release) struct buffer message = {0};
    const struct pending_change insert = {.kind = PENDING_INSERT};
    struct rejected_change twin = {.table = mirror->table->name,
                                   .row_key = key,
                                   .operation = OUTBOX_UPDATE,
                                   .sqlstate = SQLSTATE_UNIQUE_VIOLATION,
                                   .changed_us = clock_now_us()};
    int64_t id;

    buffer_append_format(&message,
                         "another row of %s has the same key: this one's was written as "
                         "text, which stands for its bytes",
                         mirror->table->name);
    if (buffer_check(&message, err) == FAILED ||
        rejected_values_of(&insert, mirror->table, row, &values, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < values.count; i++) {
        size_t column = (size_t)table_find_column(mirror->table, values.items[i].column);

        if (table_is_key(mirror->table, column) &&
            mirror->table->columns[column].codec == CODEC_BYTEA)
            values.items[i].value.type = VALUE_BLOB;
    }
    twin.message = message.data;
    twin.values = values.items;
    twin.value_count = values.count;
    mirror->has_settled = true;
    return rejected_add(mirror->db, &twin, &id, err);
}

static enum outcome refuse_twin(struct mirror *mirror, const struct value *row,
                                struct error *err)
{
    OWNED(buffer_release) struct buffer key = {0};
    struct value as_text[TABLE_KEY_LIMIT];
    int64_t ignored;

    row_key_pick(mirror->table, row, as_text);
    row_key_append_canonical(&key, mirror->table, as_text);
    if (buffer_check(&key, err) == FAILED ||
        file_twin(mirror, row, key.data, err) == FAILED ||
        mirror_row_prepare(mirror, &mirror->remove, "delete from", mirror_sql_delete,
                           err) == FAILED)
        return FAILED;
    value_bind_all(&mirror->remove, 1, as_text, mirror->table->key_count);
    return run_one(mirror, &mirror->remove, OWN_DELETE, &ignored, err);
}

/* text_key stands on the row. */
static enum outcome respell(struct mirror *mirror, const struct value *key,
                            struct error *err)
{
    struct value *row;
    int64_t changes = 0;
    enum outcome outcome;

    if (mirror_row_prepare(mirror, &mirror->respell, "respell a key of",
                           mirror_sql_respell_key, err) == FAILED)
        return FAILED;
    value_bind_all(&mirror->respell, 1, key, mirror->table->key_count);
    outcome = run_one(mirror, &mirror->respell, OWN_UPDATE, &changes, err);
    if (outcome == FAILED || changes)
        return outcome;
    row = calloc(mirror->table->column_count, sizeof(*row));
    if (!row)
        return error_out_of_memory(err);
    value_read_all(&mirror->text_key, row, mirror->table->column_count);
    outcome = refuse_twin(mirror, row, err);
    free(row);
    return outcome;
}

enum outcome mirror_row_respell(struct mirror *mirror, const struct value *key,
                                struct error *err)
{
    enum outcome outcome;

    if (!mirror->has_bytes_in_key)
        return OK;
    if (mirror_row_prepare(mirror, &mirror->text_key, "look for a key of",
                           mirror_sql_select_text_key, err) == FAILED)
        return FAILED;
    value_bind_all(&mirror->text_key, 1, key, mirror->table->key_count);
    outcome = statement_step(&mirror->text_key, err);
    if (outcome == OK)
        outcome = respell(mirror, key, err);
    statement_reset(&mirror->text_key);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome respell_key_of(struct mirror *mirror, const struct value *row,
                                   struct error *err)
{
    struct value key[TABLE_KEY_LIMIT];

    row_key_pick(mirror->table, row, key);
    return mirror_row_respell(mirror, key, err);
}

enum outcome mirror_row_write(struct mirror *mirror, const struct value *row,
                              struct mirror_counts *counts, struct error *err)
{
    int64_t changes = 0;

    if (respell_key_of(mirror, row, err) == FAILED)
        return FAILED;
    if (mirror->db->own_write.asked) {
        if (write_in_steps(mirror, row, &changes, err) == FAILED)
            return FAILED;
        counts->written += changes;
        return OK;
    }
    if (mirror_row_prepare(mirror, &mirror->upsert, "write", mirror_sql_upsert, err) ==
        FAILED)
        return FAILED;
    value_bind_all(&mirror->upsert, 1, row, mirror->table->column_count);
    if (statement_run(&mirror->upsert, err) == FAILED)
        return FAILED;
    counts->written += database_changes(mirror->db);
    return OK;
}

enum outcome mirror_row_remove(struct mirror *mirror, const struct value *key,
                               int64_t *out_removed, struct error *err)
{
    if (mirror_row_respell(mirror, key, err) == FAILED ||
        mirror_row_prepare(mirror, &mirror->remove, "delete from", mirror_sql_delete,
                           err) == FAILED)
        return FAILED;
    value_bind_all(&mirror->remove, 1, key, mirror->table->key_count);
    return run_one(mirror, &mirror->remove, OWN_DELETE, out_removed, err);
}

enum outcome mirror_row_arrived(struct mirror *mirror, const struct value *row,
                                struct error *err)
{
    OWNED(buffer_release) struct buffer json = {0};

    row_key_pick(mirror->table, row, mirror->key);
    row_key_append(&json, mirror->key, mirror->table->key_count);
    if (buffer_check(&json, err) == FAILED)
        return FAILED;
    return catalog_remove_refetch(mirror->db, mirror->table->name, json.data, err);
}
