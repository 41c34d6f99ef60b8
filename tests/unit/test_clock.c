#include "lib/base/clock.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

#define YEAR_0000_US (-62167219200LL * US_PER_SECOND)
#define YEAR_10000_US (253402300800LL * US_PER_SECOND)

static void assert_formats_as(int64_t time_us, const char *expected)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(time_us, text);
    assert_string_equal(text, expected);
}

static void the_epoch_is_1970(void **state)
{
    (void)state;
    assert_formats_as(0, "1970-01-01T00:00:00.000000Z");
}

static void microseconds_keep_their_leading_zeros(void **state)
{
    (void)state;
    assert_formats_as(1709210096000042, "2024-02-29T12:34:56.000042Z");
}

static void times_before_the_epoch_count_forward_within_their_second(void **state)
{
    (void)state;
    assert_formats_as(-1, "1969-12-31T23:59:59.999999Z");
    assert_formats_as(-US_PER_SECOND, "1969-12-31T23:59:59.000000Z");
    assert_formats_as(-US_PER_SECOND - 1, "1969-12-31T23:59:58.999999Z");
}

static void years_0_to_9999_are_27_characters(void **state)
{
    (void)state;
    assert_formats_as(YEAR_0000_US, "0000-01-01T00:00:00.000000Z");
    assert_formats_as(YEAR_10000_US - 1, "9999-12-31T23:59:59.999999Z");
}

static void any_time_fits_and_is_terminated(void **state)
{
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    clock_format_utc(INT64_MAX, text);
    assert_true(strlen(text) < sizeof(text));
    clock_format_utc(INT64_MIN, text);
    assert_true(strlen(text) < sizeof(text));
}

static void the_wall_clock_is_in_this_century(void **state)
{
    (void)state;
    assert_true(clock_now_us() > 1735689600 * US_PER_SECOND);
    assert_true(clock_now_us() < 4102444800 * US_PER_SECOND);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    int64_t before_us = clock_monotonic_us();

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t now_us = clock_monotonic_us();

        assert_true(now_us >= before_us);
        before_us = now_us;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_epoch_is_1970),
        cmocka_unit_test(microseconds_keep_their_leading_zeros),
        cmocka_unit_test(times_before_the_epoch_count_forward_within_their_second),
        cmocka_unit_test(years_0_to_9999_are_27_characters),
        cmocka_unit_test(any_time_fits_and_is_terminated),
        cmocka_unit_test(the_wall_clock_is_in_this_century),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
