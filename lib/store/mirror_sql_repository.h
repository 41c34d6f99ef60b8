/*
 * Mirror SQL, repository: the part of mirror_sql.h that an application's reads and writes
 * by libtidemark are made of. Values are always parameters; the caller numbers them.
 */
#ifndef LIB_STORE_MIRROR_SQL_REPOSITORY_H
#define LIB_STORE_MIRROR_SQL_REPOSITORY_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

/* Which rows; a table without deleted_at has live ones only. */
enum mirror_scope {
    MIRROR_LIVE,
    MIRROR_WITH_DELETED,
    MIRROR_ONLY_DELETED,
};

enum mirror_test {
    MIRROR_EQUAL, /* null equals null */
    MIRROR_NOT_EQUAL,
    MIRROR_LESS,
    MIRROR_LESS_OR_EQUAL,
    MIRROR_GREATER,
    MIRROR_GREATER_OR_EQUAL,
    MIRROR_LIKE,
    MIRROR_IN,
    MIRROR_IS_NULL,
    MIRROR_IS_NOT_NULL,
};

struct mirror_condition {
    size_t column;
    enum mirror_test test;
    size_t parameter;       /* the first one */
    size_t parameter_count; /* of MIRROR_IN; may be 0 */
    bool or_null;           /* MIRROR_IN: null is one of the values */
};

struct mirror_order {
    size_t column;
    bool descending;
    size_t after; /* the parameter with the last value before the page */
    bool after_is_null;
};

struct mirror_query {
    const struct table *table;
    enum mirror_scope scope;
    const struct mirror_condition *conditions;
    size_t condition_count;
    const struct mirror_order *order; /* total: the key is in it */
    size_t order_count;
    bool has_after;
    size_t limit; /* 0: none */
};

/* SELECT every column, in order; and SELECT count(*), which looks at neither order nor
 * limit. */
void mirror_sql_repository_select(struct buffer *sql, const struct mirror_query *query);
void mirror_sql_repository_count(struct buffer *sql, const struct mirror_query *query);

/* INSERT INTO table (columns) VALUES (?1, …) RETURNING the key columns. */
void mirror_sql_repository_insert(struct buffer *sql, const struct table *table,
                                  const size_t *columns, size_t count);

/* "table" AS (SELECT * FROM the table WHERE it is in the scope), for a WITH. */
void mirror_sql_repository_rows_as(struct buffer *sql, const struct table *table,
                                   enum mirror_scope scope);

#endif
