/*
 * Row JSON: rows of a mirrored table as the JSON that applications see, both ways, as
 * lib/tidemark.h lays it down. Pure.
 */
#ifndef LIB_REPOSITORY_ROW_JSON_H
#define LIB_REPOSITORY_ROW_JSON_H

#include "lib/model/table.h"
#include "lib/model/value.h"

#include <jansson.h>

/* A value of the cache; NULL: out of memory. */
json_t *row_json_value(const struct table_column *column, const struct value *value);

/* A whole row, values in the order of the columns; NULL: out of memory. */
json_t *row_json(const struct table *table, const struct value *row);

/* A value that was read out of JSON, and the bytes that it may point to. */
struct row_json_cell {
    struct value value;
    struct buffer bytes;
};
void row_json_cell_release(struct row_json_cell *cell); /* a zeroed one is fine */

/*
 * The value as the cache holds it; the cell is released first. ERROR_INVALID names the
 * column and what it wants. Null is read for every column.
 */
MUST_CHECK enum outcome row_json_read(const struct table *table, size_t column,
                                      const json_t *json, struct row_json_cell *cell,
                                      struct error *err);

#endif
