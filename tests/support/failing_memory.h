/*
 * Failing memory: allocations that fail, ours, jansson's and SQLite's, counted together.
 *
 * Ours only in a program that is linked with WRAP (see the Makefile): the linker puts the
 * functions in here in the place of malloc() and its like. Counts and fails in the thread
 * that has started it, not in others.
 */
#ifndef TESTS_SUPPORT_FAILING_MEMORY_H
#define TESTS_SUPPORT_FAILING_MEMORY_H

#include <stdbool.h>

enum memory_shortage {
    MEMORY_IS_ENOUGH,
    MEMORY_FAILS_ONCE,
    MEMORY_IS_GONE, /* from then on */
};

/* Once in main(), before jansson and SQLite are used. */
void failing_memory_install(void);

/* From now on; `number` allocations succeed before. */
void failing_memory_start(enum memory_shortage kind, long number);

/* Has one failed since? */
bool failing_memory_has_failed(void);

/* Memory is enough again. Whether an allocation has failed. */
bool failing_memory_end(void);

#endif
