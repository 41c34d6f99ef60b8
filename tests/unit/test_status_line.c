#include "daemon/status_line.h"

#include "lib/base/clock.h"

#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int use_utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

static const char *line_of(const char *document_text)
{
    static char line[STATUS_LINE_SIZE];
    json_t *document = json_loads(document_text, 0, NULL);

    assert_non_null(document);
    status_line_write(document, line);
    json_decref(document);
    return line;
}

static void live_says_how_fresh(void **state)
{
    (void)state;
    assert_string_equal(
        line_of("{\"state\": \"live\", \"reason\": null, \"progress\": null,"
                " \"mark\": \"2001-02-03T04:05:06.789000Z\","
                " \"tables\": [{\"state\": \"live\"}, {\"state\": \"live\"}]}"),
        "live: 2 tables, complete up to 2001-02-03 04:05:06");
}

static void moment_of_today_has_no_date(void **state)
{
    char now[CLOCK_TEXT_SIZE];
    char document[128];
    char expected[64];

    (void)state;
    clock_format_utc(clock_now_us(), now);
    snprintf(document, sizeof document, "{\"state\": \"live\", \"mark\": \"%s\"}", now);
    snprintf(expected, sizeof expected, "live: 0 tables, complete up to %.8s", now + 11);
    assert_string_equal(line_of(document), expected);
}

static void what_waits_is_counted(void **state)
{
    (void)state;
    assert_string_equal(line_of("{\"state\": \"offline\", \"reason\": {\"text\": \"no "
                                "route\"}, \"pending\": {\"count\": 1400},"
                                " \"rejected\": {\"count\": 1}}"),
                        "offline: no route, 1 400 pending, 1 rejected");
}

static void failed_tables_are_counted(void **state)
{
    (void)state;
    assert_string_equal(line_of("{\"state\": \"live\", \"mark\": null,"
                                " \"tables\": [{\"state\": \"failed\"}]}"),
                        "live: 1 table, 1 of them failed");
}

static void first_sync_shows_share_rate_and_rest(void **state)
{
    (void)state;
    assert_string_equal(
        line_of("{\"state\": \"first sync\", \"progress\": {\"table\": \"orders\","
                " \"rows\": 1120000, \"rows_expected\": 2070000,"
                " \"rows_per_s\": 38400, \"eta_s\": 160}}"),
        "first sync: orders 54 %, 38 400 rows/s, 2 min 40 s left");
}

static void first_sync_without_estimate_shows_rows(void **state)
{
    (void)state;
    assert_string_equal(
        line_of("{\"state\": \"first sync\", \"progress\": {\"table\": \"orders\","
                " \"rows\": 1120000, \"rows_expected\": 0, \"eta_s\": null}}"),
        "first sync: orders 1 120 000 rows");
}

static void offline_says_why_and_when_again(void **state)
{
    (void)state;
    assert_string_equal(
        line_of("{\"state\": \"offline\", \"next_try\": \"2001-02-03T04:05:06.000000Z\","
                " \"reason\": {\"text\": \"connection refused\"}}"),
        "offline: connection refused, next try at 2001-02-03 04:05:06");
}

static void text_cannot_start_a_new_line(void **state)
{
    (void)state;
    assert_string_equal(line_of("{\"state\": \"blocked\","
                                " \"reason\": {\"text\": \"one\\nREADY=1\"}}"),
                        "blocked: one READY=1");
}

static void long_text_is_cut(void **state)
{
    char document[1024] = "{\"state\": \"blocked\", \"reason\": {\"text\": \"";
    size_t start = strlen(document);

    (void)state;
    memset(document + start, 'x', 600);
    strcpy(document + start + 600, "\"}}");
    assert_int_equal(strlen(line_of(document)), STATUS_LINE_SIZE - 1);
}

static void long_text_is_cut_between_characters(void **state)
{
    char document[1024] = "{\"state\": \"blocked\", \"reason\": {\"text\": \"x";
    size_t start = strlen(document);
    const char *line;

    (void)state;
    for (int i = 0; i < 200; i++)
        memcpy(document + start + 2 * i, "\xc3\xa9", 2);
    strcpy(document + start + 400, "\"}}");
    line = line_of(document);
    assert_int_equal(strlen(line),
                     STATUS_LINE_SIZE - 1 - (STATUS_LINE_SIZE - 1 - 10) % 2);
    assert_string_equal(line + strlen(line) - 2, "\xc3\xa9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_says_how_fresh),
        cmocka_unit_test(moment_of_today_has_no_date),
        cmocka_unit_test(what_waits_is_counted),
        cmocka_unit_test(failed_tables_are_counted),
        cmocka_unit_test(first_sync_shows_share_rate_and_rest),
        cmocka_unit_test(first_sync_without_estimate_shows_rows),
        cmocka_unit_test(offline_says_why_and_when_again),
        cmocka_unit_test(text_cannot_start_a_new_line),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(long_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests_name("status_line", tests, use_utc, NULL);
}
