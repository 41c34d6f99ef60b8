#include "lib/repository/library_cache.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/repository/library_error.h"

#include <stdlib.h>
#include <string.h>

static void drop_cache(struct tide_cache **cache)
{
    tide_cache_close(*cache);
}

static enum outcome open_file(struct tide_cache *cache, const char *path, bool read_only,
                              struct error *err)
{
    enum outcome outcome = read_only ? cache_open_read_only(&cache->file, path, err)
                                     : cache_open_beside(&cache->file, path, err);

    if (outcome == NOTHING) {
        error_set(err, ERROR_SYSTEM, "there is no cache at %s", path);
        return error_hint(err, "`tidemark sync` makes the first copy");
    }
    return outcome;
}

static enum outcome open_cache(struct tide_cache *cache, const char *path,
                               const struct tide_cache_options *options,
                               struct error *err)
{
    if (open_file(cache, path, options->read_only, err) == FAILED ||
        database_run(cache->file.db, "open the cache", "pragma foreign_keys = on", err) ==
            FAILED)
        return FAILED;
    if (options->busy_timeout_ms > 0)
        database_set_busy_timeout(cache->file.db, options->busy_timeout_ms);
    cache->read_only = options->read_only || database_is_read_only(cache->file.db);
    if (options->control_socket &&
        !(cache->control_socket = strdup(options->control_socket)))
        return error_out_of_memory(err);
    return OK;
}

enum tide_result tide_cache_open(struct tide_cache **out_cache, const char *path,
                                 const struct tide_cache_options *options,
                                 struct tide_error *err)
{
    OWNED(drop_cache) struct tide_cache *cache = calloc(1, sizeof(*cache));
    const struct tide_cache_options defaults = {0};
    struct error why = {0};

    if (!cache) {
        error_out_of_memory(&why);
        return library_failed(&why, err);
    }
    cache->file.lock_fd = -1;
    if (open_cache(cache, path, options ? options : &defaults, &why) == FAILED)
        return library_failed(&why, err);
    *out_cache = TAKE(cache);
    return TIDE_OK;
}

void tide_cache_close(struct tide_cache *cache)
{
    if (!cache)
        return;
    tide_unit_of_work_roll_back(cache->open_unit);
    cache_release(&cache->file);
    free(cache->control_socket);
    free(cache);
}
