/*
 * Outbox quarantine: entries that no capture trigger can have written become rejected
 * changes, so that they stop nothing and nothing of them is lost.
 *
 * Any program can write to tide_outbox. Belongs to the thread of the database.
 */
#ifndef LIB_STORE_OUTBOX_QUARANTINE_H
#define LIB_STORE_OUTBOX_QUARANTINE_H

#include "lib/store/outbox.h"

/*
 * Looks at the entries with a sequence > after and <= through: the operation, the key as
 * the table has it, the old values. An entry of a table that the cache knows and `tables`
 * does not have is left alone if its text can be read. Makes transactions of its own, and
 * only if something is wrong. out_count: how many entries were set aside. A unit of work
 * that one of them was in is broken by it: broken_units_settle() refuses the rest.
 */
MUST_CHECK enum outcome outbox_quarantine(struct database *db,
                                          const struct outbox_tables *tables,
                                          int64_t after, int64_t through,
                                          int64_t *out_count, struct error *err);

#endif
