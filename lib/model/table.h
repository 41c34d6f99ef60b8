/*
 * Table: one table of the primary as introspected, and what the cache makes of it.
 *
 * Plain data, owned by the table_set it is in. Columns are in the order of the
 * primary's attribute numbers; every "column index" is into `columns`.
 */
#ifndef LIB_MODEL_TABLE_H
#define LIB_MODEL_TABLE_H

#include "lib/base/error.h"
#include "lib/model/column_codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_NO_COLUMN (-1)

/* PostgreSQL's INDEX_MAX_KEYS. */
#define TABLE_KEY_LIMIT 32

struct table_column {
    char *name;      /* as on the primary, unquoted */
    char *type_name; /* for casts, ready to use, under all domains: "numeric(12,4)",
                        "public.mood", "\"Odd\".t" */
    enum column_codec codec;
    bool not_null;
    bool generated; /* GENERATED ALWAYS AS (…) STORED: mirrored, never pushed */
    char
        *cache_default; /* SQLite expression without parentheses, or NULL: "0", "'web'" */
    char **labels; /* of the enum (or of the enum under a domain); NULL for other types */
    size_t label_count;
};

struct table_index {
    char *name; /* as on the primary */
    bool unique;
    int *columns; /* column indexes, in order */
    bool *descending;
    size_t column_count;
    char *predicate; /* SQLite expression of a partial index, or NULL */
};

struct table_foreign_key {
    int *columns; /* column indexes here */
    size_t column_count;
    char *parent_schema;
    char *parent_table;
    char **parent_columns;
};

/* What a delta of this table rests on. */
enum table_mode {
    TABLE_UNTRACKED, /* changed_at with an overlap, made exact by sweeps */
    TABLE_TRACKED,   /* tide_xid: exact at every round */
};

/* Who wins when both sides changed the same column of the same row. */
enum conflict_policy {
    CONFLICT_LAST_WRITE_WINS,
    CONFLICT_SERVER_WINS,
    CONFLICT_CLIENT_WINS,
    CONFLICT_MANUAL, /* the primary's value stands until a person decides */
};

struct table {
    uint32_t oid;
    char *schema;
    char *name; /* also the name in the cache */
    enum table_mode mode;
    bool partitioned;
    char *partitions; /* its leaves, "oid:file oid:file": rows come and go with them, and
                         with a TRUNCATE of one, unnoticed by any trigger; NULL for an
                         ordinary table */
    bool lockable;    /* LOCK TABLE needs SELECT on the whole table, reading it only on
                         columns */
    struct table_column *columns;
    size_t column_count;
    int *key; /* column indexes in the order of the primary key */
    size_t key_count;
    struct table_index *indexes; /* without the primary key's own */
    size_t index_count;
    struct table_foreign_key *foreign_keys; /* only to tables of the same set */
    size_t foreign_key_count;
    int updated_at;                       /* column index or TABLE_NO_COLUMN */
    int deleted_at;                       /* column index or TABLE_NO_COLUMN */
    enum conflict_policy conflict_policy; /* no part of the fingerprint */
    bool deferrable_key; /* the primary key cannot be an ON CONFLICT arbiter; no part of
                            the fingerprint either */
    char *scope;         /* SQL boolean expression on the primary, or NULL */
    char *tracking; /* changes with the triggers and with a rewrite of the rows, which
                       no trigger sees; "" when untracked */
    int64_t deletes_known_since_us; /* what was deleted before is not known any more; 0:
                                       everything is; no part of the fingerprint */
    int64_t estimated_rows;         /* pg_class.reltuples; -1: never analyzed */
    char *fingerprint; /* text that changes when anything above that shapes the cache does
                        */
};

/* A table that is not mirrored, and why. */
struct table_refusal {
    char *schema;
    char *name;
    char *reason; /* "has no primary key" … one clause */
    char *remedy; /* what would change that, SQL where there is some; may be "" */
};

struct table_set {
    struct table *tables;
    size_t table_count;
    struct table_refusal *refusals;
    size_t refusal_count;
};

/* All of these take a zeroed one too. */
void table_column_release(struct table_column *column);
void table_index_release(struct table_index *index);
void table_foreign_key_release(struct table_foreign_key *foreign_key);
void table_release(struct table *table);
void table_refusal_release(struct table_refusal *refusal);
void table_set_release(struct table_set *set);

/* Equal as SQLite compares the names of tables and columns: ASCII case is ignored. */
bool table_same_name(const char *a, const char *b);

/* NULL when the set has no such table. Names compare as SQLite does: ASCII case is
 * ignored. */
const struct table *table_set_find(const struct table_set *set, const char *name);

/* Column index, or TABLE_NO_COLUMN. Exact comparison. */
int table_find_column(const struct table *table, const char *name);

/* Whether the column is part of the primary key. */
bool table_is_key(const struct table *table, size_t column);

#endif
