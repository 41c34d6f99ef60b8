/*
 * Concurrent index: CREATE and DROP INDEX CONCURRENTLY, the steps of a migration that
 * cannot be taken back and that leave something behind when they fail.
 *
 * A build that fails or is killed leaves an index that is invalid: it costs every write
 * and serves no query. Before such a step is run again, and after it failed, what is left
 * is found and removed.
 */
#ifndef DAEMON_MIGRATE_CONCURRENT_INDEX_H
#define DAEMON_MIGRATE_CONCURRENT_INDEX_H

#include "daemon/migrate/sql_words.h"

#include <stdbool.h>

struct primary;

/* What the statement says, as it is written there; borrowed. */
struct concurrent_index {
    bool creates;          /* else: drops */
    struct sql_word name;  /* of the index; empty: the server is to find one */
    struct sql_word table; /* of CREATE */
};

/* false: the statement is something else. Pure. */
bool concurrent_index_parse(const struct sql_statement *statement,
                            struct concurrent_index *out_index);

enum concurrent_index_state {
    CONCURRENT_INDEX_ABSENT,
    CONCURRENT_INDEX_VALID,
    CONCURRENT_INDEX_INVALID, /* and nobody is building it */
    CONCURRENT_INDEX_BUILDING /* by another session */
};

/* name: 64 bytes are enough for PostgreSQL; longer texts are cut. */
MUST_CHECK enum outcome concurrent_index_look(struct primary *primary,
                                              const struct concurrent_index *index,
                                              enum concurrent_index_state *out_state,
                                              struct error *err);

/*
 * Removes what a failed build left. OK: something was removed. NOTHING: there is nothing
 * to remove. FAILED: it is still there (ERROR_TRANSIENT: a lock is in the way).
 */
MUST_CHECK enum outcome
concurrent_index_remove_invalid(struct primary *primary,
                                const struct concurrent_index *index, struct error *err);

#endif
