/* The part of the status document that tells how local changes get on. */
#include "daemon/sync/status_document.h"

#include "lib/base/clock.h"

static const char *push_state_name(const struct status_facts *facts)
{
    static const char *const names[] = {
        [PUSH_IDLE] = "idle",
        [PUSH_RUNNING] = "pushing",
        [PUSH_WAITING] = "waiting",
        [PUSH_BLOCKED] = "blocked",
    };
    bool waits = facts->push.state == PUSH_IDLE && facts->changes.rows > 0;

    return names[waits ? PUSH_WAITING : facts->push.state];
}

static json_t *milliseconds(int64_t duration_us)
{
    return json_real((double)duration_us / 1000.0);
}

static json_t *push_document(const struct status_facts *facts)
{
    const struct status_push *push = &facts->push;

    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:s?, s:o}", "state",
        push_state_name(facts), "reason",
        status_reason(push->has_reason ? &push->reason : NULL), "since",
        status_time(facts->push_since_us), "next_try", status_time(push->next_try_us),
        "last_push_at", status_time(push->last_push_us), "pushes",
        (json_int_t)push->pushes, "rows", (json_int_t)push->rows, "rejected",
        (json_int_t)push->rejected, "conflicts", (json_int_t)push->conflicts, "device_id",
        facts->changes.device_id, "clock_offset_ms",
        push->has_clock_offset ? milliseconds(push->clock_offset_us) : json_null());
}

static json_t *pending_document(const struct change_counts *changes)
{
    int64_t age_us = clock_now_us() - changes->oldest_us;

    return json_pack("{s:I, s:I, s:o, s:o}", "count", (json_int_t)changes->rows,
                     "entries", (json_int_t)changes->entries, "oldest",
                     status_time(changes->oldest_us), "oldest_s",
                     changes->oldest_us ? status_seconds(age_us > 0 ? age_us : 0)
                                        : json_null());
}

static json_t *first_rejected_document(const struct change_first_rejected *first)
{
    if (!first->rejected_id)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "id",
                     (json_int_t)first->rejected_id, "table", status_text(first->table),
                     "key", status_text(first->row_key), "op",
                     status_text(first->operation), "sqlstate",
                     status_text(first->sqlstate), "text", status_text(first->message));
}

static json_t *rejected_document(const struct change_counts *changes)
{
    return json_pack("{s:I, s:o}", "count", (json_int_t)changes->rejected, "first",
                     first_rejected_document(&changes->first_rejected));
}

static json_t *histogram_document(const struct histogram *histogram)
{
    json_t *steps = json_array();

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        int64_t bound_us = histogram_bound_us(i);

        if (histogram->counts[i])
            json_array_append_new(
                steps,
                json_pack("{s:o, s:I}", "up_to_ms",
                          bound_us == INT64_MAX ? json_null() : milliseconds(bound_us),
                          "count", (json_int_t)histogram->counts[i]));
    }
    return steps;
}

static json_t *write_lock_document(const struct histogram *write_lock)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)write_lock->count,
                     "p50_ms", milliseconds(histogram_percentile_us(write_lock, 50)),
                     "p99_ms", milliseconds(histogram_percentile_us(write_lock, 99)),
                     "max_ms", milliseconds(write_lock->max_us), "histogram",
                     histogram_document(write_lock));
}

json_t *status_changes_document(const struct status_facts *facts)
{
    const struct change_counts *changes = &facts->changes;

    return json_pack("{s:o, s:o, s:{s:I, s:I}, s:o, s:o}", "pending",
                     pending_document(changes), "rejected", rejected_document(changes),
                     "conflicts", "count", (json_int_t)changes->conflicts, "open",
                     (json_int_t)changes->conflicts_open, "push", push_document(facts),
                     "write_lock", write_lock_document(&facts->write_lock));
}
