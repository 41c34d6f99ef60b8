#include "lib/store/mirror_merge.h"

#include "lib/base/cleanup.h"
#include "lib/model/conflict_rule.h"
#include "lib/model/row_key.h"
#include "lib/store/mirror_room.h"
#include "lib/store/mirror_row.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"

void mirror_merge_free(struct mirror_merge *merge, const struct table *table)
{
    if (!merge)
        return;
    for (size_t i = 0; merge->holders && i < table->index_count; i++)
        statement_release(&merge->holders[i]);
    statement_release(&merge->by_key);
    row_list_release(&merge->doubted);
    row_list_release(&merge->parked);
    free(merge->holders);
    free(merge->local);
    free(merge->merged);
    free(merge->holder);
    free(merge->dirty);
    free(merge->holder_dirty);
    free(merge);
}

static enum outcome allocate(struct mirror *mirror, struct error *err)
{
    size_t columns = mirror->table->column_count;
    struct mirror_merge *merge = calloc(1, sizeof(*merge));

    if (!merge)
        return error_out_of_memory(err);
    merge->holders = calloc(mirror->table->index_count + 1, sizeof(*merge->holders));
    merge->local = calloc(columns, sizeof(*merge->local));
    merge->merged = calloc(columns, sizeof(*merge->merged));
    merge->holder = calloc(columns, sizeof(*merge->holder));
    merge->dirty = calloc(columns, sizeof(*merge->dirty));
    merge->holder_dirty = calloc(columns, sizeof(*merge->holder_dirty));
    mirror->merge = merge;
    if (merge->holders && merge->local && merge->merged && merge->holder &&
        merge->dirty && merge->holder_dirty)
        return OK;
    return error_out_of_memory(err);
}

enum outcome mirror_merge_prepare(struct mirror *mirror, struct error *err)
{
    if (!mirror->merge && allocate(mirror, err) == FAILED)
        return FAILED;
    return mirror_row_prepare(mirror, &mirror->merge->by_key, "read a row of",
                              mirror_sql_select_by_key, err);
}

static enum outcome make_list(struct mirror *mirror, struct row_list *list,
                              const char *purpose, enum row_list_shape shape,
                              struct error *err)
{
    if (list->db)
        return OK;
    return row_list_make(list, mirror->db, mirror->table, purpose, shape, err);
}

enum outcome mirror_merge_make_lists(struct mirror *mirror, struct error *err)
{
    if (mirror_merge_prepare(mirror, err) == FAILED)
        return FAILED;
    if (make_list(mirror, &mirror->merge->doubted, "doubted", ROW_LIST_KEYS, err) ==
        FAILED)
        return FAILED;
    return make_list(mirror, &mirror->merge->parked, "parked", ROW_LIST_ROWS, err);
}

/* ---- the row as it is here ---- */

enum outcome mirror_merge_find_local(struct mirror *mirror, const struct value *key,
                                     bool *out_parked, struct error *err)
{
    struct mirror_merge *merge = mirror->merge;
    enum outcome outcome;

    statement_reset(&merge->by_key);
    if (mirror_row_respell(mirror, key, err) == FAILED)
        return FAILED;
    value_bind_all(&merge->by_key, 1, key, mirror->table->key_count);
    outcome = statement_step(&merge->by_key, err);
    *out_parked = outcome == NOTHING;
    if (outcome == OK)
        value_read_all(&merge->by_key, merge->local, mirror->table->column_count);
    if (outcome != NOTHING || !merge->parked.db)
        return outcome;
    return row_list_find(&merge->parked, key, merge->local, err);
}

void mirror_merge_forget_local(struct mirror *mirror)
{
    statement_reset(&mirror->merge->by_key);
    row_list_rest(&mirror->merge->parked);
}

static enum outcome forget_entries(struct mirror *mirror, const struct value *key,
                                   struct error *err)
{
    mirror->has_settled = true;
    return pending_remove(mirror->pending, mirror->table, key, err);
}

/* ---- the primary has the row ---- */

static enum outcome write_as_it_is(struct mirror *mirror, const struct value *values,
                                   struct mirror_counts *counts, struct error *err)
{
    const struct incoming_row row = {.values = values};

    return mirror_room_write(mirror, &row, counts, err);
}

/* The primary's value is taken over, or is what was written here too: no change of ours
 * any more. */
static enum outcome strip_column(struct mirror *mirror, const struct value *key,
                                 size_t column, struct error *err)
{
    mirror->has_settled = true;
    return pending_strip(mirror->pending, mirror->table, key,
                         mirror->table->columns[column].name, err);
}

static enum outcome combine(struct mirror *mirror, const struct value *key,
                            const struct pending_change *change,
                            const struct value *remote, struct error *err)
{
    struct mirror_merge *merge = mirror->merge;

    pending_dirty_columns(change, mirror->table, merge->local, merge->dirty);
    for (size_t i = 0; i < mirror->table->column_count; i++) {
        bool same = value_is_identical(&merge->local[i], &remote[i]);
        bool captured = change_base_find(&change->base, mirror->table->columns[i].name);

        if (captured && merge->dirty[i] == same &&
            strip_column(mirror, key, i, err) == FAILED)
            return FAILED;
        merge->dirty[i] = merge->dirty[i] && !same;
        merge->merged[i] = merge->dirty[i] ? merge->local[i] : remote[i];
    }
    return OK;
}

static enum outcome merge_update(struct mirror *mirror, const struct value *key,
                                 const struct pending_change *change,
                                 const struct value *remote, struct mirror_counts *counts,
                                 struct error *err)
{
    struct mirror_merge *merge = mirror->merge;
    const struct incoming_row row = {.values = merge->merged,
                                     .remote = remote,
                                     .local = merge->local,
                                     .dirty = merge->dirty,
                                     .change = change};
    bool parked = false;
    enum outcome outcome = mirror_merge_find_local(mirror, key, &parked, err);

    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING)
        return forget_entries(mirror, key, err) == FAILED
                   ? FAILED
                   : write_as_it_is(mirror, remote, counts, err);
    outcome = combine(mirror, key, change, remote, err);
    if (outcome == OK)
        outcome = mirror_room_write(mirror, &row, counts, err);
    if (outcome == OK && parked)
        outcome = row_list_remove(&merge->parked, key, err);
    mirror_merge_forget_local(mirror);
    return outcome;
}

/* It is there after all. */
static enum outcome believe(struct mirror *mirror, const struct value *key,
                            struct error *err)
{
    if (!mirror->merge->doubted.db)
        return OK;
    return row_list_remove(&mirror->merge->doubted, key, err);
}

enum outcome mirror_merge_row(struct mirror *mirror, const struct value *values,
                              struct mirror_counts *counts, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    struct value key[TABLE_KEY_LIMIT];
    enum outcome outcome;

    row_key_pick(mirror->table, values, key);
    outcome = pending_find(mirror->pending, mirror->table, key, &change, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING)
        return write_as_it_is(mirror, values, counts, err);
    if (mirror_merge_prepare(mirror, err) == FAILED ||
        believe(mirror, key, err) == FAILED)
        return FAILED;
    if (change.kind == PENDING_UPDATE)
        return merge_update(mirror, key, &change, values, counts, err);
    if (change.kind != PENDING_NOTHING)
        return OK;
    if (forget_entries(mirror, key, err) == FAILED)
        return FAILED;
    return write_as_it_is(mirror, values, counts, err);
}

/* ---- the primary does not have the row ---- */

static enum outcome remove_row(struct mirror *mirror, const struct value *key,
                               struct mirror_counts *counts, struct error *err)
{
    int64_t removed = 0;

    if (mirror_row_remove(mirror, key, &removed, err) == FAILED)
        return FAILED;
    counts->deleted += removed;
    return OK;
}

enum outcome mirror_merge_gone(struct mirror *mirror, const struct value *key,
                               struct mirror_counts *counts, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    enum outcome outcome =
        pending_find(mirror->pending, mirror->table, key, &change, err);

    if (outcome == FAILED)
        return FAILED;
    if (change.kind == PENDING_INSERT)
        return OK;
    if (change.kind == PENDING_NOTHING)
        return remove_row(mirror, key, counts, err);
    if (mirror_merge_make_lists(mirror, err) == FAILED)
        return FAILED;
    return row_list_put(&mirror->merge->doubted, key, err);
}

/* What a deletion there means for the edit here, which is in merge->local. */
static enum gone_verdict weigh(const struct mirror *mirror,
                               const struct pending_change *change)
{
    const struct table *table = mirror->table;
    const struct mirror_merge *merge = mirror->merge;
    size_t dirty = pending_dirty_columns(change, table, merge->local, merge->dirty);
    bool deletes = table->deleted_at != TABLE_NO_COLUMN &&
                   merge->dirty[table->deleted_at] &&
                   merge->local[table->deleted_at].type != VALUE_NULL;

    return conflict_rule_gone(table->conflict_policy, deletes, dirty > deletes);
}

/* A parked one that would come back cannot: its unique value is taken. It stays parked,
 * for the end. */
static enum outcome give_up_update(struct mirror *mirror, const struct value *key,
                                   const struct pending_change *change, bool parked,
                                   struct mirror_counts *counts, struct error *err)
{
    const struct pending_row row = {mirror->table, key, change, mirror->merge->local};
    enum gone_verdict gone = weigh(mirror, change);

    if (gone == GONE_INSERTED && parked)
        return OK;
    if (gone != GONE_AGREED &&
        pending_file_deleted(mirror->db, &row, gone == GONE_INSERTED, err) == FAILED)
        return FAILED;
    if (gone == GONE_INSERTED) {
        mirror->has_settled = true;
        return pending_make_insert(mirror->pending, mirror->table, key, err);
    }
    if (forget_entries(mirror, key, err) == FAILED)
        return FAILED;
    if (parked) {
        counts->deleted++;
        return row_list_remove(&mirror->merge->parked, key, err);
    }
    return remove_row(mirror, key, counts, err);
}

static enum outcome settle_gone(struct mirror *mirror, const struct value *key,
                                struct mirror_counts *counts, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    bool parked = false;
    enum outcome outcome =
        pending_find(mirror->pending, mirror->table, key, &change, err);

    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (change.kind == PENDING_DELETE)
        return forget_entries(mirror, key, err);
    if (change.kind != PENDING_UPDATE)
        return OK;
    outcome = mirror_merge_find_local(mirror, key, &parked, err);
    if (outcome == OK)
        outcome = give_up_update(mirror, key, &change, parked, counts, err);
    else if (outcome == NOTHING)
        outcome = forget_entries(mirror, key, err);
    mirror_merge_forget_local(mirror);
    return outcome;
}

/* ---- the end of a cut ---- */

static enum outcome settle_doubted(struct mirror *mirror, struct mirror_counts *counts,
                                   struct error *err)
{
    struct row_list *doubted = &mirror->merge->doubted;
    struct value key[TABLE_KEY_LIMIT];
    enum outcome outcome;

    while ((outcome = row_list_first(doubted, key, err)) == OK)
        if (settle_gone(mirror, key, counts, err) == FAILED ||
            row_list_remove(doubted, key, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome reject_parked(struct mirror *mirror, struct mirror_counts *counts,
                                  struct error *err)
{
    struct row_list *parked = &mirror->merge->parked;
    struct value key[TABLE_KEY_LIMIT];
    enum outcome outcome;

    while ((outcome = row_list_first(parked, mirror->merge->holder, err)) == OK) {
        row_key_pick(mirror->table, mirror->merge->holder, key);
        if (mirror_room_reject(mirror, mirror->merge->holder, NULL, counts, err) ==
                FAILED ||
            row_list_remove(parked, key, err) == FAILED)
            return FAILED;
        counts->deleted++;
    }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome mirror_merge_finish(struct mirror *mirror, struct mirror_counts *counts,
                                 struct error *err)
{
    struct mirror_merge *merge = mirror->merge;

    if (!merge || !merge->doubted.db)
        return OK;
    if (settle_doubted(mirror, counts, err) == FAILED ||
        reject_parked(mirror, counts, err) == FAILED)
        return FAILED;
    mirror->has_parked = false;
    row_list_rest(&merge->doubted);
    row_list_rest(&merge->parked);
    if (row_list_drop(&merge->doubted, err) == FAILED)
        return FAILED;
    return row_list_drop(&merge->parked, err);
}
