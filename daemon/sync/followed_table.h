/*
 * Followed table: one mirrored table while the daemon runs: its definition, its
 * cursor, its copy under way, and the statements that are run for it again and again.
 *
 * Built from the catalog of the cache each time the primary's schema was read, so that a
 * restart and a schema change are the same thing. Belongs to the worker thread.
 */
#ifndef DAEMON_SYNC_FOLLOWED_TABLE_H
#define DAEMON_SYNC_FOLLOWED_TABLE_H

#include "daemon/primary/primary_pipeline.h"
#include "daemon/sync/table_state.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror.h"
#include "lib/store/outbox.h"

struct followed_table {
    const struct table *table; /* borrowed from the set below */
    int64_t table_id;          /* in the outbox; 0: applications do not see it yet */
    enum table_state state;
    char *failure;   /* why it failed or is locked out; NULL otherwise */
    bool locked_out; /* another session holds an exclusive lock: rounds leave it out */
    int64_t retry_at_us; /* monotonic: when a failed table is tried again */

    bool visible;  /* applications see a table made from this very definition */
    bool outdated; /* they see one of another shape */
    struct catalog_cursor cursor; /* of the visible table */
    bool resync_wanted;           /* somebody asked for a new copy */
    bool has_copy;
    struct catalog_copy copy; /* valid while has_copy */

    bool keys_wanted;     /* the last sweep found rows that are gone: list the keys */
    bool refetch_waits;   /* tide_refetch holds keys of this table */
    size_t refetch_limit; /* so many of them are asked for at once; 0: no failure yet */
    bool refetch_unreadable; /* the next one stands alone, and the primary cannot read it
                              */
    int64_t live_rows;       /* when last counted; -1: never */
    int64_t counted_at_us;
    int64_t count_cost_us;
    bool changed_since_count;
    bool copied_since_purge; /* a copy has no tombstones to purge */

    struct primary_statement delta;
    struct primary_statement sweep;
    struct primary_statement count;
    struct primary_statement keys;
    struct primary_statement refetch;
    char statement_names[5][32];
    char *statement_texts[5];
    uint32_t *wire_types; /* operation, then each column */
};

struct followed_set {
    struct table_set schema;
    struct followed_table *tables;
    size_t count;
    /* parents before children by foreign keys; in a circle of them, in any order */
    struct outbox_table *outbox; /* those that applications see, in whatever shape */
    size_t outbox_count;
    struct outbox_table *pushable; /* those whose shape is the primary's */
    size_t pushable_count;
};

/*
 * Takes the schema over (it is zeroed) and joins it with what the cache holds.
 * in_recovery: the primary is a hot standby. numbering makes statement names unique on
 * the link.
 */
MUST_CHECK enum outcome followed_set_build(struct followed_set *out_set,
                                           struct table_set *schema, struct database *db,
                                           bool in_recovery, uint32_t *numbering,
                                           struct error *err);
void followed_set_release(struct followed_set *set); /* a zeroed one is fine */

/* After a table was switched in or dropped: reads the numbers of tables again. */
MUST_CHECK enum outcome followed_set_number(struct followed_set *set, struct database *db,
                                            struct error *err);

/* Good until the next followed_set_number(). */
struct outbox_tables followed_set_outbox(const struct followed_set *set);
struct outbox_tables followed_set_pushable(const struct followed_set *set);

/* After rows were put on tide_refetch by others than a round. */
MUST_CHECK enum outcome followed_set_note_refetches(struct followed_set *set,
                                                    struct database *db,
                                                    struct error *err);

struct followed_table *followed_set_find(struct followed_set *set, const char *name);

/* Moves to a state; an assert fails when that move is not allowed. */
void followed_table_move(struct followed_table *followed, enum table_state state);

/* Stops following for a while; the reason is what people see. */
void followed_table_fail(struct followed_table *followed, const struct error *err);

bool followed_table_needs_copy(const struct followed_table *followed);

/* The table's row of tide_table with that cursor; text is borrowed from both. */
struct catalog_table followed_table_row(const struct followed_table *followed,
                                        const struct catalog_cursor *cursor);

#endif
