#include "daemon/loop/backoff.h"

#include "tests/support/cmocka_all.h"

static void first_wait_is_between_half_the_base_and_the_base(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct backoff backoff;
        int64_t wait_us;

        backoff_init(&backoff, seed);
        wait_us = backoff_next_us(&backoff);
        assert_in_range(wait_us, BACKOFF_BASE_US / 2, BACKOFF_BASE_US);
    }
}

static void steps_double_until_the_cap(void **state)
{
    struct backoff backoff;
    int64_t step_us = BACKOFF_BASE_US;

    (void)state;
    backoff_init(&backoff, 7);
    for (int attempt = 0; attempt < 200; attempt++) {
        assert_in_range(backoff_next_us(&backoff), step_us / 2, step_us);
        step_us = step_us * 2 < BACKOFF_CAP_US ? step_us * 2 : BACKOFF_CAP_US;
    }
}

static void waits_differ_between_devices(void **state)
{
    struct backoff one;
    struct backoff other;
    int same = 0;

    (void)state;
    backoff_init(&one, 1);
    backoff_init(&other, 2);
    for (int attempt = 0; attempt < 100; attempt++)
        same += backoff_next_us(&one) == backoff_next_us(&other);
    assert_in_range(same, 0, 2);
}

static void reset_makes_the_next_wait_short_again(void **state)
{
    struct backoff backoff;

    (void)state;
    backoff_init(&backoff, 3);
    for (int attempt = 0; attempt < 20; attempt++)
        (void)backoff_next_us(&backoff);
    backoff_reset(&backoff);
    assert_in_range(backoff_next_us(&backoff), BACKOFF_BASE_US / 2, BACKOFF_BASE_US);
}

static void huge_limits_do_not_overflow(void **state)
{
    struct backoff backoff;

    (void)state;
    backoff_init(&backoff, 4);
    backoff.cap_us = INT64_MAX;
    for (int attempt = 0; attempt < 100; attempt++)
        assert_true(backoff_next_us(&backoff) >= BACKOFF_BASE_US / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_wait_is_between_half_the_base_and_the_base),
        cmocka_unit_test(steps_double_until_the_cap),
        cmocka_unit_test(waits_differ_between_devices),
        cmocka_unit_test(reset_makes_the_next_wait_short_again),
        cmocka_unit_test(huge_limits_do_not_overflow),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
