/*
 * Carry over: what becomes of pending changes when their table gets another shape or is
 * not mirrored any more. Values follow their column's name; what finds no place becomes a
 * rejected change, with its reason; the unit of work that it is in, if any, is broken by
 * that (broken_units.h).
 *
 * Runs in the caller's transaction with the gate open, before the table that they were
 * made in is dropped, and only while no push is in flight. Afterwards the pending index
 * has to be refreshed.
 */
#ifndef LIB_STORE_CARRY_OVER_H
#define LIB_STORE_CARRY_OVER_H

#include "lib/base/error.h"
#include "lib/model/table.h"

struct database;
struct pending;

/* Writes them into the copy that is about to replace the table of the same name. Rows
 * that the copy does not hold are read again. */
MUST_CHECK enum outcome carry_over_into(struct database *db, struct pending *pending,
                                        const struct table *table, const char *copy_name,
                                        struct error *err);

/* The table goes: all of its pending changes are rejected with that message. */
MUST_CHECK enum outcome carry_over_reject_all(struct database *db,
                                              struct pending *pending,
                                              const char *table_name, const char *message,
                                              struct error *err);

#endif
