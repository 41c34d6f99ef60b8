/*
 * Catalog: what the cache knows about itself: its tables and their cursors, copies
 * under way, the cluster they belong to, rows to be read again.
 *
 * Writing functions run inside the caller's transaction. Belongs to the database's
 * thread.
 */
#ifndef LIB_STORE_CATALOG_H
#define LIB_STORE_CATALOG_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct database;

/* How far a table has come. Text is owned. */
struct catalog_cursor {
    char *exact;      /* pg_snapshot: all that is visible in it is in the cache */
    int64_t mark_us;  /* complete up to this time of the primary's clock; untracked deltas
                         look back from here */
    int64_t swept_us; /* primary's clock at `exact` */
    char *basis;      /* the table's tracking at `exact`: another one is swept
                         first; NULL is read as "": untracked */
};

struct catalog_table {
    int64_t table_id; /* in the outbox; the cache gives it, putting ignores it */
    char *name;
    char *schema;
    char *fingerprint;
    bool tracked;
    struct catalog_cursor cursor;
};

struct catalog_copy {
    char *name;
    char *schema;
    char *copy_name;
    char *fingerprint;
    struct catalog_cursor
        cursor;     /* taken before the first row was read; mark_us = swept_us */
    char *last_key; /* JSON array of the last committed key; NULL: none yet */
    int64_t row_count;
    int64_t byte_count;
    bool complete;
};

struct catalog_cluster {
    char *system_identifier;
    int64_t timeline;
    int64_t next_xid; /* no transaction from here on has been seen */
};

void catalog_cursor_release(struct catalog_cursor *cursor);
void catalog_table_release(struct catalog_table *table);
void catalog_copy_release(struct catalog_copy *copy);
void catalog_cluster_release(struct catalog_cluster *cluster);
MUST_CHECK enum outcome catalog_cursor_copy(struct catalog_cursor *out_copy,
                                            const struct catalog_cursor *cursor,
                                            struct error *err);

/* All of them; the caller releases each and frees the array. */
MUST_CHECK enum outcome catalog_tables(struct database *db,
                                       struct catalog_table **out_tables,
                                       size_t *out_count, struct error *err);
MUST_CHECK enum outcome catalog_copies(struct database *db,
                                       struct catalog_copy **out_copies,
                                       size_t *out_count, struct error *err);

MUST_CHECK enum outcome catalog_put_tables(struct database *db,
                                           const struct catalog_table *tables,
                                           size_t count, struct error *err);
/*
 * The table's number in the outbox. A table that the catalog does not have yet gets a row
 * ahead of catalog_put_tables(). Numbers are never given to another table.
 */
MUST_CHECK enum outcome catalog_table_id(struct database *db, const char *schema,
                                         const char *name, int64_t *out_table_id,
                                         struct error *err);
/* NOTHING: it has none yet. */
MUST_CHECK enum outcome catalog_find_table_id(struct database *db, const char *schema,
                                              const char *name, int64_t *out_table_id,
                                              struct error *err);
MUST_CHECK enum outcome catalog_remove_table(struct database *db, const char *name,
                                             struct error *err);
MUST_CHECK enum outcome
catalog_put_copy(struct database *db, const struct catalog_copy *copy, struct error *err);
MUST_CHECK enum outcome catalog_remove_copy(struct database *db, const char *name,
                                            struct error *err);

/* NOTHING: no cluster yet. */
MUST_CHECK enum outcome catalog_cluster(struct database *db,
                                        struct catalog_cluster *out_cluster,
                                        struct error *err);
MUST_CHECK enum outcome catalog_put_cluster(struct database *db,
                                            const struct catalog_cluster *cluster,
                                            struct error *err);

/* Cursors mean nothing any more: all tables, and all copies under way, start anew. */
MUST_CHECK enum outcome catalog_forget_cursors(struct database *db, struct error *err);

/* Keys are JSON arrays of texts, as row_key_append() makes them. */
MUST_CHECK enum outcome catalog_add_refetch(struct database *db, const char *table,
                                            const char *row_key, struct error *err);
MUST_CHECK enum outcome catalog_remove_refetch(struct database *db, const char *table,
                                               const char *row_key, struct error *err);
MUST_CHECK enum outcome catalog_remove_refetches(struct database *db, const char *table,
                                                 struct error *err);
/* At most limit keys, in the order of their text; the caller frees each and the array. */
MUST_CHECK enum outcome catalog_refetches(struct database *db, const char *table,
                                          size_t limit, char ***out_keys,
                                          size_t *out_count, struct error *err);

/* What the view tide_status shows. */
MUST_CHECK enum outcome catalog_put_state(struct database *db, const char *state,
                                          int64_t since_us, const char *reason,
                                          struct error *err);
/* How far the cache has come: in the primary's time and in its transaction ids. */
MUST_CHECK enum outcome catalog_put_mark(struct database *db, int64_t mark_us,
                                         int64_t next_xid, struct error *err);

/* Inside a transaction only: another connection never sees it open. What the capture
 * triggers kept in vain goes; triggers are off while it is open, or guarded against where
 * an application has some (write_guard.h). */
MUST_CHECK enum outcome catalog_open_gate(struct database *db, struct error *err);
MUST_CHECK enum outcome catalog_close_gate(struct database *db, struct error *err);

#endif
