/*
 * Row query: an application's filters, order and page as one statement over a mirrored
 * table. Every name is checked against the table, every value is bound.
 */
#ifndef LIB_REPOSITORY_ROW_QUERY_H
#define LIB_REPOSITORY_ROW_QUERY_H

#include "lib/repository/repository.h"

#include "lib/db/statement.h"

struct row_query {
    struct mirror_query shape;
    struct mirror_condition *conditions;
    struct mirror_order *order;
    struct row_json_cell *cells; /* parameter n is cells[n - 1] */
    size_t cell_count;
    struct statement statement;
};

/* Ready to step: columns of the table in order, or the count. ERROR_INVALID: filters or
 * order name what is not there, or compare what cannot be compared. */
MUST_CHECK enum outcome row_query_init(struct row_query *query,
                                       const struct tide_repository *repository,
                                       const struct tide_query *wanted, bool counts,
                                       struct error *err);
void row_query_release(struct row_query *query); /* a zeroed one is fine */

#endif
