/* The engine's half that waits. */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "lib/base/clock.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A cache that cannot be looked at is the next attempt's to report. */
static bool look_at_cache(struct engine *engine)
{
    struct error err;
    bool can_push = false;
    enum outcome outcome = cache_watch_look(engine->watch, &err);

    if (outcome == OK)
        outcome = engine_note_changes(engine, &can_push, &err);
    if (outcome == OK || (outcome == NOTHING && engine->push.counts_are_old && !can_push))
        outcome = engine_count_changes(engine, false, &err) == FAILED ? FAILED : outcome;
    if (outcome == FAILED)
        log_debug("%s", err.message);
    return outcome == OK && can_push;
}

/* The end of a wait may come from somewhere that is nobody's news: a write to the WAL
 * that is no commit of another, or after a failure a primary that notifies all the time.
 */
static bool is_called(struct engine *engine, bool until_work)
{
    return cache_watch_is_called(engine->watch) ||
           (until_work && primary_was_notified(engine->primary));
}

enum outcome engine_wait(struct engine *engine, int64_t timeout_us, bool until_work,
                         bool *out_timed_out, struct error *err)
{
    int64_t deadline_us = clock_monotonic_us() + timeout_us;
    int64_t left_us = timeout_us;
    int fd = cache_watch_descriptor(engine->watch);

    *out_timed_out = false;
    engine_rest(engine);
    for (; left_us > 0; left_us = deadline_us - clock_monotonic_us()) {
        enum outcome outcome;

        if (look_at_cache(engine) && until_work)
            return OK;
        left_us = smaller(left_us, smaller(cache_watch_patience_us(engine->watch),
                                           engine->config.poll_interval_us));
        outcome = primary_wait(engine->primary, fd, left_us, err);
        if (outcome == FAILED && (until_work || err->kind == ERROR_INTERRUPTED))
            return FAILED;
        if (outcome == OK && is_called(engine, until_work))
            return OK;
    }
    *out_timed_out = true;
    return OK;
}
