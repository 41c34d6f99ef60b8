#include "lib/base/array.h"

#include "tests/support/cmocka_all.h"
#include "tests/support/failing_memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#define MANY 1000

/* The room that there must be for one more is written to: the sanitizers see it, and so
 * does malloc_usable_size(). */
static void add(int64_t **numbers, size_t *count)
{
    struct error err;

    assert_int_equal(array_room(numbers, *count, &err), OK);
    assert_true(malloc_usable_size(*numbers) >= (*count + 1) * sizeof(**numbers));
    (*numbers)[*count] = (int64_t)*count;
    ++*count;
}

static void check(const int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], (int64_t)i);
}

static void what_was_added_stays_when_it_grows(void **state)
{
    int64_t *numbers = NULL;
    size_t count = 0;

    (void)state;
    while (count < MANY)
        add(&numbers, &count);
    check(numbers, MANY);
    free(numbers);
}

static void there_is_room_again_after_any_number_was_taken_away(void **state)
{
    (void)state;
    for (size_t left = 0; left <= 70; left++) {
        int64_t *numbers = NULL;
        size_t count = 0;

        while (count < 70)
            add(&numbers, &count);
        count = left;
        while (count < 150)
            add(&numbers, &count);
        count = left / 2;
        while (count < 40)
            add(&numbers, &count);
        check(numbers, count);
        free(numbers);
    }
}

static void it_moves_seldom(void **state)
{
    int64_t *numbers = NULL;
    size_t moves = 0;
    size_t count = 0;

    (void)state;
    while (count < MANY) {
        uintptr_t before = (uintptr_t)numbers;

        add(&numbers, &count);
        moves += (uintptr_t)numbers != before;
    }
    assert_in_range(moves, 1, 10);
    free(numbers);
}

static void nothing_changes_when_memory_runs_out(void **state)
{
    int64_t *numbers = NULL;
    int64_t *before;
    size_t count = 0;
    struct error err;
    enum outcome outcome;

    (void)state;
    while (count < 64)
        add(&numbers, &count);
    before = numbers;
    failing_memory_start(MEMORY_FAILS_ONCE, 0);
    outcome = array_room(&numbers, count, &err);
    assert_true(failing_memory_end());
    assert_int_equal(outcome, FAILED);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_ptr_equal(numbers, before);
    check(numbers, count);
    add(&numbers, &count);
    free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_stays_when_it_grows),
        cmocka_unit_test(there_is_room_again_after_any_number_was_taken_away),
        cmocka_unit_test(it_moves_seldom),
        cmocka_unit_test(nothing_changes_when_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
