/*
 * Mirror layout: makes, switches in and drops the tables of the cache.
 *
 * A table is first made under a private name, filled, and then switched in. How depends
 * on what applications have there already: nothing (a rename), the same shape (only what
 * differs is written, so rowids, triggers and full-text indexes of applications stay
 * right), or another shape (made anew; triggers and indexes of applications are put back
 * where they still fit).
 *
 * All functions run inside the caller's transaction with the gate open.
 */
#ifndef LIB_STORE_MIRROR_LAYOUT_H
#define LIB_STORE_MIRROR_LAYOUT_H

#include "lib/base/error.h"
#include "lib/model/table.h"

#include <stdbool.h>

struct database;
struct pending;

/* tide_copy_<name>; out_name is freed by the caller. */
MUST_CHECK enum outcome mirror_layout_copy_name(const char *table_name, char **out_name,
                                                struct error *err);

/* An empty private table; one left over from before is dropped. */
MUST_CHECK enum outcome mirror_layout_create_copy(struct database *db,
                                                  const struct table *table,
                                                  const char *copy_name,
                                                  struct error *err);

/*
 * The next index that the copy lacks. NOTHING: all are there. With unique = false only
 * plain ones: rows that moved while they were copied may break a unique one until the
 * first delta is applied.
 */
MUST_CHECK enum outcome mirror_layout_create_index(struct database *db,
                                                   const struct table *table,
                                                   const char *copy_name, bool unique,
                                                   struct error *err);

/* Whether a unique index of the table is still to be made on the copy. */
MUST_CHECK enum outcome mirror_layout_lacks_unique(struct database *db,
                                                   const struct table *table,
                                                   const char *copy_name, bool *out_lacks,
                                                   struct error *err);

/*
 * The copy becomes the table. same_shape: the table there was made from the same
 * definition. No pending change is lost by it (mirror_merge.h, carry_over.h); pending may
 * be NULL: there are none, and must be refreshed again after another shape was switched
 * in. ERROR_SCHEMA: something of the table's name is there that an application made.
 */
MUST_CHECK enum outcome mirror_layout_switch_in(struct database *db,
                                                const struct table *table,
                                                const char *copy_name, bool same_shape,
                                                struct pending *pending,
                                                struct error *err);

/* Drops the table with its view and triggers. One that is not there is fine. */
MUST_CHECK enum outcome mirror_layout_drop(struct database *db, const char *table_name,
                                           struct error *err);
MUST_CHECK enum outcome mirror_layout_drop_copy(struct database *db,
                                                const char *copy_name, struct error *err);

#endif
