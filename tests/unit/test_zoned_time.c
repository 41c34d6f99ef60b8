#include "lib/repository/zoned_time.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static void assert_time(const char *given, const char *expected)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct error err = {0};

    if (zoned_time_append(&text, given, &err) == FAILED)
        fail_msg("%s: %s", given, err.message);
    assert_string_equal(text.data, expected);
}

static void assert_no_time(const char *given, const char *why)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct error err = {0};

    if (zoned_time_append(&text, given, &err) != FAILED)
        fail_msg("%s became %s", given, text.data);
    if (!strstr(err.message, why))
        fail_msg("%s, not %s", err.message, why);
}

static void times_become_utc(void **state)
{
    (void)state;
    assert_time("2026-11-22T12:40:31.000000Z", "2026-11-22T12:40:31.000000Z");
    assert_time("2026-11-22 13:40+01", "2026-11-22T12:40:00.000000Z");
    assert_time("2026-11-22t00:10:00.5-0530", "2026-11-22T05:40:00.500000Z");
    assert_time("2024-03-01T00:00:00+00:00:01", "2024-02-29T23:59:59.000000Z");
    assert_time("2023-12-31T24:00:00z", "2024-01-01T00:00:00.000000Z");
    assert_time("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
    assert_time("2026-11-22T12:40:31.1234565Z", "2026-11-22T12:40:31.123457Z");
    assert_time("2026-12-31T23:59:59.9999999Z", "2027-01-01T00:00:00.000000Z");
    assert_time("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
    assert_time("2000-02-29T12:00:60Z", "2000-02-29T12:01:00.000000Z");
}

static void what_has_no_such_spelling_stays(void **state)
{
    (void)state;
    assert_time("infinity", "infinity");
    assert_time("-infinity", "-infinity");
    assert_time("0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00+00 BC");
    assert_time("12026-11-22 12:40:31+00", "12026-11-22 12:40:31+00");
}

static void a_time_without_a_zone_is_refused(void **state)
{
    (void)state;
    assert_no_time("2026-11-22T12:40:31", "has no time zone");
    assert_no_time("2026-11-22 12:40", "has no time zone");
    assert_no_time("0044-03-15 12:00:00 BC", "is not a time");
    assert_no_time("12026-11-22 12:40:31", "is not a time");
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "now",
        "2026-11-22",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T12:60:00Z",
        "2026-11-22T12:40:31.Z",
        "2026-11-22T12:40:31+1",
        "2026-11-22T12:40:31+16:00",
        "2026-11-22T12:40:31Z+",
        "2026-11-22T12:40:31+01:00 Europe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_no_time(wrong[i], "is not a time");
    assert_no_time("9999-12-31T23:59:59-01:00", "out of range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_become_utc),
        cmocka_unit_test(what_has_no_such_spelling_stays),
        cmocka_unit_test(a_time_without_a_zone_is_refused),
        cmocka_unit_test(what_is_no_time_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
