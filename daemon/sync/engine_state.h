/* Engine state: what the files of the engine share. Nobody else includes this. */
#ifndef DAEMON_SYNC_ENGINE_STATE_H
#define DAEMON_SYNC_ENGINE_STATE_H

#include "daemon/loop/backoff.h"
#include "daemon/sync/cache_watch.h"
#include "daemon/sync/engine.h"
#include "daemon/sync/pull.h"
#include "daemon/sync/push.h"
#include "daemon/sync/push_boundaries.h"
#include "daemon/sync/status_board.h"
#include "lib/db/database.h"

#include <pthread.h>
#include <stdatomic.h>

/* What other threads ask of the worker; everything but the descriptors is under `lock`.
 */
struct engine_requests {
    pthread_mutex_t lock;
    int stop_fd; /* readable for ever once engine_stop() was called */
    int wake_fd; /* readable when there is something to look at */
    atomic_bool stopping;
    bool paused;
    bool reload;
    struct engine_config next_config;
    char **resyncs;
    size_t resync_count;
    bool resync_all;
    int64_t last_ticket;
    int64_t completed_ticket;
    int64_t failed_ticket;
    struct error failure;
};

/* How local changes get to the primary. */
struct engine_push {
    struct push *push; /* NULL until it is needed */
    struct status_push status;
    struct push_boundaries boundaries;
    struct backoff backoff;
    int64_t retry_at_us; /* monotonic; 0: nothing failed */
    struct backoff held_backoff;
    int64_t held_retry_at_us;      /* of what is held back; 0: nothing is */
    int64_t last_sequence;         /* of the outbox, when last looked at */
    int64_t checked_sequence;      /* all up to there can be read */
    struct database_version empty; /* the outbox was, then, and nothing in flight */
    bool in_recovery;              /* the primary takes no changes */
    bool held;                     /* until a table has its new shape */
    bool counts_are_old;
    int64_t counted_at_us; /* monotonic */
    int64_t count_cost_us;
};

struct engine {
    struct engine_config config;
    struct engine_observer observer;
    struct engine_requests requests;
    struct status_board *board;
    atomic_int_fast64_t heartbeat_us;

    /* the worker's own */
    struct cache_config place; /* of the first configuration: later ones move no cache */
    struct cache cache;
    bool cache_is_open;
    struct pending *pending; /* of the cache's connection; there while it is open */
    struct primary *primary; /* rounds, LISTEN */
    struct primary *copier;  /* snapshots; NULL while there are none */
    struct catalog_cluster cluster;       /* as the cache had it ... */
    struct database_version cluster_from; /* ... then */
    struct followed_set followed;
    struct pull pull;
    struct engine_push push;
    struct cache_watch *watch; /* NULL outside engine_run() */
    struct histogram write_lock;
    bool start_over_wanted; /* as a new device, before anything else */
    bool schema_known;
    char *catalog_digest;
    int64_t schema_read_at_us; /* monotonic */
    char *refusals;            /* as last logged: each is said once */
    uint32_t numbering;        /* of prepared statements and pulls */
    unsigned schema_failures;  /* rounds in a row that ended with ERROR_SCHEMA */
    struct backoff backoff;
    int64_t capture_version; /* of the file's schema, when its triggers were looked at */
    int64_t saved_at_us;     /* monotonic: cursors last written */
    int64_t purged_at_us;    /* monotonic: tombstones last purged */
    int64_t change_set_number; /* for `watch` */
    int64_t used_at_us;        /* monotonic: something was last changed in the cache */
    bool trimmed;              /* memory was given back since then */
};

/* ---- engine_schema.c ---- */

/* Reads the primary's schema, drops what is gone, and makes followed and pull for the
 * rest. */
MUST_CHECK enum outcome engine_read_schema(struct engine *engine, struct error *err);

/* FAILED when the cut is from another cluster or an older moment: then cursors mean
 * nothing. */
MUST_CHECK enum outcome engine_check_cluster(struct engine *engine,
                                             const struct round_header *header,
                                             struct error *err);

/* The statements of a round, made anew for the tables that take part. */
MUST_CHECK enum outcome engine_make_pull(struct engine *engine, struct error *err);

/* ---- engine_requests.c ---- */

MUST_CHECK enum outcome engine_requests_init(struct engine_requests *requests,
                                             struct error *err);
void engine_requests_release(struct engine_requests *requests);

void engine_take_config(struct engine *engine, const struct engine_config *config);
struct status_promises engine_promises(const struct engine_config *config);

/* What one attempt is about: what other threads asked for since the last one. */
struct engine_task {
    int64_t ticket; /* that it answers */
    bool asked;     /* somebody waits for the answer: nothing is put off */
    bool paused;
};
MUST_CHECK enum outcome engine_take_requests(struct engine *engine,
                                             struct engine_task *out_task,
                                             struct error *err);
void engine_answer(struct engine *engine, int64_t ticket, const struct error *failure);

/* ---- engine_open.c ---- */

/* Waits until the cache is open, and watches it. NOTHING: it was asked to stop meanwhile.
 * FAILED: it cannot be opened for a reason that does not pass. */
MUST_CHECK enum outcome engine_open_at_last(struct engine *engine, struct error *err);
void engine_close(struct engine *engine);

/* Once the tables of a first copy are whole: the cache takes its place, and everything
 * that belongs to its connection is made anew. A failure may leave it closed. */
MUST_CHECK enum outcome engine_move_in(struct engine *engine, struct error *err);

/* After a failure: a first copy whose file is gone is closed, and opened as a new one. */
void engine_drop_lost_copy(struct engine *engine);

/* ---- engine_wait.c ---- */

/*
 * Waits for the end of the time-out, a request or, if until_work, for something to do:
 * news of the primary, a local change that can be pushed now. Local changes are counted
 * in any case. out_timed_out: the time is over. FAILED: the connection is lost.
 */
MUST_CHECK enum outcome engine_wait(struct engine *engine, int64_t timeout_us,
                                    bool until_work, bool *out_timed_out,
                                    struct error *err);

/* ---- engine_push.c ---- */

/* Settles a push whose answer was lost. OK too when it cannot be settled and pushing has
 * stopped for that. */
MUST_CHECK enum outcome engine_settle_push(struct engine *engine,
                                           struct followed_set *followed,
                                           struct error *err);

/*
 * Pushes what the outbox holds now. asked: even if it is not yet time for the next try.
 * OK too when pushing failed and rows can arrive all the same: then the status says why.
 */
MUST_CHECK enum outcome engine_push(struct engine *engine, bool asked, struct error *err);

/* Takes note of what applications have committed. out_can_push: there is something that
 * can be pushed now. */
MUST_CHECK enum outcome engine_note_changes(struct engine *engine, bool *out_can_push,
                                            struct error *err);

/* Why local changes do not arrive; NULL: they do, or there are none. Valid until the next
 * push. */
const struct error *engine_push_trouble(const struct engine *engine);

/* The trouble is of some tables only, whose changes wait for a GRANT. */
bool engine_push_is_held(const struct engine *engine);

/* The session is read-only, for as long as it lives: a new one may not be, and it is time
 * for the next try. */
bool engine_push_wants_new_session(const struct engine *engine);

/* How long until the next try; INT64_MAX: nothing failed. */
int64_t engine_push_wait_us(const struct engine *engine);

/* Numbers for the status. now: whatever it costs. */
MUST_CHECK enum outcome engine_count_changes(struct engine *engine, bool now,
                                             struct error *err);

/* Every table is copied anew, and this is another device from now on, which no ledger
 * knows; pending changes stay. */
MUST_CHECK enum outcome engine_start_over(struct engine *engine, struct error *err);

void engine_push_release(struct engine *engine);

/* ---- engine_locks.c ---- */

bool engine_is_lock_failure(const struct error *err);

/* After a round failed for a lock: finds the tables that are locked and leaves them out.
 * FAILED with the same error when there are none. */
MUST_CHECK enum outcome engine_leave_locked_tables_out(struct engine *engine,
                                                       struct error *err);

/* Before a round: takes those in again that are free. */
MUST_CHECK enum outcome engine_look_at_locks(struct engine *engine, struct error *err);

/* ---- engine_round.c ---- */

/* Copies what must be copied, then rounds until there is nothing left to do at once. */
MUST_CHECK enum outcome engine_catch_up(struct engine *engine, struct error *err);

/* A failed table's time has come: the schema is read again, and all of them get another
 * chance. */
bool engine_has_table_to_retry(const struct engine *engine);

/* ---- engine_housekeeping.c ---- */

/* Between rounds: checkpoint, row counts, old tombstones, memory. */
MUST_CHECK enum outcome engine_keep_house(struct engine *engine, bool idle,
                                          struct error *err);

/* Before leaving: idle rounds move the cursors in memory only. */
MUST_CHECK enum outcome engine_save_cursors(struct engine *engine, struct error *err);

/* ---- engine.c ---- */

/* The cache was changed: it may be soon again. */
void engine_note_use(struct engine *engine);
/* Publishes a state; writes it to the cache when it is another. reason may be NULL. */
void engine_set_state(struct engine *engine, enum sync_state state,
                      const struct error *reason, int64_t retry_in_us);
/* Once for each failure; wait_us: until the next try. */
void engine_log_failure(const struct error *err, int64_t wait_us);
void engine_publish_tables(struct engine *engine);
void engine_notify(struct engine *engine);
bool engine_is_stopping(struct engine *engine);
/* A pause or another configuration: a copy does not go on to its end first. */
bool engine_is_asked_to_break_off(struct engine *engine);
/* Around work that the watchdog should time. */
void engine_beat(struct engine *engine);
void engine_rest(struct engine *engine);

#endif
