#include "lib/model/json_text.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static void assert_reads(const char *json, const char *expected, size_t size)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct json_text_reader reader = {json, json + strlen(json)};

    if (!json_text_read(&reader, &text))
        fail_msg("not read: %s", json);
    assert_true(json_text_is_at_end(&reader));
    assert_int_equal(text.length, size);
    assert_memory_equal(text.data ? text.data : "", expected, size);
}

static void every_byte_comes_back(void **state)
{
    OWNED(buffer_release) struct buffer json = {0};
    char every_byte[256];

    (void)state;
    for (int i = 0; i < 256; i++)
        every_byte[i] = (char)i;
    json_text_append(&json, every_byte, sizeof(every_byte));
    assert_non_null(strstr(json.data, "\"\\u0000\\u0001"));
    assert_reads(json.data, every_byte, sizeof(every_byte));
}

static void escapes_of_other_writers_are_read(void **state)
{
    (void)state;
    assert_reads("\"\\b\\f\\n\\r\\t\\/\\\"\\\\\"", "\b\f\n\r\t/\"\\", 8);
    assert_reads(" \"\\u00e9\\u20AC\\ud83c\\udf89\" ", "é€🎉", 9);
    assert_reads("\"\\ud83cx\"", "\xed\xa0\xbcx", 4);
    assert_reads("\"\"", "", 0);
}

static void what_is_no_string_is_not_read(void **state)
{
    static const char *const malformed[] = {
        "",     "\"",      "\"a",       "a\"",         "1",  "null",
        "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "[]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        OWNED(buffer_release) struct buffer text = {0};
        struct json_text_reader reader = {malformed[i],
                                          malformed[i] + strlen(malformed[i])};

        if (json_text_read(&reader, &text))
            fail_msg("taken for a string: %s", malformed[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(escapes_of_other_writers_are_read),
        cmocka_unit_test(what_is_no_string_is_not_read),
    };

    return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
