/*
 * Row source: rows that C has, as a table of SQL, so that one statement writes them all.
 * A statement for each row would find the end of the table and of each index anew.
 *
 * In SQL it is tide_rows(?1), with the columns c0, c1, … c1599, which are read from left
 * to right; a statement that names it is run by row_source_run(). Views and triggers of
 * applications cannot use it.
 */
#ifndef LIB_DB_ROW_SOURCE_H
#define LIB_DB_ROW_SOURCE_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct row_result; /* where the value of a column goes */
struct sqlite3;
struct statement;

struct row_source {
    /* Goes on to the next row, the first time to the first. NOTHING: there are no more.
     * May not use the database. */
    enum outcome (*next)(void *context, struct error *err);
    /* Gives one column of that row with one of row_result_…(); without that it is null.
     */
    void (*column)(void *context, size_t column, struct row_result *result);
    void *context;
    struct error *failure; /* for row_source_run() */
};

/* Text and blobs are borrowed until next() is called. */
void row_result_int(struct row_result *result, int64_t value);
void row_result_real(struct row_result *result, double value);
void row_result_text(struct row_result *result, const char *text, size_t size);
void row_result_blob(struct row_result *result, const void *data, size_t size);

/* Runs a statement that reads the source once. All of it, or nothing: also where next()
 * failed, whose error it then returns. */
MUST_CHECK enum outcome row_source_run(struct statement *statement,
                                       struct row_source *source, struct error *err);

/* Makes it known on the connection. Returns SQLite's code. */
int row_source_register(struct sqlite3 *handle);

#endif
