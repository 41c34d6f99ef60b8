/*
 * Pending: the outbox by row, for looking up what is pending for a given key.
 *
 * A TEMP table on the cache's write connection (all that use this module on the
 * connection share it), brought up to date from where it stopped and never larger in
 * memory than SQLite's temporary cache. It holds which entries are whose; their old
 * values stay in the outbox and are folded when a row is asked for. It belongs to the
 * outbox as this connection sees it: refresh inside the transaction that relies on it
 * (and once before, without a lock, so that little is left to do under it).
 *
 * What changes entries runs in the caller's transaction, and only while no push is in
 * flight. After a transaction that was rolled back: pending_reset().
 */
#ifndef LIB_STORE_PENDING_H
#define LIB_STORE_PENDING_H

#include "lib/store/outbox.h"

struct pending;

MUST_CHECK enum outcome pending_new(struct pending **out_pending, struct database *db,
                                    struct error *err);
void pending_free(struct pending *pending); /* NULL is fine */

/* The tables may be others than the last time; then it starts anew. */
MUST_CHECK enum outcome pending_refresh(struct pending *pending,
                                        const struct outbox_tables *tables,
                                        struct error *err);
/* Forgets everything: the next refresh reads the outbox from its start. */
void pending_reset(struct pending *pending);

/* No row waits. */
bool pending_is_empty(const struct pending *pending);

/* NOTHING: nothing is pending for that row. key: values in key order. */
MUST_CHECK enum outcome pending_find(struct pending *pending, const struct table *table,
                                     const struct value *key,
                                     struct pending_change *out_change,
                                     struct error *err);

/* The row's entries leave the outbox. */
MUST_CHECK enum outcome pending_remove(struct pending *pending, const struct table *table,
                                       const struct value *key, struct error *err);

/* The primary's value of a clean column was taken over: it is no change any more. When
 * nothing else had been changed, nothing is pending for the row from now on. */
MUST_CHECK enum outcome pending_strip(struct pending *pending, const struct table *table,
                                      const struct value *key, const char *column,
                                      struct error *err);

/* An old value that the primary never had is another one; both as quote() has them. */
struct pending_correction {
    const char *column;
    const char *wrong;
    const char *right;
};
MUST_CHECK enum outcome pending_correct(struct pending *pending,
                                        const struct table *table,
                                        const struct value *key,
                                        const struct pending_correction *correction,
                                        struct error *err);

/* The row that was inserted here is there on the primary, with these old values: its
 * first insert becomes an update of what differs. */
MUST_CHECK enum outcome pending_make_update(struct pending *pending,
                                            const struct table *table,
                                            const struct value *key,
                                            const struct change_base *base,
                                            struct error *err);

/* The row is gone on the primary and shall come back: its entries become one insert. */
MUST_CHECK enum outcome pending_make_insert(struct pending *pending,
                                            const struct table *table,
                                            const struct value *key, struct error *err);

/*
 * The rows of one table that are pending, in order of their first entry, one call each:
 * *position is 0 at first. out_key: canonical JSON array, to be freed. NOTHING after the
 * last. Rows may be removed between calls.
 */
MUST_CHECK enum outcome pending_next(struct pending *pending, const struct table *table,
                                     int64_t *position, char **out_key,
                                     struct pending_change *out_change,
                                     struct error *err);

#endif
