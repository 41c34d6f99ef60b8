/*
 * libtidemark: the repository pattern over a tidemark cache, for applications.
 *
 *   struct tide_cache *cache;
 *   struct tide_repository *sessions;
 *   struct tide_unit_of_work *unit;
 *   struct tide_error err;
 *
 *   tide_cache_open(&cache, "/var/lib/tidemark/cache.db", NULL, &err);
 *   tide_repository_new(&sessions, cache, "agent_chat_session", &err);
 *   tide_unit_of_work_begin(&unit, cache, verified_sub, &err);
 *   tide_repository_insert(sessions, unit, values, NULL, &err);
 *   tide_unit_of_work_commit(unit, NULL, &err);
 *
 * Services own units of work; repositories never commit. Reads leave soft-deleted rows
 * out unless they are asked for. The daemon need not run: what is written waits in the
 * file.
 *
 * Results. Every function that can fail returns an enum tide_result; on TIDE_FAILED, and
 * only then, *err says what failed, on what, why, and what to do. err may be NULL. out_
 * parameters are written on success only; JSON in them is a new reference. Nothing is
 * half done: a write that fails leaves its unit of work as it was before that write,
 * unless memory ran out: roll the unit back then.
 *
 * Rows are JSON objects (jansson), one member per column, null where there is no value:
 *
 *   smallint, integer, bigint             integer (64 bits)
 *   boolean                               true, false
 *   real, double precision                real; "NaN", "Infinity", "-Infinity" as strings
 *   numeric of up to 15 digits            integer or real; "NaN" as string
 *   any other numeric                     string, exact: "12345678901234567890.10"
 *   json, jsonb, arrays of one dimension  the value itself
 *   bytea                                 string "\x…" in hex
 *   timestamptz                           string, UTC: "2026-11-22T12:40:31.000000Z"
 *   everything else                       string, as the primary spells it
 *
 * A timestamptz may be given with another zone and is converted; without any zone it is
 * refused. A whole number may be given where a real is wanted, and for an exact numeric.
 * JSON that holds a number beyond a double, and arrays of several dimensions, are strings
 * as the primary spells them. Text in the file that is no UTF-8 shows U+FFFD for the
 * bytes.
 *
 * Reals are doubles, exactly as they are in the file. In JSON and arrays that are written
 * to the file each has as few digits as read back as the same double: 0.1, and
 * 0.30000000000000004. json_dumps() of a row keeps them too, in 17 digits; with
 * JSON_REAL_PRECISION(15) it does not.
 *
 * Threads. A cache and all that was made from it belong to one thread at a time; two
 * caches, of the same file too, may be used by two threads. Nothing here keeps state
 * outside of what the caller was handed.
 */
#ifndef TIDEMARK_H
#define TIDEMARK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIDE_VERSION_MAJOR 0
#define TIDE_VERSION_MINOR 1

enum tide_result {
    TIDE_FAILED = -1,
    TIDE_OK = 0,
    TIDE_NOT_FOUND = 1, /* no such row */
    TIDE_DELETED = 2,   /* the row is soft-deleted; out_row says when */
    TIDE_UNCHANGED = 3, /* nothing had to be done: deleted already, or no value differs */
    TIDE_REJECTED = 4,  /* tide_client_wait(): the primary refused part of it */
    TIDE_TIMED_OUT = 5, /* tide_client_wait(), tide_watch_next() */
};

enum tide_error_kind {
    TIDE_ERROR_NONE = 0,
    TIDE_ERROR_BUSY,     /* another program holds the cache's write lock: try again */
    TIDE_ERROR_CONFLICT, /* a constraint of the table; a live twin; a deleted row */
    TIDE_ERROR_MISUSE,   /* unknown table or column, wrong type, a unit that has ended */
    TIDE_ERROR_SCHEMA,   /* the cache's schema is not the one asked for */
    TIDE_ERROR_CORRUPT,  /* the file is damaged, or no cache */
    TIDE_ERROR_SYSTEM,   /* memory, disk, permissions */
    TIDE_ERROR_OFFLINE,  /* tide_client: no daemon answers */
};

/* What failed, for people and for decisions. Needs no release. */
struct tide_error {
    enum tide_error_kind kind;
    char message[512]; /* what failed, on what, why */
    char hint[256];    /* what to do about it; may be "" */
};

/* ---- the cache ---- */

/* One open cache file. */
struct tide_cache;

struct tide_cache_options {
    bool read_only;
    int busy_timeout_ms;        /* how long to wait for another writer; 0: 5000 */
    const char *control_socket; /* for tide_client_…; NULL: none. Copied */
};

/*
 * Opens a cache that tidemark made, with foreign keys checked. options NULL: the
 * defaults. A file that cannot be written to opens for reading; when its folder
 * cannot be written to either, as long as a program that may write has it open (SQLite's
 * WAL mode). TIDE_ERROR_SYSTEM: there
 * is no such file, or no right to read it; TIDE_ERROR_CORRUPT: it is no SQLite file;
 * TIDE_ERROR_MISUSE: it is another program's, or of another version of tidemark.
 */
enum tide_result tide_cache_open(struct tide_cache **out_cache, const char *path,
                                 const struct tide_cache_options *options,
                                 struct tide_error *err);

/*
 * Ends a unit of work that is still open with a roll-back. Free repositories and watches
 * first; units end here. NULL is fine.
 */
void tide_cache_close(struct tide_cache *cache);

/* ---- units of work ---- */

/*
 * A unit of work is one transaction of the cache that also stands or falls as a whole on
 * the primary. One at a time in a cache. It takes the cache's write lock, so that what it
 * reads is what it changes, and other programs wait: keep it short, and never wait for a
 * person in it.
 *
 * The cache owns it. One that has ended is recognised as such in every call until 31
 * others have been begun.
 */
struct tide_unit_of_work;

/* What was committed, for tide_client_wait(). */
struct tide_receipt {
    int64_t sequence; /* last entry of the outbox; 0: nothing was written */
    int64_t unit;     /* number of the unit of work in the outbox */
};

/*
 * Begins a unit of work. owner_id: the `sub` of a verified token, written into the column
 * owner_id of inserted rows; NULL: none. TIDE_ERROR_BUSY: another program kept the write
 * lock for longer than busy_timeout_ms. TIDE_ERROR_MISUSE: another unit is open in this
 * cache, or it is open for reading only.
 */
enum tide_result tide_unit_of_work_begin(struct tide_unit_of_work **out_unit,
                                         struct tide_cache *cache, const char *owner_id,
                                         struct tide_error *err);

/*
 * Commits and ends the unit. When it fails, nothing of the unit is kept, and it has ended
 * too. out_receipt may be NULL. TIDE_ERROR_CONFLICT: a foreign key points to no row.
 * TIDE_ERROR_MISUSE: the unit had ended.
 */
enum tide_result tide_unit_of_work_commit(struct tide_unit_of_work *unit,
                                          struct tide_receipt *out_receipt,
                                          struct tide_error *err);

/* Ends the unit and forgets what was written in it. NULL, and a unit that has ended, are
 * fine. */
void tide_unit_of_work_roll_back(struct tide_unit_of_work *unit);

/* ---- repositories ---- */

/* Which rows a read sees. The zero value is the safe one. A table without deleted_at has
 * live rows only. */
enum tide_scope {
    TIDE_LIVE = 0,
    TIDE_WITH_DELETED,
    TIDE_ONLY_DELETED,
};

/*
 * How a column is compared. Text compares by its bytes (citext without case), times by
 * when they were, exact numerics by spelling when equality is asked for and as doubles
 * when it is about less and greater. json and jsonb know null tests only.
 */
enum tide_comparison {
    TIDE_EQUAL = 0, /* null equals null */
    TIDE_NOT_EQUAL, /* of null and a value: true */
    TIDE_LESS,      /* never true of null; the next three neither */
    TIDE_LESS_OR_EQUAL,
    TIDE_GREATER,
    TIDE_GREATER_OR_EQUAL,
    TIDE_LIKE,        /* value is a pattern with % and _; a backslash takes their meaning
                         away; ASCII letters match in either case */
    TIDE_IN,          /* value is an array; null in it finds null */
    TIDE_IS_NULL,     /* value is not looked at */
    TIDE_IS_NOT_NULL, /* value is not looked at */
};

/* All of an array hold; it ends with a zeroed element. value is borrowed, in the form
 * that rows have. */
struct tide_filter {
    const char *column;
    enum tide_comparison comparison;
    json_t *value;
};

/* Nulls come first, and last when descending. Exact numerics are ordered as doubles. */
struct tide_order {
    const char *column;
    bool descending;
};

struct tide_query {
    const struct tide_filter *filters; /* NULL: none */
    const struct tide_order *order;    /* ends with a zeroed element; NULL: by key. The
                                          key is added behind it, so the order is total */
    const json_t *after;               /* the last row of the page before, as it was read;
                                          NULL: from the start */
    size_t limit;                      /* 0: all */
    enum tide_scope scope;
};

/* One mirrored table, for reading and writing. */
struct tide_repository;

/*
 * Makes the repository of a table. TIDE_ERROR_MISUSE: no such mirrored table. When the
 * table changes on the primary later, its functions fail with TIDE_ERROR_SCHEMA: make it
 * anew.
 */
enum tide_result tide_repository_new(struct tide_repository **out_repository,
                                     struct tide_cache *cache, const char *table,
                                     struct tide_error *err);

/* Frees the repository. NULL is fine. */
void tide_repository_free(struct tide_repository *repository);

/*
 * Reads one row. id: the key's value, or for a key of several columns an object of them.
 * TIDE_NOT_FOUND: no such row in the scope. TIDE_DELETED: live rows were asked for and
 * there is a tombstone; it is in *out_row, which is the caller's as it is with TIDE_OK.
 */
enum tide_result tide_repository_get_by_id(struct tide_repository *repository,
                                           const json_t *id, enum tide_scope scope,
                                           json_t **out_row, struct tide_error *err);

/* Reads the one row that the filters find. TIDE_NOT_FOUND: none; more than one is
 * TIDE_ERROR_CONFLICT. */
enum tide_result tide_repository_get_one(struct tide_repository *repository,
                                         const struct tide_filter *filters,
                                         enum tide_scope scope, json_t **out_row,
                                         struct tide_error *err);

/*
 * Reads an array of rows, all of one moment; query NULL: every live row. For the next
 * page give the last row as `after`, with the same order.
 */
enum tide_result tide_repository_find(struct tide_repository *repository,
                                      const struct tide_query *query, json_t **out_rows,
                                      struct tide_error *err);

/* Counts rows. filters NULL: none. */
enum tide_result tide_repository_count(struct tide_repository *repository,
                                       const struct tide_filter *filters,
                                       enum tide_scope scope, int64_t *out_count,
                                       struct tide_error *err);

/*
 * Runs a query of one's own: one statement that only reads (SELECT, WITH, VALUES), with
 * ?1 … ?n or :name parameters (an array, or an object; NULL: none; arrays and objects
 * inside are bound as JSON text). Under its own name every mirrored table has the live
 * rows only, or those of the scope; main.name has them all. Rows have a member for each
 * column of the result, as SQLite has it: integer, real, string, null; blobs "\x…" in
 * hex, booleans 0 and 1, times and JSON as text.
 */
enum tide_result tide_repository_select(struct tide_repository *repository,
                                        const char *sql, const json_t *parameters,
                                        enum tide_scope scope, json_t **out_rows,
                                        struct tide_error *err);

/*
 * Inserts a row; columns that are missing take their defaults. owner_id comes from the
 * unit and is refused in values; so are generated columns and a deleted_at. out_row (may
 * be NULL): the row as it is now. An insert never revives a deleted row:
 * TIDE_ERROR_CONFLICT names it.
 */
enum tide_result tide_repository_insert(struct tide_repository *repository,
                                        struct tide_unit_of_work *unit,
                                        const json_t *values, json_t **out_row,
                                        struct tide_error *err);

/*
 * Changes the named columns of a live row; the same columns are refused as in an insert.
 * TIDE_NOT_FOUND: no such row; TIDE_UNCHANGED: it has these values already, and is in
 * *out_row too. A deleted row is TIDE_ERROR_CONFLICT. out_row may be NULL.
 */
enum tide_result tide_repository_update_by_id(struct tide_repository *repository,
                                              struct tide_unit_of_work *unit,
                                              const json_t *id, const json_t *values,
                                              json_t **out_row, struct tide_error *err);

/* Sets deleted_at; the row of a table without that column is deleted for good.
 * TIDE_NOT_FOUND: no such row; TIDE_UNCHANGED: it was deleted already. */
enum tide_result tide_repository_soft_delete_by_id(struct tide_repository *repository,
                                                   struct tide_unit_of_work *unit,
                                                   const json_t *id,
                                                   struct tide_error *err);

/* Takes deleted_at back. TIDE_NOT_FOUND: no such row; TIDE_UNCHANGED: it is live. A live
 * row with the same unique values is TIDE_ERROR_CONFLICT, which names it. */
enum tide_result tide_repository_restore_by_id(struct tide_repository *repository,
                                               struct tide_unit_of_work *unit,
                                               const json_t *id, struct tide_error *err);

/* ---- typed models ---- */

/*
 * `tidemark models --out DIR` writes a struct for each mirrored table and a description
 * of its members; the functions below do the work of the functions that it writes.
 * Programs call those.
 */
enum tide_member {
    TIDE_MEMBER_BOOLEAN = 0, /* bool */
    TIDE_MEMBER_SMALLINT,    /* int16_t */
    TIDE_MEMBER_INTEGER,     /* int32_t */
    TIDE_MEMBER_BIGINT,      /* int64_t */
    TIDE_MEMBER_REAL,        /* double; NaN and infinities as such */
    TIDE_MEMBER_TEXT,        /* char *, as rows have it */
    TIDE_MEMBER_BYTES,       /* unsigned char *, and a size_t */
    TIDE_MEMBER_JSON,        /* json_t *, a reference */
};

#define TIDE_NO_MEMBER ((size_t)-1)

struct tide_field {
    const char *column;
    const char *form; /* how the cache holds the column: "bigint", "timestamptz" … */
    enum tide_member member;
    size_t offset;      /* of the value */
    size_t has_offset;  /* of the bool that says whether there is a value; TIDE_NO_MEMBER:
                           there always is */
    size_t size_offset; /* of the size of TIDE_MEMBER_BYTES */
    bool nullable;      /* no value is null; else it is left to the column's default */
    bool read_only;     /* not among the values that are written */
};

struct tide_model {
    const char *table;
    size_t size; /* of the struct */
    const struct tide_field *fields;
    size_t field_count;
};

/*
 * Makes the repository of the model's table. TIDE_ERROR_SCHEMA names table and column
 * where the cache differs from the model: a column that is missing, has another type, or
 * may be null now. Columns that came since do not matter.
 */
enum tide_result tide_model_repository(const struct tide_model *model,
                                       struct tide_repository **out_repository,
                                       struct tide_cache *cache, struct tide_error *err);

/* Fills a struct from a row; tide_model_release() frees what is in it. What is in
 * out_struct before is not looked at. */
enum tide_result tide_model_from_row(const struct tide_model *model, void *out_struct,
                                     const json_t *row, struct tide_error *err);

/*
 * The values of a struct for an insert or an update: every column that may be written. A
 * column without a value is null where it may be, and else left out: its default, or what
 * the row has.
 */
enum tide_result tide_model_to_values(const struct tide_model *model, const void *source,
                                      json_t **out_values, struct tide_error *err);

/* Frees what is in the struct, and zeroes it; a zeroed one is fine. */
void tide_model_release(const struct tide_model *model, void *contents);

/* ---- the daemon ---- */

/*
 * The status document: from the daemon, or from the file when none runs or no control
 * socket was named. The one from the file has "state":"stopped" and the members "v",
 * "kind", "cache", "since", "mark", "tables" (name, schema, mode, rows, mark, pending,
 * rejected), "pending", "rejected", "conflicts" and "hints", as the daemon's has them.
 */
enum tide_result tide_client_status(struct tide_cache *cache, json_t **out_status,
                                    struct tide_error *err);

/* Asks for a round now and returns. TIDE_ERROR_OFFLINE: no daemon answers. */
enum tide_result tide_client_sync_now(struct tide_cache *cache, struct tide_error *err);

/*
 * Waits until the primary has what was committed; not inside of a unit of work.
 * TIDE_REJECTED: it refused part of it. TIDE_TIMED_OUT: timeout_ms (negative: for ever)
 * went by. Reads the file only: it asks no daemon, but needs one that works.
 */
enum tide_result tide_client_wait(struct tide_cache *cache,
                                  const struct tide_receipt *receipt, int timeout_ms,
                                  struct tide_error *err);

/* Change sets as they arrive, for views that refresh. */
struct tide_watch;

/* Starts to watch. TIDE_ERROR_OFFLINE: no daemon answers. */
enum tide_result tide_client_watch(struct tide_watch **out_watch,
                                   struct tide_cache *cache, struct tide_error *err);

/* For poll(): readable when something came. What was read with it already does not show:
 * take with a timeout of 0 until TIDE_TIMED_OUT first. */
int tide_watch_descriptor(const struct tide_watch *watch);

/*
 * Takes one change set: {"id","at","mark","snapshot","tables":[{"name","written",
 * "deleted"}]}. TIDE_TIMED_OUT: none came within timeout_ms (negative: for ever).
 * TIDE_ERROR_OFFLINE: the daemon has gone; watch anew.
 */
enum tide_result tide_watch_next(struct tide_watch *watch, int timeout_ms,
                                 json_t **out_change_set, struct tide_error *err);

/* Ends the watch. NULL is fine. */
void tide_watch_free(struct tide_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
