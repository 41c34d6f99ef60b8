/*
 * Table state: where a mirrored table is in its life, and which moves are allowed.
 *
 *   absent ──> snapshot ──> catching up ──> live
 *     ^           │              │           │
 *     └───────────┴── failed <───┴───────────┘
 *
 * And back: a table that is copied or has failed may be anything next, one that catches
 * up may be copied anew or go, a live one may be copied anew or catch up.
 */
#ifndef DAEMON_SYNC_TABLE_STATE_H
#define DAEMON_SYNC_TABLE_STATE_H

#include <stdbool.h>

enum table_state {
    TABLE_ABSENT,      /* nothing of it is here yet */
    TABLE_SNAPSHOT,    /* being copied under a private name */
    TABLE_CATCHING_UP, /* copied, or changed in shape: the next complete round makes it
                          live */
    TABLE_LIVE,        /* follows the primary */
    TABLE_FAILED,      /* stopped, with a reason; what is here stays readable */
    TABLE_STATE_COUNT,
};

/* "absent", "snapshot", "catching up", "live", "failed" */
const char *table_state_name(enum table_state state);

bool table_state_may_become(enum table_state from, enum table_state to);

#endif
