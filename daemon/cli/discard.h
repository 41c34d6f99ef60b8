/* Discard: forgets rejected changes, after a copy was written and a person has agreed. */
#ifndef DAEMON_CLI_DISCARD_H
#define DAEMON_CLI_DISCARD_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;

/*
 * The change and all that go with it; id 0: all there are. Asks on a terminal, with the
 * number of changes; without one `yes` is required. out_file: the JSON file beside the
 * cache that holds them now, to be freed. NOTHING: there are none, or the answer was no.
 */
MUST_CHECK enum outcome discard(struct cache *cache, int64_t id, bool yes,
                                char **out_file, struct error *err);

#endif
