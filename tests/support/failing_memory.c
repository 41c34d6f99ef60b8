#include "tests/support/failing_memory.h"

#include "tests/support/cmocka_all.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>

/* Weak: they are there only where the linker wraps. */
void *__real_malloc(size_t size) __attribute__((weak));
void *__real_calloc(size_t count, size_t size) __attribute__((weak));
void *__real_realloc(void *old, size_t size) __attribute__((weak));
void *__real_reallocarray(void *old, size_t count, size_t size) __attribute__((weak));
char *__real_strdup(const char *text) __attribute__((weak));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);

/* Of the thread that is tested, not of the daemon's. */
static _Thread_local enum memory_shortage shortage;
static _Thread_local long allocations_left;
static sqlite3_mem_methods sqlite_memory;

static bool fails(void)
{
    if (shortage == MEMORY_IS_ENOUGH)
        return false;
    if (allocations_left > 0) {
        allocations_left--;
        return false;
    }
    if (shortage == MEMORY_FAILS_ONCE && allocations_left < 0)
        return false;
    allocations_left = -1;
    return true;
}

void failing_memory_start(enum memory_shortage kind, long number)
{
    allocations_left = number;
    shortage = kind;
}

bool failing_memory_has_failed(void)
{
    return allocations_left < 0;
}

bool failing_memory_end(void)
{
    shortage = MEMORY_IS_ENOUGH;
    return failing_memory_has_failed();
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* Shifted: memory of jansson's that is freed as ours crashes. */
#define SHIFT 32

static void *json_allocate(size_t size)
{
    char *memory = fails() ? NULL : __real_malloc(size + SHIFT);

    return memory ? memory + SHIFT : NULL;
}

static void json_release(void *memory)
{
    if (memory)
        free((char *)memory - SHIFT);
}

static void *sqlite_allocate(int size)
{
    return fails() ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_grow(void *old, int size)
{
    return fails() ? NULL : sqlite_memory.xRealloc(old, size);
}

/* Lookaside would serve small ones without asking. */
void failing_memory_install(void)
{
    sqlite3_mem_methods failing;

    json_set_alloc_funcs(json_allocate, json_release);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
    failing = sqlite_memory;
    failing.xMalloc = sqlite_allocate;
    failing.xRealloc = sqlite_grow;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}
