/*
 * Status board: what the worker is doing, for everybody who asks.
 *
 * The worker writes, any thread reads; a lock inside is held only while a few numbers are
 * copied. The document is the one that the tool prints, the library returns and the units
 * show.
 */
#ifndef DAEMON_SYNC_STATUS_BOARD_H
#define DAEMON_SYNC_STATUS_BOARD_H

#include "daemon/primary/primary.h"
#include "daemon/sync/followed_table.h"
#include "lib/base/histogram.h"
#include "lib/store/change_counts.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum sync_state {
    SYNC_STOPPED,
    SYNC_FIRST, /* first sync: nothing can be read yet */
    SYNC_CATCHING_UP,
    SYNC_LIVE,
    SYNC_OFFLINE,
    SYNC_PAUSED,
    SYNC_BLOCKED, /* a person must mend something */
};

/* "live", "first sync", … */
const char *sync_state_name(enum sync_state state);

/* How local changes get on; "waiting" is idle with something pending. */
enum push_state {
    PUSH_IDLE,
    PUSH_RUNNING,
    PUSH_WAITING, /* for its next try, or for a primary that takes changes */
    PUSH_BLOCKED, /* until a person does something; rows still arrive */
};

struct status_push {
    enum push_state state;
    bool has_reason;
    struct error reason;
    int64_t next_try_us;  /* wall clock; 0: none */
    int64_t last_push_us; /* wall clock, of the last that arrived; 0: none yet */
    int64_t pushes;       /* since the start; so are the following */
    int64_t rows;
    int64_t rejected;
    int64_t conflicts;
    bool has_clock_offset;
    int64_t clock_offset_us; /* the primary's clock less ours */
};

struct status_board;

struct status_promises {
    const char *cache_path; /* borrowed, must outlive the board */
    int64_t overlap_us;
    int64_t sweep_interval_us;
};

MUST_CHECK enum outcome status_board_new(struct status_board **out_board,
                                         const struct status_promises *promises,
                                         struct error *err);
void status_board_free(struct status_board *board); /* NULL is fine */

void status_board_set_promises(struct status_board *board,
                               const struct status_promises *promises);

/*
 * Moves to a state; `since` starts when it changes. reason may be NULL; next_try_us is
 * wall clock, 0: none. True when the state or its reason is another than before.
 */
bool status_board_set_state(struct status_board *board, enum sync_state state,
                            const struct error *reason, int64_t next_try_us);
enum sync_state status_board_state(struct status_board *board, int64_t *out_since_us);

/* info NULL: not connected; what was known of the server stays. */
void status_board_set_primary(struct status_board *board,
                              const struct primary_info *info);

/* After the schema was read, and whenever numbers of tables changed. */
MUST_CHECK enum outcome status_board_set_tables(struct status_board *board,
                                                const struct followed_set *followed,
                                                struct error *err);

/*
 * OK, or ERROR_INVALID when tables are known and this is none of them. Before the first
 * look at the primary any name will do.
 */
MUST_CHECK enum outcome status_board_knows_table(struct status_board *board,
                                                 const char *name, struct error *err);

/* A copy under way; NULL: none. tables_done counts tables that are finished. */
void status_board_set_progress(struct status_board *board,
                               const struct followed_table *followed, size_t tables_done,
                               size_t tables);

/* Takes the counts over. */
void status_board_set_changes(struct status_board *board, struct change_counts *counts);

/* `since` starts when the state changes. */
void status_board_set_push(struct status_board *board, const struct status_push *push);

/* How long transactions of the sync held the cache's write lock. */
void status_board_set_write_lock(struct status_board *board,
                                 const struct histogram *write_lock);

void status_board_count_round(struct status_board *board, int64_t duration_us);

/* A new reference; NULL: out of memory. */
json_t *status_board_document(struct status_board *board);

#endif
