/*
 * Schema rename: what schema.sql declares to be the same under another name.
 *
 *   -- tidemark: rename table sales.orders to purchases
 *   -- tidemark: rename column orders.note to remark
 *
 * Each on a line of its own, in the order in which they apply; an unqualified table is in
 * schema public. One that was done already may stay.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_RENAME_H
#define DAEMON_MIGRATE_SCHEMA_RENAME_H

#include "daemon/migrate/schema_catalog.h"
#include "lib/base/buffer.h"

/* Statements, each with its semicolon and line end. */
struct schema_renames {
    struct buffer upgrade;
    struct buffer downgrade; /* in the opposite order */
};

/*
 * Looks for declarations in `text` and applies those that are not done yet in the open
 * transaction, adding their statements. what: the file's name, for errors.
 * ERROR_INVALID: not understood, or neither the old nor the new name is there.
 */
MUST_CHECK enum outcome schema_renames_declared(struct schema_renames *renames,
                                                struct primary *primary, const char *what,
                                                const char *text, struct error *err);

/*
 * Constraints and indexes that two schemas have alike on the same table, but for their
 * names: applied and added too. NOTHING: there are none.
 */
MUST_CHECK enum outcome schema_renames_alike(struct schema_renames *renames,
                                             struct primary *primary,
                                             const struct schema *from,
                                             const struct schema *to, struct error *err);

void schema_renames_release(struct schema_renames *renames); /* a zeroed one is fine */

#endif
