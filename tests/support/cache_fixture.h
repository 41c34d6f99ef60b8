/*
 * Cache fixture: a freshly migrated cache, for cmocka's setup and teardown, and short
 * words for what tests do with one. Whatever goes wrong in here fails the test.
 */
#ifndef TESTS_SUPPORT_CACHE_FIXTURE_H
#define TESTS_SUPPORT_CACHE_FIXTURE_H

#include "lib/store/cache.h"

#include <stdint.h>

struct database;

/* In memory: *state becomes a struct database *. */
int cache_in_memory_setup(void **state);
int cache_in_memory_teardown(void **state);

/* A folder of its own under build/, empty; removed with everything in it. */
struct cache_folder {
    char path[64];
    char file[80]; /* path/cache.db, not made yet */
};
int cache_folder_setup(void **state); /* *state becomes a struct cache_folder * */
int cache_folder_teardown(void **state);

/* In a file, as the daemon has it. */
struct cache_fixture {
    struct cache_folder *folder;
    struct cache cache;
    struct database *db; /* the cache's */
};
int cache_fixture_setup(void **state); /* *state becomes a struct cache_fixture * */
int cache_fixture_teardown(void **state);

/* The same with a transaction begun and the gate open. */
int cache_apply_setup(void **state);

void run_sql(struct database *db, const char *text);
void assert_sql_refused(struct database *db, const char *text, const char *part);
int64_t number_of(struct database *db, const char *query);

/* The first column of the query's only row; "(none)" without a row. */
void assert_text_of(struct database *db, const char *query, const char *expected);

/* Prepared and not released. */
int open_statement_count(struct database *db);

/* Files, sockets and folders that this process has open. */
int open_descriptor_count(void);

#endif
