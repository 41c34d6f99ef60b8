#include "lib/base/histogram.h"

#include "tests/support/cmocka_all.h"

static void an_empty_one_says_nothing(void **state)
{
    const struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_percentile_us(&histogram, 50), 0);
    assert_int_equal(histogram_percentile_us(&histogram, 99), 0);
}

static void a_time_falls_into_the_first_bucket_that_holds_it(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_record(&histogram, 0);
    histogram_record(&histogram, 10);
    histogram_record(&histogram, 11);
    histogram_record(&histogram, 3600 * INT64_C(1000000));
    assert_int_equal(histogram.counts[0], 2);
    assert_int_equal(histogram.counts[1], 1);
    assert_int_equal(histogram.counts[HISTOGRAM_BUCKETS - 1], 1);
    assert_int_equal(histogram.count, 4);
}

static void percentiles_are_the_bounds_of_buckets(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    for (int i = 0; i < 98; i++)
        histogram_record(&histogram, 150);
    histogram_record(&histogram, 4000);
    histogram_record(&histogram, 7000);
    assert_int_equal(histogram_percentile_us(&histogram, 50), 200);
    assert_int_equal(histogram_percentile_us(&histogram, 98), 200);
    assert_int_equal(histogram_percentile_us(&histogram, 99), 5000);
    assert_int_equal(histogram_percentile_us(&histogram, 100), 7000);
    assert_int_equal(histogram.max_us, 7000);
}

static void no_percentile_is_longer_than_the_longest(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_record(&histogram, 1234);
    assert_int_equal(histogram_percentile_us(&histogram, 50), 1234);
}

static void bounds_rise(void **state)
{
    (void)state;
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
        assert_true(histogram_bound_us(i) > histogram_bound_us(i - 1));
    assert_true(histogram_bound_us(HISTOGRAM_BUCKETS - 1) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_says_nothing),
        cmocka_unit_test(a_time_falls_into_the_first_bucket_that_holds_it),
        cmocka_unit_test(percentiles_are_the_bounds_of_buckets),
        cmocka_unit_test(no_percentile_is_longer_than_the_longest),
        cmocka_unit_test(bounds_rise),
    };

    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
