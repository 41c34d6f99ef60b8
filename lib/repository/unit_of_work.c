#include "lib/repository/library_cache.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/repository/library_error.h"
#include "lib/store/outbox.h"
#include "unit_of_work.sql.h"

#include <stdlib.h>
#include <string.h>

static enum outcome write_mark(struct tide_unit_of_work *unit, const char *mark,
                               int64_t *out_sequence, struct error *err)
{
    OWNED(statement_release) struct statement insert = {0};
    struct database *db = unit->cache->file.db;

    if (statement_prepare(&insert, db, &unit_of_work_sql.mark, err) == FAILED)
        return FAILED;
    statement_bind_text(&insert, 1, mark);
    if (statement_run(&insert, err) == FAILED)
        return FAILED;
    return outbox_last_sequence(db, out_sequence, err);
}

enum outcome unit_of_work_mark(struct tide_unit_of_work *unit, struct error *err)
{
    return unit->begin_mark ? OK : write_mark(unit, "begin", &unit->begin_mark, err);
}

enum outcome unit_of_work_require(const struct tide_unit_of_work *unit,
                                  const struct tide_cache *cache, struct error *err)
{
    if (!unit) {
        error_set(err, ERROR_INVALID, "there is no unit of work");
        return error_hint(err, "tide_unit_of_work_begin() makes one");
    }
    if (!unit->is_open)
        return error_set(err, ERROR_INVALID, "the unit of work has ended");
    if (unit->cache != cache)
        return error_set(err, ERROR_INVALID, "the unit of work is another cache's");
    return OK;
}

static enum outcome begin(struct tide_cache *cache, const char *owner_id,
                          struct tide_unit_of_work **out_unit, struct error *err)
{
    struct tide_unit_of_work *unit = &cache->units[cache->next_unit];

    if (cache->read_only)
        return error_set(err, ERROR_INVALID, "%s is open for reading only",
                         cache->file.path);
    if (cache->open_unit)
        return error_set(err, ERROR_INVALID,
                         "another unit of work is open in this cache");
    *unit = (struct tide_unit_of_work){.cache = cache};
    if (owner_id && !(unit->owner_id = strdup(owner_id)))
        return error_out_of_memory(err);
    if (database_begin(cache->file.db, err) == FAILED) {
        free(TAKE(unit->owner_id));
        if (err->kind == ERROR_TRANSIENT)
            error_hint(err, "another program writes to the cache: try again");
        return FAILED;
    }
    unit->is_open = true;
    cache->open_unit = unit;
    cache->next_unit = (cache->next_unit + 1) % UNITS_REMEMBERED;
    *out_unit = unit;
    return OK;
}

enum tide_result tide_unit_of_work_begin(struct tide_unit_of_work **out_unit,
                                         struct tide_cache *cache, const char *owner_id,
                                         struct tide_error *err)
{
    struct error why = {0};

    return library_result(begin(cache, owner_id, out_unit, &why), &why, err);
}

/* Where nothing came of the writes, nothing is marked. */
static enum outcome close_marks(struct tide_unit_of_work *unit,
                                struct tide_receipt *receipt, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(statement_release) struct statement forget = {0};
    struct database *db = unit->cache->file.db;
    enum outcome outcome;

    if (!unit->begin_mark)
        return OK;
    if (statement_prepare(&query, db, &unit_of_work_sql.has_entries, err) == FAILED ||
        statement_prepare(&forget, db, &unit_of_work_sql.forget_mark, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, unit->begin_mark);
    outcome = statement_step(&query, err);
    statement_reset(&query);
    statement_bind_int(&forget, 1, unit->begin_mark);
    if (outcome != OK)
        return outcome == NOTHING ? statement_run(&forget, err) : FAILED;
    receipt->unit = unit->begin_mark;
    return write_mark(unit, "end", &receipt->sequence, err);
}

static void end(struct tide_unit_of_work *unit)
{
    database_roll_back(unit->cache->file.db);
    free(TAKE(unit->owner_id));
    unit->is_open = false;
    unit->cache->open_unit = NULL;
}

enum tide_result tide_unit_of_work_commit(struct tide_unit_of_work *unit,
                                          struct tide_receipt *out_receipt,
                                          struct tide_error *err)
{
    struct tide_receipt receipt = {0};
    struct error why = {0};
    enum outcome outcome;

    if (unit_of_work_require(unit, unit ? unit->cache : NULL, &why) == FAILED)
        return library_failed(&why, err);
    outcome = close_marks(unit, &receipt, &why);
    if (outcome == OK)
        outcome = database_commit(unit->cache->file.db, &why);
    end(unit);
    if (outcome == OK && out_receipt)
        *out_receipt = receipt;
    return library_result(outcome, &why, err);
}

void tide_unit_of_work_roll_back(struct tide_unit_of_work *unit)
{
    if (unit && unit->is_open)
        end(unit);
}
