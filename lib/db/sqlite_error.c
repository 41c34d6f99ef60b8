#include "lib/db/sqlite_error.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* With less than that the -shm file may find no place, which SQLite calls an I/O error.
 */
#define FULL_BYTES (128 * 1024)
/* What was written before the disk was full is free again when that was rolled back. */
#define ROLLED_BACK_BYTES (64 * 1024 * 1024)
#define SPACE_UNKNOWN INT64_MAX

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

/* ---- a full disk ---- */

static const char *path_of(sqlite3 *handle)
{
    const char *path = handle ? sqlite3_db_filename(handle, "main") : NULL;

    return path ? path : "";
}

static int64_t free_bytes(sqlite3 *handle)
{
    struct statvfs disk;

    if (!*path_of(handle) || statvfs(path_of(handle), &disk) != 0)
        return SPACE_UNKNOWN;
    return (int64_t)(disk.f_bavail * disk.f_frsize);
}

/* What the operating system said; 0 when SQLite did not ask it. */
static int system_error(sqlite3 *handle, int code)
{
    int basic = code & 0xff;

    if (!handle || (basic != SQLITE_IOERR && basic != SQLITE_CANTOPEN))
        return 0;
    return sqlite3_system_errno(handle);
}

static bool is_out_of_room(sqlite3 *handle, int code)
{
    int number = system_error(handle, code);

    if ((code & 0xff) == SQLITE_FULL || number == ENOSPC || number == EDQUOT)
        return true;
    return (code & 0xff) == SQLITE_IOERR && free_bytes(handle) < FULL_BYTES;
}

/* Temporary files of SQLite have a place of their own, and no name in its errors. */
static void advise_room(sqlite3 *handle, struct error *err)
{
    int64_t room = free_bytes(handle);

    if (room == SPACE_UNKNOWN || room < ROLLED_BACK_BYTES)
        error_hint(err,
                   "make room on its disk (%lld KiB are free): nothing is lost, and a "
                   "running daemon goes on by itself",
                   room == SPACE_UNKNOWN ? 0LL : (long long)room / 1024);
    else
        error_hint(err,
                   "its disk has %lld KiB free: look at the quota, and at the folder for "
                   "temporary files ($SQLITE_TMPDIR, else /var/tmp); nothing is lost, a "
                   "running daemon goes on by itself",
                   (long long)room / 1024);
}

/* ---- what to do ---- */

static const char *advice(int code, int system_error)
{
    if (system_error == EISDIR)
        return "that is a folder: name a file in it in [cache] path";
    switch (code & 0xff) {
    case SQLITE_IOERR:
        return "the operating system could not read or write the file: its log (dmesg) "
               "says more, unless there is a limit to the size of files (ulimit -f)";
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
               "its local data";
    case SQLITE_BUSY:
        return "another program holds the file's write lock; tried again by itself";
    default:
        return "";
    }
}

/* When it is the file that is wrong, a person wants to know which. */
static void name_the_file(sqlite3 *handle, struct error *err)
{
    const char *path = path_of(handle);

    if (*path && (err->kind == ERROR_CORRUPT || err->kind == ERROR_SYSTEM) &&
        !strstr(err->message, path))
        error_wrap(err, "%s", path);
}

/* "disk I/O error" hides the reason. */
static void say_reason(sqlite3 *handle, int code, char *message, size_t size)
{
    int number = system_error(handle, code);
    const char *said = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);

    if (number)
        snprintf(message, size, "%s (%s)", said, strerror(number));
    else if (is_out_of_room(handle, code))
        snprintf(message, size, "database or disk is full");
    else
        snprintf(message, size, "%s", said);
}

enum outcome sqlite_error_set(struct sqlite3 *handle, struct error *err,
                              const char *format, ...)
{
    int code = handle ? sqlite3_extended_errcode(handle) : SQLITE_NOMEM;
    char reason[sizeof(err->message)];
    char what[200];
    va_list args;

    say_reason(handle, code, reason, sizeof(reason));
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    error_set(err, kind_of(code), "%s: %s", what, reason);
    name_the_file(handle, err);
    if (is_out_of_room(handle, code)) {
        snprintf(err->origin, sizeof(err->origin), "SQLITE %d", SQLITE_FULL);
        advise_room(handle, err);
    } else {
        snprintf(err->origin, sizeof(err->origin), "SQLITE %d", code);
        error_hint(err, "%s", advice(code, system_error(handle, code)));
    }
    return FAILED;
}
