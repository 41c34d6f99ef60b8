/* The second half of pull.h: what was received goes into the cache. */
#include "daemon/sync/pull.h"

#include "daemon/sync/refetch.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/store/broken_units.h"
#include "lib/store/mirror_layout.h"
#include "lib/store/pending.h"
#include "lib/store/rejected_mend.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static enum outcome prepare_mirrors(struct pull *pull, struct error *err)
{
    for (size_t i = 0; i < pull->plan_count; i++) {
        struct pull_plan *plan = &pull->plans[i];
        struct followed_table *followed = plan->followed;

        pull->culprit = followed;
        if (plan->joins && catalog_remove_refetches(pull->cache->db,
                                                    followed->table->name, err) == FAILED)
            return FAILED;
        if (mirror_init(&plan->mirror, pull->cache->db, followed->table,
                        plan->joins ? followed->copy.copy_name : followed->table->name,
                        err) == FAILED)
            return FAILED;
    }
    return OK;
}

/* ---- what is pending ---- */

static enum outcome refresh_pending(struct pull *pull, struct error *err)
{
    pull->pushable = followed_set_pushable(pull->followed);
    if (outbox_last_sequence(pull->cache->db, &pull->captured, err) == FAILED)
        return FAILED;
    return pending_refresh(pull->settings.pending, &pull->pushable, err);
}

static void tell_what_is_pending(struct pull *pull, struct mirror *mirror)
{
    mirror->pending = pull->settings.pending;
    mirror->tables = &pull->pushable;
    mirror->units = &pull->units;
}

/* With the lock in hand: what was captured since then, which is little. */
static enum outcome catch_up_pending(struct pull *pull, struct error *err)
{
    int64_t captured = 0;

    pending_units_start(&pull->units, pull->cache->db);
    if (outbox_last_sequence(pull->cache->db, &captured, err) == FAILED)
        return FAILED;
    if (captured != pull->captured && refresh_pending(pull, err) == FAILED)
        return FAILED;
    if (!pending_is_empty(pull->settings.pending) &&
        rejected_mend(pull->cache->db, pull->settings.pending, &pull->pushable, err) ==
            FAILED)
        return FAILED;
    if (!pending_is_empty(pull->settings.pending))
        for (size_t i = 0; i < pull->plan_count; i++)
            if (!pull->plans[i].joins)
                tell_what_is_pending(pull, &pull->plans[i].mirror);
    return OK;
}

static bool has_settled(const struct pull *pull)
{
    for (size_t i = 0; i < pull->plan_count; i++)
        if (pull->plans[i].mirror.has_settled)
            return true;
    return false;
}

static bool has_parked(const struct pull *pull)
{
    for (size_t i = 0; i < pull->plan_count; i++)
        if (pull->plans[i].mirror.has_parked)
            return true;
    return false;
}

/* ---- units of work that were broken ---- */

static struct pull_plan *find_plan(struct pull *pull, const struct table *table)
{
    for (size_t i = 0; i < pull->plan_count; i++)
        if (pull->plans[i].followed->table == table)
            return &pull->plans[i];
    return NULL;
}

static void note_refused(struct pull *pull, const struct table *table,
                         const struct mirror_counts *counts)
{
    struct pull_plan *plan = find_plan(pull, table);

    if (plan) {
        plan->evicted = true;
        plan->counts_applied.deleted += counts->deleted;
    } else {
        followed_set_find(pull->followed, table->name)->refetch_waits = true;
    }
}

static enum outcome reject_broken_units(struct pull *pull, struct error *err)
{
    const struct broken_units broken = {pull->cache->db, pull->settings.pending,
                                        &pull->pushable, &pull->units};

    for (;;) {
        const struct table *table;
        struct mirror_counts counts = {0};
        enum outcome outcome = broken_units_refuse_next(&broken, &table, &counts, err);

        if (outcome != OK)
            return outcome == FAILED ? FAILED : OK;
        note_refused(pull, table, &counts);
    }
}

/* ---- rows, in slices ---- */

/* Between two slices of a round too large for one transaction. */
static enum outcome commit_slice(struct pull *pull, struct error *err)
{
    struct database *db = pull->cache->db;

    pull->sliced = true;
    if (reject_broken_units(pull, err) == FAILED ||
        catalog_put_state(db, "catching up", clock_now_us(),
                          "a large change is being applied in several steps",
                          err) == FAILED ||
        catalog_close_gate(db, err) == FAILED || database_commit(db, err) == FAILED)
        return FAILED;
    fault_point("pull.slice_committed");
    if (cache_checkpoint(pull->cache, pull->settings.slice_bytes / 4, err) == FAILED ||
        database_begin(db, err) == FAILED || catalog_open_gate(db, err) == FAILED)
        return FAILED;
    return catch_up_pending(pull, err);
}

static enum outcome apply_rows(struct pull *pull, struct error *err)
{
    OWNED(change_reader_release) struct change_reader reader = {0};
    bool slices = pull->changes.file_bytes > pull->settings.slice_bytes;
    int64_t slice_end = pull->settings.slice_bytes;
    struct change change;
    enum outcome outcome;

    change_reader_init(&reader, &pull->changes);
    while ((outcome = change_reader_next(&reader, &change, err)) == OK) {
        struct pull_plan *plan = &pull->plans[change.table];

        pull->culprit = plan->followed;
        if (mirror_apply(&plan->mirror, &change, &plan->counts_applied, err) == FAILED)
            return FAILED;
        if (slices && reader.file_at > slice_end && !has_parked(pull)) {
            slice_end = reader.file_at + pull->settings.slice_bytes;
            if (commit_slice(pull, err) == FAILED)
                return FAILED;
        }
    }
    return outcome == FAILED ? FAILED : OK;
}

/* ---- the end of each table's round ---- */

/* A row that is none there stays while a local change of it waits, and so does its key:
 * the push makes the table be asked again. */
static enum outcome is_kept(struct pull_plan *plan, size_t number, bool *out_is,
                            struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value key[TABLE_KEY_LIMIT];

    *out_is = false;
    if (!plan->refetch_asked[number])
        return OK;
    if (row_key_values(plan->followed->table, plan->refetch_keys[number], &bytes, key,
                       err) == FAILED)
        return FAILED;
    return mirror_has_pending(&plan->mirror, key, out_is, err);
}

static enum outcome finish_refetch(struct pull *pull, struct pull_plan *plan,
                                   struct error *err)
{
    const char *name = plan->followed->table->name;

    /* one of them may have had to leave again: then all are read once more */
    if (plan->mirror.unsettled_rows)
        return OK;
    for (size_t i = 0; i < plan->refetch_count; i++) {
        bool kept;

        if (is_kept(plan, i, &kept, err) == FAILED ||
            (!kept && catalog_remove_refetch(pull->cache->db, name, plan->refetch_keys[i],
                                             err) == FAILED))
            return FAILED;
        plan->refetch_kept += kept;
    }
    return OK;
}

/* A copy counted its rows as they came: while no delta touched them, nobody need count
 * again. */
static enum outcome count_rows(struct pull_plan *plan, struct mirror_live *out_live,
                               struct error *err)
{
    const struct mirror_counts *applied = &plan->counts_applied;
    int64_t copied;

    if (!plan->joins || applied->written || applied->deleted)
        return mirror_count_live(&plan->mirror, out_live, err);
    copied = plan->followed->copy.row_count;
    *out_live = (struct mirror_live){.rows = copied, .rows_there = copied};
    return OK;
}

/*
 * Rows that are gone show in the numbers: after a sweep nothing else can differ. Once all
 * keys were compared, what is pending or on its way may still make a difference.
 */
static enum outcome compare_counts(struct pull_plan *plan, struct error *err)
{
    struct mirror_live live = {0};
    int64_t difference;

    if (!plan->counts)
        return OK;
    if (count_rows(plan, &live, err) == FAILED)
        return FAILED;
    difference = live.rows_there - plan->primary_count;
    plan->followed->keys_wanted = difference != 0 && !plan->lists;
    if (!plan->lists || llabs(difference) <= live.uncertain)
        return OK;
    return error_set(
        err, ERROR_CORRUPT,
        "%s: %lld rows here and %lld on the primary after all keys were compared",
        plan->followed->table->name, (long long)live.rows,
        (long long)plan->primary_count);
}

static enum outcome create_all_indexes(struct pull *pull, struct pull_plan *plan,
                                       struct error *err)
{
    enum outcome outcome;

    do
        outcome = mirror_layout_create_index(pull->cache->db, plan->followed->table,
                                             plan->followed->copy.copy_name, true, err);
    while (outcome == OK);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome switch_in(struct pull *pull, struct pull_plan *plan,
                              struct error *err)
{
    struct followed_table *followed = plan->followed;
    struct database *db = pull->cache->db;

    /* its statements would keep the private table busy */
    plan->evicted = plan->mirror.has_evicted || pull->captured;
    mirror_release(&plan->mirror);
    if (create_all_indexes(pull, plan, err) == FAILED ||
        mirror_layout_switch_in(db, followed->table, followed->copy.copy_name,
                                followed->visible, pull->settings.pending,
                                err) == FAILED ||
        refresh_pending(pull, err) == FAILED)
        return FAILED;
    return catalog_remove_copy(db, followed->table->name, err);
}

static enum outcome finish_tables(struct pull *pull, struct error *err)
{
    for (size_t i = 0; i < pull->plan_count; i++) {
        struct pull_plan *plan = &pull->plans[i];

        pull->culprit = plan->followed;
        if (mirror_finish(&plan->mirror, plan->lists, &plan->counts_applied, err) ==
                FAILED ||
            finish_refetch(pull, plan, err) == FAILED ||
            compare_counts(plan, err) == FAILED)
            return FAILED;
        if (!plan->joins)
            continue;
        fault_point("snapshot.before_switch");
        if (switch_in(pull, plan, err) == FAILED)
            return FAILED;
    }
    return OK;
}

/* ---- cursors ---- */

/* A table's exact snapshot moves when the round was exact for it; its mark always. */
static enum outcome next_cursor(const struct pull *pull, const struct pull_plan *plan,
                                struct catalog_cursor *out_cursor, struct error *err)
{
    const struct followed_table *followed = plan->followed;
    const struct catalog_cursor *last =
        plan->joins ? &followed->copy.cursor : &followed->cursor;
    bool exact = (plan->sweeps || followed->table->mode == TABLE_TRACKED) &&
                 !followed->keys_wanted;
    struct catalog_cursor next = {
        .exact = exact ? pull->header.exact : last->exact,
        .basis = exact ? followed->table->tracking : last->basis,
        .mark_us = pull->header.mark_us,
        .swept_us = exact ? pull->header.mark_us : last->swept_us,
    };

    return catalog_cursor_copy(out_cursor, &next, err);
}

static enum outcome prepare_cursors(struct pull *pull, struct error *err)
{
    for (size_t i = 0; i < pull->plan_count; i++)
        if (next_cursor(pull, &pull->plans[i], &pull->plans[i].next, err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome save_tables(struct pull *pull, struct error *err)
{
    struct catalog_table *rows = calloc(pull->plan_count + 1, sizeof(*rows));
    enum outcome outcome;

    if (!rows)
        return error_out_of_memory(err);
    for (size_t i = 0; i < pull->plan_count; i++)
        rows[i] = followed_table_row(pull->plans[i].followed, &pull->plans[i].next);
    outcome = catalog_put_tables(pull->cache->db, rows, pull->plan_count, err);
    free(rows);
    if (outcome == FAILED)
        return FAILED;
    return catalog_put_mark(pull->cache->db, pull->header.mark_us, pull->header.next_xid,
                            err);
}

/* What the round means for the tables in memory, once it is committed. */
static void settle(struct pull *pull)
{
    for (size_t i = 0; i < pull->plan_count; i++) {
        struct pull_plan *plan = &pull->plans[i];
        struct followed_table *followed = plan->followed;

        catalog_cursor_release(&followed->cursor);
        followed->cursor = TAKE(plan->next);
        if (plan->refetch_count)
            refetch_widen(followed);
        followed->refetch_waits = plan->refetch_count > plan->refetch_kept ||
                                  plan->evicted || plan->mirror.has_evicted;
        if (plan->counts_applied.written || plan->counts_applied.deleted ||
            (plan->joins && (followed->visible || followed->outdated)))
            followed->changed_since_count = true;
        if (plan->joins) {
            if (!followed->visible && !followed->outdated) {
                followed->live_rows = followed->copy.row_count;
                followed->counted_at_us = clock_monotonic_us();
            }
            catalog_copy_release(&followed->copy);
            followed->has_copy = false;
            followed->visible = true;
            followed->outdated = false;
            followed->copied_since_purge = true;
        }
        /* one that is being copied anew stays where it is until the copy joins */
        if (!followed->has_copy && !followed->resync_wanted)
            followed_table_move(followed, TABLE_LIVE);
    }
}

/* Something other than rows: a copy to switch in, a cursor that says more than before. */
static bool must_save(const struct pull *pull)
{
    if (pull->sliced || has_settled(pull))
        return true;
    for (size_t i = 0; i < pull->plan_count; i++) {
        const struct pull_plan *plan = &pull->plans[i];

        if (plan->joins || plan->sweeps || plan->refetch_count ||
            plan->followed->state != TABLE_LIVE)
            return true;
    }
    return false;
}

/* Rows that came again because of the overlap are no reason to write. */
static bool wrote_rows(const struct pull *pull)
{
    for (size_t i = 0; i < pull->plan_count; i++)
        if (pull->plans[i].counts_applied.written ||
            pull->plans[i].counts_applied.deleted)
            return true;
    return false;
}

static enum outcome merge_rows(struct pull *pull, struct error *err)
{
    struct database *db = pull->cache->db;

    if (database_begin(db, err) == FAILED || catalog_open_gate(db, err) == FAILED ||
        prepare_mirrors(pull, err) == FAILED || catch_up_pending(pull, err) == FAILED ||
        apply_rows(pull, err) == FAILED || finish_tables(pull, err) == FAILED ||
        reject_broken_units(pull, err) == FAILED)
        return FAILED;
    pull->culprit = NULL;
    return OK;
}

static enum outcome commit(struct pull *pull, struct error *err)
{
    if (save_tables(pull, err) == FAILED ||
        catalog_close_gate(pull->cache->db, err) == FAILED)
        return FAILED;
    fault_point("pull.before_commit");
    if (database_commit(pull->cache->db, err) == FAILED)
        return FAILED;
    fault_point("pull.after_commit");
    return OK;
}

enum outcome pull_apply(struct pull *pull, bool save, bool *out_written,
                        struct error *err)
{
    bool write = save || must_save(pull);

    pull->sliced = false;
    if (pull->changes.change_count > 0 || write) {
        if (refresh_pending(pull, err) == FAILED || merge_rows(pull, err) == FAILED)
            goto failed;
        write = write || must_save(pull) || wrote_rows(pull);
    }
    if (prepare_cursors(pull, err) == FAILED || (write && commit(pull, err) == FAILED))
        goto failed;
    database_roll_back(pull->cache->db);
    settle(pull);
    change_set_clear(&pull->changes);
    *out_written = write;
    return OK;

failed:
    database_roll_back(pull->cache->db);
    pending_reset(pull->settings.pending);
    return FAILED;
}
