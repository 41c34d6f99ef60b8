/*
 * Database: one open SQLite file. Belongs to the thread that opened it.
 *
 * Opened the careful way: the file is untrusted input (DEFENSIVE, cell_size_check,
 * no mmap, no extension loading), waits busy_timeout_ms for locks.
 */
#ifndef LIB_DB_DATABASE_H
#define LIB_DB_DATABASE_H

#include "lib/base/error.h"
#include "lib/base/sql.h"
#include "lib/db/own_write.h"

#include <stdbool.h>
#include <stdint.h>

struct histogram;
struct sqlite3;

/* Whether long work should end; zeroed: never. */
struct database_progress {
    bool (*stop)(void *context);
    void *context;
};

struct database {
    struct sqlite3 *handle;
    struct sqlite3_stmt *undo; /* ROLLBACK, from the first database_begin() on */
    char *path;
    struct database_progress progress; /* database_on_progress() */
    struct histogram *write_lock;      /* database_on_write_lock() */
    int64_t locked_at_us;              /* monotonic; 0: the lock is not held */
    struct own_write own_write;
};

struct database_options {
    bool read_only;
    bool must_exist;
    int busy_timeout_ms; /* 0: fail at once when another connection holds the lock */
    int cache_size_kib;  /* page cache; 0: SQLite's default of 2000 KiB */
};

/* Once in main(), before any database is opened: SQLite keeps no count of its memory. */
void database_configure_process(void);

/* Opens path; ":memory:" makes a private one. */
MUST_CHECK enum outcome database_new(struct database **out_db, const char *path,
                                     const struct database_options *options,
                                     struct error *err);
void database_free(struct database *db); /* NULL is fine */

/* How long to wait for locks of other connections, from now on. */
void database_set_busy_timeout(struct database *db, int timeout_ms);

/* Opened for reading, or a file that cannot be written to. */
bool database_is_read_only(const struct database *db);

/* Of the page cache, which also bounds what an index is sorted in. */
MUST_CHECK enum outcome database_set_cache_size(struct database *db, int size_kib,
                                                struct error *err);

/* Runs one or more statements that return nothing of interest. `what` names them in
 * errors. */
MUST_CHECK enum outcome database_run(struct database *db, const char *what,
                                     const char *text, struct error *err);
MUST_CHECK enum outcome database_run_sql(struct database *db, const struct sql *sql,
                                         struct error *err);

/* First column of the first row as an integer; NOTHING when there is no row. */
MUST_CHECK enum outcome database_query_int(struct database *db, const char *what,
                                           const char *text, int64_t *out_value,
                                           struct error *err);

/* BEGIN IMMEDIATE … COMMIT. A transaction left open is rolled back by
 * database_roll_back(), which needs no memory for that: the lock never stays. */
MUST_CHECK enum outcome database_begin(struct database *db, struct error *err);
MUST_CHECK enum outcome database_commit(struct database *db, struct error *err);
void database_roll_back(struct database *db); /* harmless outside a transaction */

/*
 * Off: no trigger of the file fires for what this connection writes; TEMP triggers do.
 * They are on when it is opened, and after database_roll_back(). Statements in use are
 * compiled anew when it changes.
 */
void database_set_triggers(struct database *db, bool on);

/* Rows changed by the last INSERT, UPDATE or DELETE. */
int64_t database_changes(const struct database *db);

/*
 * Calls back every now and then (some ten milliseconds of work) while a statement runs;
 * true makes it fail with ERROR_INTERRUPTED.
 */
void database_on_progress(struct database *db, bool (*stop)(void *context),
                          void *context);

/* The same question for work outside a statement. */
bool database_is_asked_to_stop(const struct database *db);

/* Whether its file is not at its path any more: somebody has removed or replaced it. */
bool database_has_moved(const struct database *db);

/* From now on records how long each transaction of database_begin() holds the write lock,
 * without the wait for it. Borrowed; NULL ends it. */
void database_on_write_lock(struct database *db, struct histogram *histogram);

/* Some state of the file's rows; zeroed: none. */
struct database_version {
    int64_t others; /* moves with each commit of another connection */
    int64_t own;    /* rows that this one has written */
};

/* OK: rows may have been written since the last look with this version (the first look
 * says so too). NOTHING: none were, by nobody. Needs nothing of the schema. */
MUST_CHECK enum outcome database_look(struct database *db,
                                      struct database_version *inout_version,
                                      struct error *err);

/* Moves what it can of the WAL into the file, waiting for nobody (PASSIVE). NOTHING: some
 * of it stays, which a reader or a writer still needs. */
MUST_CHECK enum outcome database_checkpoint(struct database *db, struct error *err);

/*
 * Makes all of `from` the content of db, in one transaction of db that other connections
 * see whole or not at all. Asks from's database_on_progress() between two pieces.
 */
MUST_CHECK enum outcome database_copy(struct database *db, const struct database *from,
                                      struct error *err);

/*
 * Outside a transaction: gives the memory of the page cache and of the schema back, with
 * malloc_trim() to the system. The next statement that names a table reads the schema
 * again, which takes about half a millisecond for each mirrored table.
 */
MUST_CHECK enum outcome database_release_memory(struct database *db, struct error *err);

#endif
