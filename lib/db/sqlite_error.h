/* SQLite result codes as errors: the one place where a code becomes a kind. */
#ifndef LIB_DB_SQLITE_ERROR_H
#define LIB_DB_SQLITE_ERROR_H

#include "lib/base/error.h"

struct sqlite3;

/*
 * Describes the connection's last error as "format: message (hint)". handle may be
 * NULL when sqlite3_open_v2() could not even allocate it. Whatever SQLite calls a full
 * disk, its origin is that of SQLITE_FULL: see error_is_full_disk().
 */
PRINTF_LIKE(3, 4)
enum outcome sqlite_error_set(struct sqlite3 *handle, struct error *err,
                              const char *format, ...);

#endif
