/*
 * First copy: where a new cache is filled before it takes its place.
 *
 * A file of its own beside the cache, which nobody else has open. So for its first minute
 * it needs no WAL, which would write everything twice, and no flush of the disk. A
 * process that dies loses the chunk under way, as ever: what it wrote is the system's. A
 * computer that stops can leave anything in such a file: it is taken up only by the boot
 * that wrote it, whose id is kept in the cache's lock file. After that minute all of it
 * is flushed, and it goes on as any cache does.
 *
 * Belongs to the thread of the cache, which holds the lock.
 */
#ifndef LIB_STORE_FIRST_COPY_H
#define LIB_STORE_FIRST_COPY_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct database;

struct first_copy {
    char *path;             /* of its file */
    const char *cache_path; /* borrowed */
    int lock_fd;            /* borrowed */
    int fd;                 /* of the file, to flush it; -1: not open yet */
    bool is_flushed;        /* and written through a WAL since */
    int64_t began_us;       /* monotonic */
};

/* "<cache>-tide-first-copy"; NULL: out of memory. */
char *first_copy_path(const char *cache_path);

/*
 * To be called when there is no cache at cache_path. What can be taken up of an earlier
 * first copy stays in the file, anything else is removed. NOTHING: what would have to
 * be noted cannot be (which boot this is; no room), it would have too long a name, or
 * what is left there cannot be removed: so the cache is filled in its own place.
 */
MUST_CHECK enum outcome first_copy_new(struct first_copy **out_copy,
                                       const char *cache_path, int lock_fd,
                                       struct error *err);

/* NULL is fine; the file stays. The connection is to be closed before: closing any
 * descriptor of the file ends the locks that SQLite has on it. */
void first_copy_free(struct first_copy *copy);

/* Before it is flushed: how the connection writes. */
MUST_CHECK enum outcome first_copy_settle_in(struct database *db, struct error *err);

/*
 * Outside a transaction, every now and then. OK: the first minute is over, and the file
 * was flushed; the connection is to settle in as with any cache. NOTHING: it goes on as
 * before. ERROR_INTERRUPTED: the connection's database_on_progress() says so.
 * ERROR_TRANSIENT: somebody has removed the file.
 */
MUST_CHECK enum outcome first_copy_keep(struct first_copy *copy,
                                        const struct database *db, struct error *err);

/* Makes it a whole file in WAL mode, flushed; the connection is to be closed next.
 * ERROR_TRANSIENT: somebody has removed the file, or reads it. */
MUST_CHECK enum outcome first_copy_finish(struct first_copy *copy, struct database *db,
                                          struct error *err);

/* Moves the closed file to the cache's place. NOTHING: there is something now, or this
 * file system cannot tell. ERROR_TRANSIENT: some program has the file open. */
MUST_CHECK enum outcome first_copy_move(const struct first_copy *copy, struct error *err);

/* Removes an empty file at the cache's place that we may not write: an application of
 * another user makes one by opening the path too early, and has to open it again. */
void first_copy_clear_place(const char *cache_path);

/* Removes what is left of a first copy; harmless when there is none. */
void first_copy_discard(const char *cache_path);

#endif
