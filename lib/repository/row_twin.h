/*
 * Row twin: the row that holds what must be unique, when a write was refused because of
 * it.
 */
#ifndef LIB_REPOSITORY_ROW_TWIN_H
#define LIB_REPOSITORY_ROW_TWIN_H

#include "lib/base/error.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

#include <stdbool.h>

struct database;

/*
 * Makes *err, the refusal, name the row that the wanted one meets; leaves it as it is
 * when none is found. wanted has a value for each column. is_there: the wanted row itself
 * is in the table, under its key.
 */
void row_twin_name(struct database *db, const struct table *table,
                   const struct value *wanted, bool is_there, struct error *err);

#endif
