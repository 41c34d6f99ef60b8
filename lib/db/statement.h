/*
 * Statement: one prepared SQLite statement and the name it is known by.
 *
 * Parameters are numbered from 1 and columns from 0, as in SQLite. Text and blobs
 * that are bound or read are borrowed: what is bound must live until the next
 * step's end, what is read is valid until the next step, reset or release.
 */
#ifndef LIB_DB_STATEMENT_H
#define LIB_DB_STATEMENT_H

#include "lib/base/error.h"
#include "lib/base/sql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct database;
struct sqlite3_stmt;
struct text_function;

struct statement {
    struct sqlite3_stmt *handle;
    char name[64]; /* for errors: "outbox.oldest" */
};

MUST_CHECK enum outcome statement_prepare(struct statement *statement,
                                          struct database *db, const struct sql *sql,
                                          struct error *err);

/* The same for text that was built; SQLite may keep the plan for long (PERSISTENT). */
MUST_CHECK enum outcome statement_prepare_text(struct statement *statement,
                                               struct database *db, const char *name,
                                               const char *text, struct error *err);
/*
 * The same for a query that somebody else wrote. ERROR_INVALID: it is no SQL that can run
 * here, more than one statement, or one that does not only read.
 */
MUST_CHECK enum outcome statement_prepare_query(struct statement *statement,
                                                struct database *db, const char *name,
                                                const char *text, struct error *err);
void statement_release(struct statement *statement); /* a zeroed one is fine */

/* The largest number of a parameter; the name of one with its prefix, NULL for ?5. */
int statement_parameter_count(const struct statement *statement);
const char *statement_parameter_name(const struct statement *statement, int parameter);
const char *statement_column_name(const struct statement *statement,
                                  int column); /* NULL: out of memory */

void statement_bind_int(struct statement *statement, int parameter, int64_t value);
void statement_bind_real(struct statement *statement, int parameter, double value);
void statement_bind_text(struct statement *statement, int parameter,
                         const char *text); /* NULL: null */
void statement_bind_bytes(struct statement *statement, int parameter, const char *text,
                          size_t size); /* as TEXT */
void statement_bind_blob(struct statement *statement, int parameter, const void *data,
                         size_t size);
void statement_bind_null(struct statement *statement, int parameter);
void statement_bind_function(struct statement *statement, int parameter,
                             struct text_function *function); /* text_function.h */

/* OK: a row is ready. NOTHING: there are no more (and the statement is ready to run
 * again). */
MUST_CHECK enum outcome statement_step(struct statement *statement, struct error *err);

/* Steps to the end and resets: for statements that return nothing of interest. */
MUST_CHECK enum outcome statement_run(struct statement *statement, struct error *err);

void statement_reset(struct statement *statement);

/* The storage class, numbered as enum value_type of lib/model: 0 null, 1 integer, 2 real,
 * 3 text, 4 blob. */
int statement_column_type(const struct statement *statement, int column);
const void *statement_column_bytes(const struct statement *statement, int column);
int statement_column_count(const struct statement *statement);
int64_t statement_column_int(const struct statement *statement, int column);
double statement_column_real(const struct statement *statement, int column);
const char *statement_column_text(const struct statement *statement,
                                  int column); /* NULL: null */
size_t statement_column_size(const struct statement *statement, int column);
/* The text, to be freed; NULL: null. *failed is set where memory runs out, ours or
 * SQLite's, and else left alone. */
char *statement_column_copy(const struct statement *statement, int column, bool *failed);
bool statement_column_is_null(const struct statement *statement, int column);

/* True when the last failing step broke a UNIQUE or PRIMARY KEY constraint. */
bool statement_broke_unique(const struct statement *statement);

#endif
