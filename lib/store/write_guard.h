/*
 * Write guard: what an application's triggers write to mirrored tables while the sync
 * writes is void.
 *
 * Such a trigger fires for rows that arrive, too. On the device where the change was made
 * it was part of the local change, and what it wrote has come, or comes, by itself; here
 * it would be done twice, and nobody would send it. TEMP triggers, on the sync's
 * connection alone, pass over every row of a mirrored table that is not the statement's
 * own (own_write.h). What a trigger writes elsewhere, to a full-text index say, is as
 * ever. They exist while an application has a trigger on any mirrored table. Without one
 * SQLite need not look for triggers at all: those of the capture have nothing to do
 * either while the sync writes, and setting them up for each row costs more than the row.
 *
 * Belongs to the thread of the database.
 */
#ifndef LIB_STORE_WRITE_GUARD_H
#define LIB_STORE_WRITE_GUARD_H

#include "lib/base/error.h"

struct database;

/* In the transaction that writes, before it does; with the gate open. Triggers are off
 * where nobody but the capture has any, until the gate closes. */
MUST_CHECK enum outcome write_guard_refresh(struct database *db, struct error *err);

#endif
