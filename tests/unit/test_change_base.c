#include "lib/model/change_base.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static struct change_base base_of(const char *json)
{
    struct change_base base;
    struct error err = {0};

    if (change_base_parse(&base, json, json ? strlen(json) : 0, &err) == FAILED)
        fail_msg("%s", err.message);
    return base;
}

static void assert_json_is(const struct change_base *base, const char *expected)
{
    OWNED(buffer_release) struct buffer json = {0};

    change_base_append_json(&json, base);
    assert_string_equal(json.data, expected);
}

static void columns_are_found_by_name(void **state)
{
    OWNED(change_base_release)
    struct change_base base = base_of(" {\"a\" : \"1\", \"it\\\"s\":\"'x'\"} ");

    (void)state;
    assert_int_equal(base.count, 2);
    assert_string_equal(change_base_find(&base, "a")->quoted, "1");
    assert_int_equal(change_base_find(&base, "it\"s")->quoted_size, 3);
    assert_null(change_base_find(&base, "A"));
    assert_json_is(&base, "{\"a\":\"1\",\"it\\\"s\":\"'x'\"}");
}

static void text_that_is_no_utf8_comes_back(void **state)
{
    OWNED(change_base_release)
    struct change_base base = base_of("{\"a\":\"'\xff\xfe'\"}");

    (void)state;
    assert_memory_equal(change_base_find(&base, "a")->quoted, "'\xff\xfe'", 5);
    assert_json_is(&base, "{\"a\":\"'\xff\xfe'\"}");
}

static void nothing_is_an_empty_base(void **state)
{
    struct change_base none = base_of(NULL);
    struct change_base empty = base_of("{}");

    (void)state;
    assert_int_equal(none.count + empty.count, 0);
    assert_json_is(&empty, "{}");
}

static void the_first_base_of_a_column_wins(void **state)
{
    OWNED(change_base_release) struct change_base base = base_of("{\"a\":\"1\"}");
    OWNED(change_base_release)
    struct change_base later =
        base_of("{\"b\":\"3\",\"a\":\"2\",\"c\":\"4\",\"b\":\"5\"}");
    struct error err = {0};

    (void)state;
    assert_int_equal(change_base_merge(&base, &later, &err), OK);
    assert_json_is(&base, "{\"a\":\"1\",\"b\":\"3\",\"c\":\"4\"}");
}

static void a_removed_column_is_gone_and_can_come_back(void **state)
{
    OWNED(change_base_release)
    struct change_base base = base_of("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}");
    OWNED(change_base_release)
    struct change_base later = base_of("{\"a\":\"4\",\"d\":\"5\"}");
    struct error err = {0};

    (void)state;
    change_base_remove(&base, "a");
    change_base_remove(&base, "nowhere");
    assert_json_is(&base, "{\"b\":\"2\",\"c\":\"3\"}");
    assert_int_equal(change_base_merge(&base, &later, &err), OK);
    assert_json_is(&base, "{\"b\":\"2\",\"c\":\"3\",\"a\":\"4\",\"d\":\"5\"}");
}

static void what_is_no_object_of_strings_is_corrupt(void **state)
{
    static const char *const malformed[] = {
        "",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":1}",
        "{\"a\":null}",
        "{\"a\":\"1\",}",
        "{\"a\":\"1\"} x",
        "{\"a\":\"1\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct change_base base;
        struct error err = {0};

        if (change_base_parse(&base, malformed[i], strlen(malformed[i]), &err) != FAILED)
            fail_msg("taken for a base: %s", malformed[i]);
        assert_int_equal(err.kind, ERROR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(text_that_is_no_utf8_comes_back),
        cmocka_unit_test(nothing_is_an_empty_base),
        cmocka_unit_test(the_first_base_of_a_column_wins),
        cmocka_unit_test(a_removed_column_is_gone_and_can_come_back),
        cmocka_unit_test(what_is_no_object_of_strings_is_corrupt),
    };

    return cmocka_run_group_tests_name("change_base", tests, NULL, NULL);
}
