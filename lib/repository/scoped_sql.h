/*
 * Scoped SQL: an application's query with every mirrored table in it cut down to the rows
 * of a scope, by common table expressions of the same names in front of it.
 */
#ifndef LIB_REPOSITORY_SCOPED_SQL_H
#define LIB_REPOSITORY_SCOPED_SQL_H

#include "lib/base/buffer.h"
#include "lib/store/mirror_sql_repository.h"

struct database;

/* Appends the query. ERROR_INVALID: it does not begin with SELECT, WITH or VALUES. */
MUST_CHECK enum outcome scoped_sql_append(struct buffer *sql, struct database *db,
                                          const char *query, enum mirror_scope scope,
                                          struct error *err);

#endif
