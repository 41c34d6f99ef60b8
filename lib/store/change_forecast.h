/*
 * Change forecast: what of a row's local changes will be sent, as they stand now; read
 * from the file alone, by the rules of a push.
 *
 * Belongs to the thread of the database.
 */
#ifndef LIB_STORE_CHANGE_FORECAST_H
#define LIB_STORE_CHANGE_FORECAST_H

#include "lib/base/error.h"

#include <jansson.h>

struct change_forecast; /* opaque */
struct database;

MUST_CHECK enum outcome change_forecast_new(struct change_forecast **out_forecast,
                                            struct database *db, struct error *err);
void change_forecast_free(struct change_forecast *forecast); /* NULL is fine */

/*
 * "insert", "update", "delete" or "nothing", and the names of the columns that an update
 * writes or a delete compares. NOTHING: not a mirrored table, or nothing is pending.
 */
MUST_CHECK enum outcome change_forecast_row(struct change_forecast *forecast,
                                            const char *table_name, const char *row_key,
                                            const char **out_operation,
                                            json_t **out_columns, struct error *err);

#endif
