#include "daemon/cli/human_text.h"

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <time.h>

static void counts_are_grouped_by_thousands(void **state)
{
    (void)state;
    assert_string_equal(human_count(0).text, "0");
    assert_string_equal(human_count(880).text, "880");
    assert_string_equal(human_count(41231).text, "41 231");
    assert_string_equal(human_count(1120000).text, "1 120 000");
    assert_string_equal(human_count(-1000).text, "-1 000");
}

static void durations_have_two_units_at_most(void **state)
{
    (void)state;
    assert_string_equal(human_duration(0).text, "0 s");
    assert_string_equal(human_duration(0.036).text, "36 ms");
    assert_string_equal(human_duration(0.41).text, "0.4 s");
    assert_string_equal(human_duration(1).text, "1 s");
    assert_string_equal(human_duration(2.1).text, "2.1 s");
    assert_string_equal(human_duration(9.96).text, "10 s");
    assert_string_equal(human_duration(59).text, "59 s");
    assert_string_equal(human_duration(90).text, "1 min 30 s");
    assert_string_equal(human_duration(120).text, "2 min");
    assert_string_equal(human_duration(26 * 60 + 5).text, "26 min");
    assert_string_equal(human_duration(3600).text, "1 h");
    assert_string_equal(human_duration(12480).text, "3 h 28 min");
    assert_string_equal(human_duration(2 * 86400 + 4 * 3600).text, "2 d 4 h");
}

static void a_stopwatch_counts_minutes(void **state)
{
    (void)state;
    assert_string_equal(human_stopwatch(5).text, "0:05");
    assert_string_equal(human_stopwatch(72).text, "1:12");
    assert_string_equal(human_stopwatch(7300).text, "2:01:40");
}

static void sizes_are_binary(void **state)
{
    (void)state;
    assert_string_equal(human_size(0).text, "0 B");
    assert_string_equal(human_size(999).text, "999 B");
    assert_string_equal(human_size(1024).text, "1.0 KiB");
    assert_string_equal(human_size(126877696).text, "121 MiB");
    assert_string_equal(human_size(41LL << 30).text, "41 GiB");
}

static void moments_are_told_by_their_distance(void **state)
{
    int64_t now_us;
    int64_t then_us;

    (void)state;
    assert_true(human_parse_utc("2026-11-22T12:40:31.000000Z", &now_us));
    assert_string_equal(human_moment(now_us, now_us).text, "12:40:31 today");
    then_us = now_us - 86400 * US_PER_SECOND;
    assert_string_equal(human_moment(then_us, now_us).text, "12:40:31 yesterday");
    then_us = now_us - 10LL * 86400 * US_PER_SECOND;
    assert_string_equal(human_moment(then_us, now_us).text, "12:40 12 Nov");
    then_us = now_us - 365LL * 86400 * US_PER_SECOND;
    assert_string_equal(human_moment(then_us, now_us).text, "12:40 22 Nov 2025");
}

static void times_of_documents_are_read(void **state)
{
    int64_t time_us;

    (void)state;
    assert_true(human_parse_utc("1970-01-01T00:00:01.000250Z", &time_us));
    assert_int_equal(time_us, 1000250);
    assert_true(human_parse_utc("1970-01-01T00:00:01Z", &time_us));
    assert_false(human_parse_utc("1970-01-01 00:00:01", &time_us));
    assert_false(human_parse_utc(NULL, &time_us));
    assert_false(human_parse_utc("", &time_us));
}

static void assert_fits(const char *text, size_t columns, bool unicode, const char *shown)
{
    char out[128];

    human_fit(text, columns, unicode, out, sizeof(out));
    assert_string_equal(out, shown);
    assert_true(human_width(out) <= columns);
}

static void long_names_are_cut_in_the_middle(void **state)
{
    (void)state;
    assert_fits("orders", 6, false, "orders");
    assert_fits("order_lines", 8, false, "ord..nes");
    assert_fits("order_lines", 8, true, "orde…nes");
    assert_fits("größenänderungen", 8, true, "größ…gen");
}

static void nothing_steers_the_terminal(void **state)
{
    (void)state;
    assert_fits("a\033[31mb\n\xc2\x9b", 20, true, "a?[31mb??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(durations_have_two_units_at_most),
        cmocka_unit_test(a_stopwatch_counts_minutes),
        cmocka_unit_test(sizes_are_binary),
        cmocka_unit_test(moments_are_told_by_their_distance),
        cmocka_unit_test(times_of_documents_are_read),
        cmocka_unit_test(long_names_are_cut_in_the_middle),
        cmocka_unit_test(nothing_steers_the_terminal),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests_name("human_text", tests, NULL, NULL);
}
