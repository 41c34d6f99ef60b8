/* The engine's half that tidies up between rounds. */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/store/capture.h"
#include "lib/store/local_table.h"
#include "lib/store/pending.h"

#include <malloc.h>
#include <string.h>

#define WAL_LIMIT_BYTES ((int64_t)4 << 20)
#define PURGE_INTERVAL_MAX_US (60 * 60 * US_PER_SECOND)
/* A pause in somebody's work is no rest yet. */
#define REST_AFTER_US (5 * US_PER_SECOND)
/* Counting rows may cost a hundredth of the time between two counts. */
#define COUNT_COST_FACTOR 100
#define COUNT_CHEAP_US 2000
#define COUNT_CHEAP_ROWS 10000
/* A primary that is never idle still gets its rows counted. */
#define COUNT_OVERDUE_US (5 * 60 * US_PER_SECOND)

static enum outcome count_rows(struct engine *engine, struct followed_table *followed,
                               struct error *err)
{
    int64_t start_us = clock_monotonic_us();

    if (local_table_count(engine->cache.db, followed->table, &followed->live_rows, err) ==
        FAILED)
        return FAILED;
    followed->counted_at_us = clock_monotonic_us();
    followed->count_cost_us = followed->counted_at_us - start_us;
    followed->changed_since_count = false;
    return OK;
}

/* Whether a commit that arrives meanwhile would notice. */
static bool count_is_cheap(const struct followed_table *followed)
{
    if (followed->count_cost_us)
        return followed->count_cost_us < COUNT_CHEAP_US;
    return followed->live_rows < COUNT_CHEAP_ROWS;
}

static bool count_is_due(const struct followed_table *followed, bool idle)
{
    int64_t since_us = clock_monotonic_us() - followed->counted_at_us;

    if (!followed->visible)
        return false;
    if (followed->live_rows < 0)
        return true;
    if (!followed->changed_since_count ||
        since_us < COUNT_COST_FACTOR * followed->count_cost_us)
        return false;
    return idle || count_is_cheap(followed) || since_us >= COUNT_OVERDUE_US;
}

static enum outcome count_tables(struct engine *engine, bool idle, struct error *err)
{
    bool counted = false;

    for (size_t i = 0; i < engine->followed.count; i++) {
        struct followed_table *followed = &engine->followed.tables[i];

        if (!count_is_due(followed, idle))
            continue;
        if (count_rows(engine, followed, err) == FAILED)
            return FAILED;
        counted = true;
    }
    if (counted)
        engine_publish_tables(engine);
    return OK;
}

static enum outcome purge_table(struct engine *engine, struct followed_table *followed,
                                struct error *err)
{
    OWNED(mirror_release) struct mirror mirror = {0};
    char before[CLOCK_TEXT_SIZE];
    bool copied = followed->copied_since_purge;

    followed->copied_since_purge = false;
    if (copied || followed->table->deleted_at == TABLE_NO_COLUMN || !followed->visible)
        return OK;
    clock_format_utc(followed->cursor.mark_us - engine->config.tombstone_retention_us,
                     before);
    if (mirror_init(&mirror, engine->cache.db, followed->table, followed->table->name,
                    err) == FAILED)
        return FAILED;
    if (!pending_is_empty(engine->pending))
        mirror.pending = engine->pending;
    return mirror_purge_tombstones(&mirror, before, err);
}

static enum outcome purge_tables(struct engine *engine, struct error *err)
{
    const struct outbox_tables tables = followed_set_pushable(&engine->followed);

    if (pending_refresh(engine->pending, &tables, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < engine->followed.count; i++)
        if (purge_table(engine, &engine->followed.tables[i], err) == FAILED)
            return FAILED;
    return OK;
}

static bool purge_is_due(const struct engine *engine)
{
    int64_t interval_us = engine->config.tombstone_retention_us / 2;

    if (interval_us > PURGE_INTERVAL_MAX_US)
        interval_us = PURGE_INTERVAL_MAX_US;
    return !engine->purged_at_us ||
           clock_monotonic_us() - engine->purged_at_us >= interval_us;
}

static enum outcome purge_tombstones(struct engine *engine, struct error *err)
{
    struct database *db = engine->cache.db;

    if (!purge_is_due(engine))
        return OK;
    engine->purged_at_us = clock_monotonic_us();
    if (database_begin(db, err) == FAILED || catalog_open_gate(db, err) == FAILED ||
        purge_tables(engine, err) == FAILED || catalog_close_gate(db, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        pending_reset(engine->pending);
        return FAILED;
    }
    return OK;
}

static void log_lines(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");

        log_warning("%.*s", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

/* What programs do to the triggers in the file is seen here, and by nobody else. */
static enum outcome check_capture(struct engine *engine, struct error *err)
{
    OWNED(buffer_release) struct buffer mended = {0};
    OWNED(text_free)
    char *room = calloc(engine->followed.count + 1, sizeof(const struct table *));
    const struct table **visible = (const struct table **)(void *)room;
    size_t count = 0;
    enum outcome outcome;

    if (!room)
        return error_out_of_memory(err);
    for (size_t i = 0; i < engine->followed.count; i++)
        if (engine->followed.tables[i].visible)
            visible[count++] = engine->followed.tables[i].table;
    outcome = capture_check(engine->cache.db, visible, count, &engine->capture_version,
                            &mended, err);
    if (outcome == OK)
        log_lines(mended.data);
    return outcome == FAILED ? FAILED : OK;
}

/* While nothing happens idle rounds ask the cache for nothing that needs its schema. */
static enum outcome rest(struct engine *engine, struct error *err)
{
    if (engine->trimmed || clock_monotonic_us() - engine->used_at_us < REST_AFTER_US)
        return OK;
    if (database_release_memory(engine->cache.db, err) == FAILED ||
        database_release_memory(engine->cache.checkpoint, err) == FAILED)
        return FAILED;
    malloc_trim(0);
    engine->trimmed = true;
    return OK;
}

enum outcome engine_keep_house(struct engine *engine, bool idle, struct error *err)
{
    if (engine->push.counts_are_old && engine_count_changes(engine, false, err) == FAILED)
        return FAILED;
    if (check_capture(engine, err) == FAILED ||
        count_tables(engine, idle, err) == FAILED ||
        purge_tombstones(engine, err) == FAILED)
        return FAILED;
    if (cache_checkpoint(&engine->cache, WAL_LIMIT_BYTES, err) == FAILED)
        return FAILED;
    return idle ? rest(engine, err) : OK;
}

static enum outcome put_cursors(struct engine *engine, struct error *err)
{
    for (size_t i = 0; i < engine->followed.count; i++) {
        const struct followed_table *followed = &engine->followed.tables[i];
        struct catalog_table row = followed_table_row(followed, &followed->cursor);

        if (followed->visible && row.cursor.exact &&
            catalog_put_tables(engine->cache.db, &row, 1, err) == FAILED)
            return FAILED;
    }
    return catalog_put_mark(engine->cache.db, engine->pull.header.mark_us,
                            engine->pull.header.next_xid, err);
}

enum outcome engine_save_cursors(struct engine *engine, struct error *err)
{
    struct database *db = engine->cache.db;

    if (!engine->pull.header.mark_us)
        return OK;
    if (database_begin(db, err) == FAILED || put_cursors(engine, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}
