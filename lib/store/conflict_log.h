/*
 * Conflict log: columns that were changed on both sides; what lost is kept here.
 *
 * Adding runs in the caller's transaction. Belongs to the thread of the database.
 */
#ifndef LIB_STORE_CONFLICT_LOG_H
#define LIB_STORE_CONFLICT_LOG_H

#include "lib/base/error.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

#include <stdbool.h>

struct database;

struct conflict_value {
    const char *column;
    struct value base;
    struct value local;
    struct value remote;
};

struct conflict {
    const char *table;
    const char *row_key; /* canonical */
    const char *rule;    /* of conflict_rule_names, or CONFLICT_DELETED_… */
    bool local_wins;
    bool open; /* waits for a person */
    int64_t changed_us;
    const char *push_id; /* NULL: filed at once */
    const struct conflict_value *values;
    size_t value_count;
};

/*
 * Adds the row's columns that are not among the first `count` values and were not
 * changed, so that it can be written again where nothing else has it any more; returns
 * how many there are then. values has room for all columns; row: all columns.
 */
size_t conflict_values_complete(struct conflict_value *values, size_t count,
                                const struct table *table, const struct value *row);

MUST_CHECK enum outcome
conflict_log_add(struct database *db, const struct conflict *conflict, struct error *err);

#endif
