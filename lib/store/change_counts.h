/*
 * Change counts: how many local changes wait, were refused or met others, for the
 * status. Reads only; belongs to the thread of the database.
 */
#ifndef LIB_STORE_CHANGE_COUNTS_H
#define LIB_STORE_CHANGE_COUNTS_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct database;

struct change_count {
    char *table;
    int64_t pending;  /* rows */
    int64_t rejected; /* changes */
};

/* The oldest change that somebody must decide about. */
struct change_first_rejected {
    int64_t rejected_id; /* 0: none */
    char *table;
    char *row_key;
    char *operation; /* "update" … */
    char *sqlstate;
    char *message;
};

struct change_counts {
    int64_t rows; /* with changes that the primary has not acknowledged */
    int64_t entries;
    int64_t oldest_us; /* 0: nothing waits */
    int64_t rejected;
    int64_t conflicts;
    int64_t conflicts_open;      /* wait for a person */
    struct change_count *tables; /* those with any */
    size_t table_count;
    struct change_first_rejected first_rejected;
    char *device_id; /* NULL: none yet */
};

/* Looks at each entry of the outbox. */
MUST_CHECK enum outcome change_counts_read(struct database *db,
                                           struct change_counts *out_counts,
                                           struct error *err);
void change_counts_release(struct change_counts *counts); /* a zeroed one is fine */

/* NULL: nothing waits for that table and nothing of it was refused. */
const struct change_count *change_counts_find(const struct change_counts *counts,
                                              const char *table);

/* The mirrored tables that have entries. */
struct change_table {
    int64_t table_id;
    char *name;
};
struct change_tables {
    struct change_table *items;
    size_t count;
};
MUST_CHECK enum outcome change_counts_tables(struct database *db,
                                             struct change_tables *out_tables,
                                             struct error *err);
void change_tables_release(struct change_tables *tables); /* a zeroed one is fine */

#endif
