/*
 * Repository: one mirrored table, and what its reads and writes share.
 */
#ifndef LIB_REPOSITORY_REPOSITORY_H
#define LIB_REPOSITORY_REPOSITORY_H

#include "lib/repository/library_cache.h"
#include "lib/model/table.h"
#include "lib/model/value.h"
#include "lib/repository/row_json.h"
#include "lib/store/mirror_sql_repository.h"
#include "lib/store/row_lookup.h"

/* A statement that is likely to be wanted again: with the capture triggers in it, making
 * one takes a hundred times as long as running it. */
struct kept_statement {
    char *sql; /* NULL: none is kept */
    struct statement statement;
};

struct tide_repository {
    struct tide_cache *cache;
    struct table table;
    int64_t schema_version; /* of the file, when the table was last compared */
    struct kept_statement insert;
    struct kept_statement update;
};

/* The statement for that SQL, ready to be bound; reset it after use. The repository's. */
MUST_CHECK enum outcome repository_prepare(struct tide_repository *repository,
                                           struct kept_statement *kept,
                                           struct buffer *sql,
                                           struct statement **out_statement,
                                           struct error *err);

/* ERROR_SCHEMA: the table is not the one any more that the repository was made for. */
MUST_CHECK enum outcome repository_check(struct tide_repository *repository,
                                         struct error *err);

/* ERROR_INVALID names the column that the table does not have. */
MUST_CHECK enum outcome repository_column(const struct tide_repository *repository,
                                          const char *name, size_t *out_column,
                                          struct error *err);

/* A key out of JSON. */
struct repository_key {
    struct row_json_cell cells[TABLE_KEY_LIMIT];
    struct value values[TABLE_KEY_LIMIT]; /* borrowed from the cells */
};
MUST_CHECK enum outcome repository_key_read(const struct tide_repository *repository,
                                            const json_t *id, struct repository_key *key,
                                            struct error *err);
void repository_key_release(struct repository_key *key); /* a zeroed one is fine */

/* "orders o1", for errors. */
void repository_append_name(struct buffer *text, const struct table *table,
                            const struct value *key);

/* Whether the row, in the order of the columns, is a tombstone. */
bool repository_is_deleted(const struct tide_repository *repository,
                           const struct value *row);

/* The row as JSON; ERROR_SYSTEM: out of memory. */
MUST_CHECK enum outcome repository_row(const struct tide_repository *repository,
                                       const struct value *row, json_t **out_row,
                                       struct error *err);

#endif
