/*
 * Primary query: statements on the primary, with text parameters and text results.
 *
 * Errors carry the SQLSTATE in err->origin ("SQLSTATE 42501") and the name of the query,
 * and their kind says whether to try again: classes 08, 40, 53, 55, 57, 58 are
 * ERROR_TRANSIENT, 28 and 42501 ERROR_AUTH, 0A000, 26000, 42703, 42P01 ERROR_SCHEMA, the
 * rest ERROR_REJECTED. A statement that fails outside an explicit transaction leaves the
 * connection usable.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_QUERY_H
#define DAEMON_PRIMARY_PRIMARY_QUERY_H

#include "lib/base/error.h"
#include "lib/base/sql.h"

#include <stdbool.h>
#include <stddef.h>

struct primary;
struct primary_result;

/* Runs one statement. params[i] is $i+1; NULL is null. OK with no rows is still OK. */
MUST_CHECK enum outcome primary_query(struct primary *primary, const struct sql *sql,
                                      const char *const *params, size_t param_count,
                                      struct primary_result **out_result,
                                      struct error *err);

/* The same when the rows do not matter. */
MUST_CHECK enum outcome primary_run(struct primary *primary, const struct sql *sql,
                                    const char *const *params, size_t param_count,
                                    struct error *err);

/* Runs text that was built or read from a file: several statements may stand in it, and
 * no parameters. */
MUST_CHECK enum outcome primary_run_text(struct primary *primary, const char *what,
                                         const char *text, struct error *err);

size_t primary_result_rows(const struct primary_result *result);
const char *primary_result_text(const struct primary_result *result, size_t row,
                                size_t column); /* NULL: null */
bool primary_result_bool(const struct primary_result *result, size_t row, size_t column);
long long primary_result_int(const struct primary_result *result, size_t row,
                             size_t column);
/* What the server says it did: "COMMIT", "INSERT 0 1" … */
const char *primary_result_command(const struct primary_result *result);
void primary_result_free(
    struct primary_result **result); /* for OWNED(); *result may be NULL */

/* Position of the error in the text of the last failed statement, from 1; 0: unknown. */
size_t primary_error_position(const struct primary *primary);

/* What the server said of the last statement that failed with an SQLSTATE. */
struct primary_complaint {
    char sqlstate[6];
    char message[512];   /* in one line, with what it says in detail */
    char constraint[64]; /* "": none is to blame */
};
const struct primary_complaint *primary_last_complaint(const struct primary *primary);

#endif
