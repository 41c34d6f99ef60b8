/*
 * Cache: the SQLite file with the mirrored tables and our own tide_ tables.
 *
 * Opening brings the file's own schema up to date (migrations/cache, by PRAGMA
 * user_version) and takes the lock that keeps a second daemon away. Belongs to one
 * thread.
 */
#ifndef LIB_STORE_CACHE_H
#define LIB_STORE_CACHE_H

#include "lib/db/database.h"

struct first_copy;

/* The write connection's page cache: rows of a delta lie anywhere in a table. */
#define CACHE_PAGES_KIB 16000

struct cache_config {
    const char *path;  /* borrowed */
    unsigned int mode; /* of the file and its -wal and -shm: 0660 */
    /* a new cache is filled beside its place (first_copy.h) until cache_move_in() */
    bool begins_beside;
};

struct cache {
    struct database *db; /* the write connection */
    struct database
        *checkpoint; /* the other one, for checkpoints; NULL when opened for reading */
    struct database_version moved; /* nothing of the WAL was left, then */
    struct first_copy *first_copy; /* what db is meanwhile; NULL: it is at path */
    char *path;
    int lock_fd;
};

/*
 * Opens for the daemon. ERROR_INVALID: another tidemark has it, it is from a newer
 * tidemark, or another program's database; ERROR_CORRUPT: no SQLite file; ERROR_SYSTEM:
 * rights, disk.
 */
MUST_CHECK enum outcome cache_open(struct cache *out_cache,
                                   const struct cache_config *config, struct error *err);

/* Between two transactions of a long first copy: see first_copy_keep(). */
MUST_CHECK enum outcome cache_keep_first_copy(struct cache *cache, struct error *err);

/* Somebody has removed the file of a first copy: what is opened next starts over. */
bool cache_has_lost_copy(const struct cache *cache);

/*
 * Ends a first copy: the file takes its place and is opened there, in WAL mode. Where
 * another program has made an empty file meanwhile, and may have it open, the content is
 * copied into that one instead. Prepared statements are to be finalized before. After a
 * failure the cache is released; cache_open() finds what there is.
 */
MUST_CHECK enum outcome cache_move_in(struct cache *cache, unsigned int mode,
                                      struct error *err);

/* Opens for looking only, beside a running daemon; NOTHING when there is no file.
 * ERROR_INVALID: it is from another version, or no cache. */
MUST_CHECK enum outcome cache_open_read_only(struct cache *out_cache, const char *path,
                                             struct error *err);

/*
 * Opens as an application does: for reading and writing rows, beside a running daemon.
 * NOTHING when there is no file. ERROR_INVALID: it is from another version.
 */
MUST_CHECK enum outcome cache_open_beside(struct cache *out_cache, const char *path,
                                          struct error *err);
void cache_release(struct cache *cache); /* a zeroed one is fine */

/*
 * Moves the WAL into the file if it has grown past limit_bytes. PASSIVE, from the second
 * connection while the first holds BEGIN IMMEDIATE: SQLite before 3.51.3 can lose a
 * commit when a checkpoint resets the WAL at the instant of another commit. Not moving
 * everything is not an error.
 */
MUST_CHECK enum outcome cache_checkpoint(struct cache *cache, int64_t limit_bytes,
                                         struct error *err);

/* Sizes for the status document, of a first copy while it is one; 0 for what is not
 * there. */
struct cache_sizes {
    int64_t file_bytes;
    int64_t wal_bytes;
    int64_t disk_free_bytes;
};
void cache_measure(const char *path, struct cache_sizes *out_sizes);

#endif
