/*
 * Library cache: a cache as applications have it open, and the units of work in it.
 *
 * Belongs to one thread at a time.
 */
#ifndef LIB_REPOSITORY_LIBRARY_CACHE_H
#define LIB_REPOSITORY_LIBRARY_CACHE_H

#include "lib/tidemark.h"
#include "lib/base/error.h"
#include "lib/store/cache.h"

/* So many units, the open one among them, are known by their pointer. */
#define UNITS_REMEMBERED 32

struct tide_unit_of_work {
    struct tide_cache *cache;
    char *owner_id;     /* NULL: none */
    int64_t begin_mark; /* its entry in the outbox; 0: nothing was written yet */
    bool is_open;
};

struct tide_cache {
    struct cache file;
    char *control_socket; /* NULL: none */
    bool read_only;
    struct tide_unit_of_work units[UNITS_REMEMBERED];
    size_t next_unit;
    struct tide_unit_of_work *open_unit; /* one of them; NULL: none */
};

/* ERROR_INVALID: the unit has ended, or is another cache's. */
MUST_CHECK enum outcome unit_of_work_require(const struct tide_unit_of_work *unit,
                                             const struct tide_cache *cache,
                                             struct error *err);

/* Before each write: sees to it that the unit's begin is marked. */
MUST_CHECK enum outcome unit_of_work_mark(struct tide_unit_of_work *unit,
                                          struct error *err);

#endif
