/*
 * Write guard: what an application's triggers write to mirrored tables while the sync
 * writes is void.
 *
 * Such a trigger fires for rows that arrive, too. On the device where the change was made
 * it was part of the local change, and what it wrote has come, or comes, by itself; here
 * it would be done twice, and nobody would send it. TEMP triggers, on the sync's
 * connection alone, pass over every row of a mirrored table that is not the statement's
 * own (own_write.h). What a trigger writes elsewhere, to a full-text index say, is as
 * ever. They exist while an application has a trigger on any mirrored table.
 *
 * Belongs to the thread of the database.
 */
#ifndef LIB_STORE_WRITE_GUARD_H
#define LIB_STORE_WRITE_GUARD_H

#include "lib/base/error.h"

struct database;

/* In the transaction that writes, before it does. */
MUST_CHECK enum outcome write_guard_refresh(struct database *db, struct error *err);

#endif
