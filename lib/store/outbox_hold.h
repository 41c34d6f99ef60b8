/*
 * Outbox hold: tables whose changes are left in the outbox for now, while those of the
 * others are pushed: the primary has not granted the right to write them.
 *
 * What is held is in the cache, because a push that is finished after a crash must leave
 * the same entries. It may change only while no push is in flight. Belongs to the thread
 * of the database.
 */
#ifndef LIB_STORE_OUTBOX_HOLD_H
#define LIB_STORE_OUTBOX_HOLD_H

#include "lib/store/outbox.h"

struct outbox_hold {
    int64_t *table_ids;
    size_t count;
};
void outbox_hold_release(struct outbox_hold *hold); /* a zeroed one is fine */

bool outbox_hold_has(const struct outbox_hold *hold, int64_t table_id);
MUST_CHECK enum outcome outbox_hold_add(struct outbox_hold *hold, int64_t table_id,
                                        struct error *err);

/*
 * Adds the tables that cannot go without those that are held: whose rows refer to new
 * ones of them, whose deleted rows they may still refer to, and that share a unit of work
 * with them.
 */
MUST_CHECK enum outcome outbox_hold_close(struct outbox_hold *hold, struct database *db,
                                          const struct outbox_tables *tables,
                                          struct error *err);

MUST_CHECK enum outcome outbox_hold_read(struct outbox_hold *out_hold,
                                         struct database *db, struct error *err);
/* In a transaction of its own; a hold of nothing ends it. */
MUST_CHECK enum outcome outbox_hold_write(const struct outbox_hold *hold,
                                          struct database *db, struct error *err);

/* As outbox_delete_through(), but for entries of tables that are held and the marks of
 * their units. In the caller's transaction. */
MUST_CHECK enum outcome outbox_hold_delete_through(struct database *db, int64_t sequence,
                                                   struct error *err);

#endif
