/*
 * Conflict rule: who wins when both sides changed the same column of the same row, and
 * what becomes of a change whose row is gone.
 *
 * Pure: told what the primary holds, it decides what is written there and what is filed.
 */
#ifndef LIB_MODEL_CONFLICT_RULE_H
#define LIB_MODEL_CONFLICT_RULE_H

#include "lib/model/table.h"

#include <stdbool.h>
#include <stdint.h>

/* "server_wins" …, by policy, as settings and the conflict log name them; NULL at the
 * end. */
extern const char *const conflict_rule_names[];

/* Rules of the conflict log that are no policy. */
#define CONFLICT_DELETED_THERE "deleted there"
#define CONFLICT_DELETED_HERE "deleted here"

/* Whether its conflicts stay open until a person decides. */
bool conflict_rule_asks(enum conflict_policy policy);

/* Whether an update must have all of its row at hand: to insert it where the row is gone,
 * or to show it to a person. */
bool conflict_rule_wants_whole_row(enum conflict_policy policy);

/* When both sides last changed the row. */
struct conflict_times {
    bool has_remote;         /* the row says when */
    int64_t remote_us;       /* by the primary's clock */
    int64_t local_us;        /* by the device's clock */
    int64_t clock_offset_us; /* the primary's clock minus the device's */
};

/* Whether the local values are written over the primary's. The later change wins under
 * last_write_wins; the primary does in a tie, or when it does not say when. */
bool conflict_rule_local_wins(enum conflict_policy policy,
                              const struct conflict_times *times);

/* What the primary holds in a column that was changed here. */
struct conflict_column {
    bool is_local;   /* the value that it is to get */
    bool is_base;    /* the value that it had when it was changed here */
    bool has_base;   /* false: a new row, which has none */
    bool tombstones; /* deleted_at, and the row is deleted on both sides */
};

enum conflict_verdict {
    CONFLICT_AGREED, /* nothing to write */
    CONFLICT_MERGED, /* changed here only: to be written */
    CONFLICT_FOUND,  /* changed on both sides */
};
enum conflict_verdict conflict_rule_column(const struct conflict_column *column);

/* What becomes of an update whose row is not there. */
enum gone_verdict {
    GONE_AGREED,   /* it was deleted here too, or nothing is lost */
    GONE_FILED,    /* the delete stands; what was changed here is kept as a conflict */
    GONE_INSERTED, /* the row comes back with the local values; the delete is filed */
};

/* deletes: it makes the row a tombstone. edits: it changes other columns (too). */
enum gone_verdict conflict_rule_gone(enum conflict_policy policy, bool deletes,
                                     bool edits);

#endif
