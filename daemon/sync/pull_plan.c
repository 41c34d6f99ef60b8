#include "daemon/sync/pull_plan.h"

#include "daemon/sync/refetch.h"
#include "lib/base/clock.h"
#include "lib/model/row_key.h"
#include "lib/store/mirror_layout.h"

#include <stdlib.h>
#include <string.h>

void pull_plans_clear(struct pull *pull)
{
    for (size_t i = 0; pull->plans && i < pull->plan_count; i++) {
        mirror_release(&pull->plans[i].mirror);
        catalog_cursor_release(&pull->plans[i].next);
        row_key_free(pull->plans[i].refetch_keys, pull->plans[i].refetch_count);
        row_key_free(pull->plans[i].refetch_asked, pull->plans[i].refetch_count);
        pull->plans[i] = (struct pull_plan){0};
    }
    pull->plan_count = 0;
}

/*
 * By the primary's clock, as far as the last round told it. On a standby that clock
 * stands still while nothing is committed: then what came since the last sweep waits by
 * ours.
 */
static bool sweep_is_due(const struct pull *pull, const struct followed_table *followed)
{
    int64_t now_us = pull->header.mark_us ? pull->header.mark_us : clock_now_us();

    if (pull->header.in_recovery && now_us > followed->cursor.swept_us)
        now_us = clock_now_us();
    return now_us - followed->cursor.swept_us >= pull->settings.sweep_interval_us;
}

/* The cache was away for longer than the primary remembers what was deleted. */
static bool deletes_are_forgotten(const struct followed_table *followed,
                                  const struct catalog_cursor *cursor)
{
    return followed->table->deletes_known_since_us > cursor->mark_us;
}

static void decide(const struct pull *pull, struct followed_table *followed, bool joins,
                   struct pull_plan *out_plan)
{
    bool tracked = followed->table->mode == TABLE_TRACKED;
    const struct catalog_cursor *cursor =
        joins ? &followed->copy.cursor : &followed->cursor;
    bool changed_basis = strcmp(cursor->basis, followed->table->tracking) != 0;
    bool due = !tracked && (joins || sweep_is_due(pull, followed));

    *out_plan = (struct pull_plan){.followed = followed, .joins = joins};
    out_plan->sweeps = changed_basis || due || followed->keys_wanted ||
                       deletes_are_forgotten(followed, cursor);
    out_plan->counts = out_plan->sweeps;
    out_plan->lists = followed->keys_wanted && !joins;
    out_plan->polls = out_plan->sweeps || followed->delta.text[0];
}

/* Twins in a copy that was resumed: one of them is gone, and nothing else would tell. */
static enum outcome look_for_twins(const struct pull *pull, struct pull_plan *plan,
                                   struct error *err)
{
    if (!plan->joins || !plan->sweeps)
        return OK;
    return mirror_layout_lacks_unique(pull->cache->db, plan->followed->table,
                                      plan->followed->copy.copy_name, &plan->lists, err);
}

static bool takes_part(const struct followed_table *followed, bool may_join,
                       bool *out_joins)
{
    *out_joins = may_join && followed->has_copy && followed->copy.complete;
    return followed->state != TABLE_FAILED && !followed->locked_out &&
           (*out_joins || (followed->visible && followed->cursor.exact[0]));
}

enum outcome pull_plans_make(struct pull *pull, bool may_join, struct error *err)
{
    pull_plans_clear(pull);
    for (size_t i = 0; i < pull->followed->count; i++) {
        struct followed_table *followed = &pull->followed->tables[i];
        struct pull_plan *plan = &pull->plans[pull->plan_count];
        bool joins;

        if (!takes_part(followed, may_join, &joins))
            continue;
        decide(pull, followed, joins, plan);
        pull->plan_count++;
        if (look_for_twins(pull, plan, err) == FAILED ||
            refetch_take(pull, plan, err) == FAILED)
            return FAILED;
    }
    return OK;
}
