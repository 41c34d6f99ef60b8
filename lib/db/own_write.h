/*
 * Own write: tells the rows that a statement of ours writes from those that triggers,
 * fired by it, write.
 *
 * SQL asks with tide_is_own('table', operation): while rows are expected it holds for as
 * many rows of that table and operation as were announced, first come, first served, and
 * for nothing else; while none are expected it holds for everything. A TEMP trigger that
 * fires BEFORE the operation asks for the statement's own row first: SQLite fires TEMP
 * triggers before all others.
 *
 * Part of a database; belongs to its thread.
 */
#ifndef LIB_DB_OWN_WRITE_H
#define LIB_DB_OWN_WRITE_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct database;

/* As SQL passes them. */
enum own_operation { OWN_NONE = 0, OWN_INSERT = 1, OWN_UPDATE = 2, OWN_DELETE = 3 };

#define OWN_ALL_ROWS INT64_MAX

struct own_write {
    bool asked; /* there are triggers that ask: what writes must expect */
    enum own_operation operation; /* OWN_NONE: nothing is expected */
    const char *table;            /* borrowed */
    int64_t rows;                 /* still to come */
    int64_t unasked_version;      /* of the file's schema, in which nobody need ask */
};

/* Makes the function known; once, when the database is opened. */
MUST_CHECK enum outcome own_write_register(struct database *db, struct error *err);

/* Until own_write_end(); for one statement that writes at most that many rows itself. */
void own_write_expect(struct database *db, const char *table,
                      enum own_operation operation, int64_t rows);
void own_write_end(struct database *db);

#endif
