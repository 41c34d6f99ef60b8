/*
 * Row list: rows of one table, or only their keys, in a temporary table of their own:
 * flat memory however many they are. Keys compare as the table's own do.
 *
 * Part of the caller's transaction: one that is rolled back takes it along. While a
 * statement of the same connection stands on a row, a list can be neither made nor
 * dropped.
 */
#ifndef LIB_STORE_ROW_LIST_H
#define LIB_STORE_ROW_LIST_H

#include "lib/db/statement.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

struct database;

enum row_list_shape { ROW_LIST_KEYS, ROW_LIST_ROWS };

struct row_list {
    struct database *db; /* NULL: not made */
    struct table shape;  /* names are borrowed from the table */
    char name[64];       /* of the temporary table, for joins */
    struct statement put;
    struct statement find;
    struct statement remove;
    struct statement first;
};

/* Makes an empty one; purpose tells the lists of one table apart. */
MUST_CHECK enum outcome row_list_make(struct row_list *list, struct database *db,
                                      const struct table *table, const char *purpose,
                                      enum row_list_shape shape, struct error *err);

/* row: the key, or all columns, by the list's shape. What is there already stays, once.
 */
MUST_CHECK enum outcome row_list_put(struct row_list *list, const struct value *row,
                                     struct error *err);

/* NOTHING: it is not in the list. out_row may be NULL; it is valid until the next call.
 */
MUST_CHECK enum outcome row_list_find(struct row_list *list, const struct value *key,
                                      struct value *out_row, struct error *err);
MUST_CHECK enum outcome row_list_remove(struct row_list *list, const struct value *key,
                                        struct error *err);

/* Any row; NOTHING when there is none. Valid until row_list_first() or row_list_rest().
 */
MUST_CHECK enum outcome row_list_first(struct row_list *list, struct value *out_row,
                                       struct error *err);

/* Ends the reading of rows: their values are gone, and the list can be dropped. */
void row_list_rest(struct row_list *list);

/* Drops the table too. One that was not made is fine. */
MUST_CHECK enum outcome row_list_drop(struct row_list *list, struct error *err);
void row_list_release(struct row_list *list); /* a zeroed one is fine */

#endif
