#include "lib/db/sqlite_error.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum error_kind kind_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERROR_TRANSIENT;
    case SQLITE_INTERRUPT:
        return ERROR_INTERRUPTED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERROR_CORRUPT;
    case SQLITE_CONSTRAINT:
        return ERROR_REJECTED;
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
        return ERROR_SCHEMA;
    case SQLITE_MISUSE:
        return ERROR_INVALID;
    default:
        return ERROR_SYSTEM;
    }
}

static const char *advice(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "make room on the disk; nothing is lost, the work goes on by itself";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return "check that the file and its folder exist and that this user may write "
               "both";
    case SQLITE_NOTADB:
        return "the file is not an SQLite database: name another in [cache] path, or "
               "move it away";
    case SQLITE_CORRUPT:
        return "move the file away and let tidemark make a new one; keep the old one for "
               "its "
               "local data";
    case SQLITE_BUSY:
        return "another program holds the file's write lock; tried again by itself";
    default:
        return "";
    }
}

/* When it is the file that is wrong, a person wants to know which. */
static void name_the_file(sqlite3 *handle, struct error *err)
{
    const char *path = handle ? sqlite3_db_filename(handle, "main") : NULL;

    if (path && *path && (err->kind == ERROR_CORRUPT || err->kind == ERROR_SYSTEM) &&
        !strstr(err->message, path))
        error_wrap(err, "%s", path);
}

enum outcome sqlite_error_set(struct sqlite3 *handle, struct error *err,
                              const char *format, ...)
{
    int code = handle ? sqlite3_extended_errcode(handle) : SQLITE_NOMEM;
    char what[200];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    error_set(err, kind_of(code), "%s: %s", what,
              handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
    name_the_file(handle, err);
    snprintf(err->origin, sizeof(err->origin), "SQLITE %d", code);
    return error_hint(err, "%s", advice(code));
}
