/*
 * Pull: one round: a consistent cut of all followed tables, read in one round trip and
 * applied to the cache in one transaction.
 *
 *   pull_receive()  reads everything into a change set; the cache is not touched
 *   pull_apply()    locks the cache, merges, switches finished copies in, commits the
 *                   cursor
 *
 * The first statement of the transaction on the primary is LOCK TABLE … IN ACCESS SHARE
 * MODE: no DDL can run between the look at the catalog and the reading of the rows, and
 * no rewrite of a table can make it look empty to an older snapshot. A standby is asked
 * before that, in a transaction of its own, how far it has replayed. Belongs to the
 * worker thread.
 */
#ifndef DAEMON_SYNC_PULL_H
#define DAEMON_SYNC_PULL_H

#include "daemon/sync/followed_table.h"
#include "daemon/sync/round_header.h"
#include "lib/store/cache.h"
#include "lib/store/change_set.h"
#include "lib/store/pending_units.h"

struct pending;
struct primary;

struct pull_settings {
    int64_t overlap_us;
    int64_t sweep_interval_us;
    size_t memory_limit_bytes; /* of the change set; beyond it, a file */
    int64_t slice_bytes; /* a round larger than this is applied in several transactions */
    struct pending *pending;         /* borrowed; of the cache's connection */
    const char *const *schema_names; /* read by pull_init() only */
    uint32_t number;                 /* of this pull, on the link: in statements' names */
};

/* What a round does for one table; decided before anything is sent. */
struct pull_plan {
    struct followed_table *followed;
    bool joins;           /* its copy is complete: apply to the copy, then switch it in */
    bool sweeps;          /* age(xmin) instead of tide_xid or updated_at */
    bool counts;          /* compare the number of rows afterwards */
    bool lists;           /* list all keys, to find rows that are gone */
    bool polls;           /* has a delta query at all */
    char **refetch_keys;  /* keys read again in this round */
    char **refetch_asked; /* the same as row_key_append_canonical() spells them; NULL once
                             the primary has answered with that very key */
    size_t refetch_count;
    size_t refetch_kept; /* of those that are none there: a push comes first */
    size_t refetch_sent; /* the first of them; the rest cannot be on the primary */
    int64_t primary_count;
    struct mirror mirror;
    struct mirror_counts counts_applied;
    struct catalog_cursor next; /* the table's cursor once the round is committed */
    bool evicted;               /* rows had to make room: read them again soon */
};

struct pull {
    struct primary *primary;
    struct cache *cache;
    struct followed_set *followed;
    struct pull_settings settings;
    struct round_header_params header_params;
    bool asks_replayed; /* the link is to a standby */
    struct primary_statement begin;
    struct primary_statement replayed;
    struct primary_statement renew;
    struct primary_statement lock;
    struct primary_statement header_query;
    struct primary_statement commit;
    char names[6][32]; /* of the statements above */
    char *lock_text;
    struct primary_statement *pins; /* behind a transaction pooler */
    size_t pin_count;
    char *pin_text;
    struct change_set changes;
    struct buffer scratch;
    struct wire_field *fields; /* WIRE_ROW_FIELD_LIMIT + 1 */
    struct value *values;
    struct pull_plan *plans;
    size_t plan_count;
    struct round_header header;
    struct followed_table
        *culprit;    /* the table that the last failure belongs to, or NULL */
    bool refetching; /* the last failure was that of a refetch */
    bool sliced;
    struct outbox_tables pushable; /* what the pending index was last refreshed with */
    int64_t captured;              /* the outbox's last sequence then */
    struct pending_units units;    /* of this transaction */
};

/* For one schema and one primary; made anew when either changes. All is borrowed. */
MUST_CHECK enum outcome pull_init(struct pull *pull, struct primary *primary,
                                  struct cache *cache, struct followed_set *followed,
                                  const struct pull_settings *settings,
                                  struct error *err);
void pull_release(struct pull *pull); /* a zeroed one is fine */

/*
 * Reads one cut. may_join: finished copies take part. ERROR_SCHEMA: the catalog is not
 * the one known (expected_digest): read it again; nothing was taken over.
 */
MUST_CHECK enum outcome pull_receive(struct pull *pull, bool may_join,
                                     const char *expected_digest, struct error *err);

/*
 * Merges what was received, beside what is pending; no push may be in flight. save: write
 * cursors even if no row changed. out_written says whether the cache was written at all.
 * On failure nothing of the round is in the cache,
 * unless it was sliced, and then the cursor still says so; culprit names the table.
 */
MUST_CHECK enum outcome pull_apply(struct pull *pull, bool save, bool *out_written,
                                   struct error *err);

#endif
