/*
 * libtidemark: the repository pattern over a tidemark cache, for applications.
 *
 *   struct tide_cache *cache;
 *   struct tide_unit_of_work *unit;
 *   struct tide_repository *sessions;
 *   struct tide_receipt receipt;
 *   struct tide_error err;
 *
 *   tide_cache_open(&cache, "/var/lib/tidemark/cache.db", NULL, &err);
 *   tide_unit_of_work_begin(&unit, cache, verified_sub, &err);
 *   tide_repository_new(&sessions, cache, "agent_chat_session", &err);
 *   tide_repository_insert(sessions, unit, json_pack("{s:s}", "title", "Hello"), &row,
 * &err); tide_unit_of_work_commit(unit, &receipt, &err);
 *
 * Services own units of work; repositories never commit. Reads leave soft-deleted rows
 * out unless they are asked for. The daemon need not run: what is written waits in the
 * file.
 *
 * Results. Every function that can fail returns an enum tide_result; on TIDE_FAILED, and
 * only then, *err says what failed, on what, why, and what to do. out_ parameters are
 * written on success only.
 *
 * Rows are JSON objects (jansson), one member per column:
 *
 *   smallint, integer, bigint             integer (64 bits)
 *   boolean                               true, false
 *   real, double precision                real; "NaN", "Infinity", "-Infinity" as strings
 *   numeric of up to 15 digits            integer or real
 *   any other numeric                     string, exact: "12345678901234567890.10"
 *   json, jsonb, arrays of one dimension  the value itself
 *   bytea                                 string "\x…" in hex
 *   timestamptz                           string, UTC: "2026-11-22T12:40:31.000000Z".
 * Given with another zone it is converted; without any zone it is refused everything else
 * string
 *
 * Threads. A cache and all that was made from it belong to one thread at a time. Nothing
 * here keeps state outside of what the caller was handed.
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
    TIDE_TIMED_OUT = 5, /* tide_client_wait(), tide_client_next() */
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

struct tide_error {
    enum tide_error_kind kind;
    char message[512]; /* what failed, on what, why */
    char hint[256];    /* what to do about it; may be "" */
};

/* ---- the cache ---- */

struct tide_cache;

struct tide_cache_options {
    bool read_only;
    int busy_timeout_ms;        /* how long to wait for another writer; 0: 5000 */
    const char *control_socket; /* for tide_client; NULL: none */
};

/* Opens a cache that tidemark made. options NULL: the defaults. */
enum tide_result tide_cache_open(struct tide_cache **out_cache, const char *path,
                                 const struct tide_cache_options *options,
                                 struct tide_error *err);

/* Ends a unit of work that is still open with a roll-back. NULL is fine. */
void tide_cache_close(struct tide_cache *cache);

/* ---- units of work ---- */

/*
 * A unit of work is one transaction of the cache that also stands or falls as a whole on
 * the primary. One at a time in a cache. It takes the cache's write lock, so that what it
 * reads is what it changes.
 */
struct tide_unit_of_work;

/* What was committed, for tide_client_wait(). */
struct tide_receipt {
    int64_t sequence; /* last entry of the outbox; 0: nothing was written */
    int64_t unit;
};

/* owner_id: the `sub` of a verified token, written into inserted rows; NULL: none. */
enum tide_result tide_unit_of_work_begin(struct tide_unit_of_work **out_unit,
                                         struct tide_cache *cache, const char *owner_id,
                                         struct tide_error *err);

/* Both end the unit and free it, whatever they return. receipt may be NULL. */
enum tide_result tide_unit_of_work_commit(struct tide_unit_of_work *unit,
                                          struct tide_receipt *out_receipt,
                                          struct tide_error *err);
void tide_unit_of_work_roll_back(struct tide_unit_of_work *unit); /* NULL is fine */

/* ---- repositories ---- */

/* Which rows a read sees. The zero value is the safe one. A table without deleted_at has
 * live rows only. */
enum tide_scope {
    TIDE_LIVE = 0,
    TIDE_WITH_DELETED,
    TIDE_ONLY_DELETED,
};

enum tide_comparison {
    TIDE_EQUAL = 0, /* null equals null */
    TIDE_NOT_EQUAL,
    TIDE_LESS,
    TIDE_LESS_OR_EQUAL,
    TIDE_GREATER,
    TIDE_GREATER_OR_EQUAL,
    TIDE_LIKE,
    TIDE_IN, /* value is an array */
    TIDE_IS_NULL,
    TIDE_IS_NOT_NULL,
};

/* All of an array hold; it ends with a zeroed element. value is borrowed. */
struct tide_filter {
    const char *column;
    enum tide_comparison comparison;
    json_t *value;
};

struct tide_order {
    const char *column;
    bool descending;
};

struct tide_query {
    const struct tide_filter *filters; /* NULL: none */
    const struct tide_order *order;    /* ends with a zeroed element; NULL: by key. The
                                          key is added behind it, so the order is total */
    const json_t *after;               /* the last row of the page before; NULL: from the
                                          start */
    size_t limit;                      /* 0: all */
    enum tide_scope scope;
};

struct tide_repository;

/* TIDE_ERROR_MISUSE: no such mirrored table. */
enum tide_result tide_repository_new(struct tide_repository **out_repository,
                                     struct tide_cache *cache, const char *table,
                                     struct tide_error *err);
void tide_repository_free(struct tide_repository *repository); /* NULL is fine */

/*
 * id: the key's value, or for a key of several columns an object of them. TIDE_DELETED:
 * there is a tombstone (and it is in *out_row). The row is a new reference.
 */
enum tide_result tide_repository_get_by_id(struct tide_repository *repository,
                                           const json_t *id, enum tide_scope scope,
                                           json_t **out_row, struct tide_error *err);

/* More than one row is TIDE_ERROR_CONFLICT. */
enum tide_result tide_repository_get_one(struct tide_repository *repository,
                                         const struct tide_filter *filters,
                                         enum tide_scope scope, json_t **out_row,
                                         struct tide_error *err);

/* An array of rows, a new reference; query NULL: every live row. */
enum tide_result tide_repository_find(struct tide_repository *repository,
                                      const struct tide_query *query, json_t **out_rows,
                                      struct tide_error *err);
enum tide_result tide_repository_count(struct tide_repository *repository,
                                       const struct tide_filter *filters,
                                       enum tide_scope scope, int64_t *out_count,
                                       struct tide_error *err);

/*
 * A query of one's own, one SELECT with ?1 … ?n or :name parameters (an array, or an
 * object; NULL: none). Under its own name every mirrored table has the live rows only, or
 * those of the scope. Rows have a member for each column of the result.
 */
enum tide_result tide_repository_select(struct tide_repository *repository,
                                        const char *sql, const json_t *parameters,
                                        enum tide_scope scope, json_t **out_rows,
                                        struct tide_error *err);

/*
 * Inserts a row; columns that are missing take their defaults. owner_id comes from the
 * unit and is refused in values. out_row (may be NULL): the row as it is now. An insert
 * never revives a deleted row: TIDE_ERROR_CONFLICT names it.
 */
enum tide_result tide_repository_insert(struct tide_repository *repository,
                                        struct tide_unit_of_work *unit,
                                        const json_t *values, json_t **out_row,
                                        struct tide_error *err);

/* Changes the named columns of a live row. A deleted row is TIDE_ERROR_CONFLICT. */
enum tide_result tide_repository_update_by_id(struct tide_repository *repository,
                                              struct tide_unit_of_work *unit,
                                              const json_t *id, const json_t *values,
                                              json_t **out_row, struct tide_error *err);

/* Sets deleted_at; the row of a table without that column is deleted for good.
 * TIDE_UNCHANGED: it was deleted already. */
enum tide_result tide_repository_soft_delete_by_id(struct tide_repository *repository,
                                                   struct tide_unit_of_work *unit,
                                                   const json_t *id,
                                                   struct tide_error *err);

/* Takes deleted_at back. TIDE_UNCHANGED: it is live. A live row with the same unique
 * values is TIDE_ERROR_CONFLICT, which names it. */
enum tide_result tide_repository_restore_by_id(struct tide_repository *repository,
                                               struct tide_unit_of_work *unit,
                                               const json_t *id, struct tide_error *err);

/* ---- the daemon ---- */

/* The status document: from the daemon, or from the file when none runs. */
enum tide_result tide_client_status(struct tide_cache *cache, json_t **out_status,
                                    struct tide_error *err);

/* Asks for a round now and returns. */
enum tide_result tide_client_sync_now(struct tide_cache *cache, struct tide_error *err);

/* Waits until the primary has what was committed. TIDE_REJECTED: it refused part of it.
 * Needs no daemon to ask, but one that works. */
enum tide_result tide_client_wait(struct tide_cache *cache,
                                  const struct tide_receipt *receipt, int timeout_ms,
                                  struct tide_error *err);

/* Change sets as they arrive, for views that refresh. */
struct tide_watch;
enum tide_result tide_client_watch(struct tide_watch **out_watch,
                                   struct tide_cache *cache, struct tide_error *err);
/* For poll(): readable when there is something to take. */
int tide_watch_descriptor(const struct tide_watch *watch);
/* One change set: {"tables":[{"name","written","deleted"}],…}; timeout_ms < 0: for ever.
 */
enum tide_result tide_watch_next(struct tide_watch *watch, int timeout_ms,
                                 json_t **out_change_set, struct tide_error *err);
void tide_watch_free(struct tide_watch *watch); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
