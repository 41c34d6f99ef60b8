#include "lib/store/mirror_room.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/model/sqlstate.h"
#include "lib/store/mirror_merge.h"
#include "lib/store/mirror_row.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"

#include <string.h>

/* ---- nothing is pending ---- */

static enum outcome evict_by(struct mirror *mirror, size_t index,
                             const struct value *values, struct error *err)
{
    struct statement *evict = &mirror->evict[index];
    enum outcome outcome;

    if (mirror_row_prepare_index(mirror, evict, mirror_sql_evict, index, err) == FAILED)
        return FAILED;
    value_bind_all(evict, 1, values, mirror->table->column_count);
    own_write_expect(mirror->db, mirror->physical_name, OWN_DELETE, OWN_ALL_ROWS);
    while ((outcome = statement_step(evict, err)) == OK) {
        value_read_all(evict, mirror->key, mirror->table->key_count);
        mirror->unsettled_rows++;
        if (mirror_refetch(mirror, mirror->key, err) == FAILED) {
            outcome = FAILED;
            break;
        }
    }
    own_write_end(mirror->db);
    statement_reset(evict);
    return outcome == FAILED ? FAILED : OK;
}

/* ---- beside pending changes ---- */

static enum outcome refuse(struct mirror *mirror, const struct pending_row *row,
                           const struct table_index *index, struct error *err)
{
    OWNED(buffer_release) struct buffer message = {0};
    struct pending_refusal refusal = {.sqlstate = SQLSTATE_UNIQUE_VIOLATION,
                                      .units = mirror->units,
                                      .tables = mirror->tables};

    buffer_append_format(&message,
                         "another row of %s has the same unique value on the primary",
                         row->table->name);
    if (index)
        buffer_append_format(&message, " (%s)", index->name);
    if (buffer_check(&message, err) == FAILED)
        return FAILED;
    refusal.message = message.data;
    refusal.constraint = index ? index->name : NULL;
    mirror->has_settled = true;
    return pending_reject(mirror->db, mirror->pending, row, &refusal, err);
}

/* To be read again: what the row looks like on the primary is not known here. */
static enum outcome take_out(struct mirror *mirror, const struct value *key,
                             struct mirror_counts *counts, struct error *err)
{
    int64_t removed = 0;

    if (mirror_row_remove(mirror, key, &removed, err) == FAILED)
        return FAILED;
    counts->deleted += removed;
    mirror->unsettled_rows++;
    mirror->has_evicted = true;
    return mirror_refetch(mirror, key, err);
}

enum outcome mirror_room_reject(struct mirror *mirror, const struct value *row,
                                const struct table_index *index,
                                struct mirror_counts *counts, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    struct value key[TABLE_KEY_LIMIT];
    const struct pending_row pending = {mirror->table, key, &change, row};
    enum outcome outcome;

    row_key_pick(mirror->table, row, key);
    outcome = pending_find(mirror->pending, mirror->table, key, &change, err);
    if (outcome == FAILED ||
        (outcome == OK && refuse(mirror, &pending, index, err) == FAILED))
        return FAILED;
    return take_out(mirror, key, counts, err);
}

static enum outcome reject_member(struct mirror *mirror, const struct value *key,
                                  const struct pending_refusal *refusal,
                                  struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    struct pending_row row = {mirror->table, key, &change, NULL};
    bool parked = false;
    enum outcome found;

    if (pending_find(mirror->pending, mirror->table, key, &change, err) == FAILED ||
        mirror_merge_prepare(mirror, err) == FAILED)
        return FAILED;
    found = mirror_merge_find_local(mirror, key, &parked, err);
    if (found == FAILED)
        return FAILED;
    if (found == OK)
        row.row = mirror->merge->local;
    /* what came and went, or is not there, has nothing to keep */
    if (change.kind == PENDING_NOTHING ||
        (change.kind != PENDING_DELETE && found == NOTHING))
        return pending_remove(mirror->pending, mirror->table, key, err);
    return pending_reject(mirror->db, mirror->pending, &row, refusal, err);
}

enum outcome mirror_reject_member(struct mirror *mirror,
                                  const struct pending_member *member,
                                  struct mirror_counts *counts, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value key[TABLE_KEY_LIMIT];
    const struct pending_refusal refusal = {
        .sqlstate = member->sqlstate,
        .message = member->message,
        .cause_id = member->cause_id,
        .unit_id = member->unit,
        .units = mirror->units,
        .tables = mirror->tables,
    };
    enum outcome outcome;

    if (row_key_values(mirror->table, member->row_key, &bytes, key, err) == FAILED)
        return FAILED;
    mirror->has_settled = true;
    outcome = reject_member(mirror, key, &refusal, err);
    if (mirror->merge)
        mirror_merge_forget_local(mirror);
    return outcome == FAILED ? FAILED : take_out(mirror, key, counts, err);
}

/* Whether one of the marked columns decides if and where a row stands in the index. */
static bool index_rests_on(const struct table *table, const struct table_index *index,
                           const bool *marked)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (marked[index->columns[i]])
            return true;
    for (size_t i = 0; index->predicate && i < table->column_count; i++) {
        OWNED(buffer_release) struct buffer name = {0};

        mirror_sql_identifier(&name, table->columns[i].name);
        if (marked[i] && !name.failed && strstr(index->predicate, name.data))
            return true;
    }
    return false;
}

static enum outcome park(struct mirror *mirror, const struct value *row,
                         const struct value *key, struct error *err)
{
    int64_t removed;

    if (row_list_put(&mirror->merge->parked, row, err) == FAILED)
        return FAILED;
    mirror->has_parked = true;
    return mirror_row_remove(mirror, key, &removed, err);
}

/* row: the one in the way, all columns. */
static enum outcome move_holder(struct mirror *mirror, const struct value *row,
                                const struct table_index *index,
                                struct mirror_counts *counts, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    struct mirror_counts uncounted = {0};
    struct value key[TABLE_KEY_LIMIT];
    enum outcome outcome;

    row_key_pick(mirror->table, row, key);
    outcome = pending_find(mirror->pending, mirror->table, key, &change, err);
    if (outcome == FAILED)
        return FAILED;
    if (change.kind == PENDING_NOTHING || change.kind == PENDING_DELETE)
        return take_out(mirror, key, &uncounted, err);
    pending_dirty_columns(&change, mirror->table, row, mirror->merge->holder_dirty);
    if (change.kind == PENDING_UPDATE &&
        !index_rests_on(mirror->table, index, mirror->merge->holder_dirty))
        return park(mirror, row, key, err);
    return mirror_room_reject(mirror, row, index, counts, err);
}

/* NOTHING: the row has given up its own local values. */
static enum outcome settle_clash(struct mirror *mirror, const struct incoming_row *row,
                                 const struct table_index *index,
                                 struct mirror_counts *counts, struct error *err)
{
    struct value key[TABLE_KEY_LIMIT];
    const struct pending_row own = {mirror->table, key, row->change, row->local};

    if (!row->dirty || !index_rests_on(mirror->table, index, row->dirty))
        return move_holder(mirror, mirror->merge->holder, index, counts, err);
    row_key_pick(mirror->table, row->values, key);
    return refuse(mirror, &own, index, err) == FAILED ? FAILED : NOTHING;
}

static enum outcome clear_index(struct mirror *mirror, const struct incoming_row *row,
                                size_t index, struct mirror_counts *counts,
                                struct error *err)
{
    struct statement *holders = &mirror->merge->holders[index];
    enum outcome settled = OK;
    enum outcome outcome = OK;

    if (mirror_row_prepare_index(mirror, holders, mirror_sql_holders, index, err) ==
        FAILED)
        return FAILED;
    while (settled == OK && outcome == OK) {
        value_bind_all(holders, 1, row->values, mirror->table->column_count);
        outcome = statement_step(holders, err);
        if (outcome == OK) {
            value_read_all(holders, mirror->merge->holder, mirror->table->column_count);
            settled =
                settle_clash(mirror, row, &mirror->table->indexes[index], counts, err);
        }
        statement_reset(holders);
    }
    return outcome == FAILED ? FAILED : settled;
}

/* NOTHING: as settle_clash(). */
static enum outcome make_room(struct mirror *mirror, const struct incoming_row *row,
                              struct mirror_counts *counts, struct error *err)
{
    enum outcome outcome = OK;

    mirror->has_evicted = true;
    if (mirror->pending && mirror_merge_make_lists(mirror, err) == FAILED)
        return FAILED;
    for (size_t i = 0; outcome == OK && i < mirror->table->index_count; i++) {
        if (!mirror->table->indexes[i].unique)
            continue;
        outcome = mirror->pending ? clear_index(mirror, row, i, counts, err)
                                  : evict_by(mirror, i, row->values, err);
    }
    return outcome;
}

enum outcome mirror_room_write(struct mirror *mirror, const struct incoming_row *row,
                               struct mirror_counts *counts, struct error *err)
{
    const struct incoming_row remote = {.values = row->remote};
    enum outcome room;

    if (mirror_row_write(mirror, row->values, counts, err) == FAILED) {
        if (!mirror_row_broke_unique(mirror))
            return FAILED;
        room = make_room(mirror, row, counts, err);
        if (room == FAILED)
            return FAILED;
        if (room == NOTHING)
            return mirror_room_write(mirror, &remote, counts, err);
        if (mirror_row_write(mirror, row->values, counts, err) == FAILED)
            return FAILED;
    }
    return mirror->has_evicted ? mirror_row_arrived(mirror, row->values, err) : OK;
}
