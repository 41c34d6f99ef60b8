#include "daemon/primary/array_text.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

static void assert_array_is(const char *const *items, size_t count, const char *expected)
{
    OWNED(buffer_release) struct buffer text = {0};

    array_text_append(&text, items, count);
    assert_false(text.failed);
    assert_string_equal(text.data, expected);
}

#define ITEMS(...) ((const char *const[]){__VA_ARGS__})

static void no_items_are_an_empty_array(void **state)
{
    (void)state;
    assert_array_is(NULL, 0, "{}");
}

static void every_item_is_quoted(void **state)
{
    (void)state;
    assert_array_is(ITEMS("a", "", "NULL", " b ", "{}", "1,2"), 6,
                    "{\"a\",\"\",\"NULL\",\" b \",\"{}\",\"1,2\"}");
}

static void quotes_and_backslashes_are_escaped(void **state)
{
    (void)state;
    assert_array_is(ITEMS("say \"hi\"", "\\x00", "\\\"", "it's\n🎉"), 4,
                    "{\"say \\\"hi\\\"\",\"\\\\x00\",\"\\\\\\\"\",\"it's\n🎉\"}");
}

static void a_missing_item_is_null(void **state)
{
    (void)state;
    assert_array_is(ITEMS(NULL, "a", NULL), 3, "{NULL,\"a\",NULL}");
}

static void it_appends(void **state)
{
    OWNED(buffer_release) struct buffer text = {0};

    (void)state;
    buffer_append_text(&text, "before ");
    array_text_append(&text, ITEMS("a"), 1);
    assert_string_equal(text.data, "before {\"a\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_items_are_an_empty_array),
        cmocka_unit_test(every_item_is_quoted),
        cmocka_unit_test(quotes_and_backslashes_are_escaped),
        cmocka_unit_test(a_missing_item_is_null),
        cmocka_unit_test(it_appends),
    };

    return cmocka_run_group_tests_name("array_text", tests, NULL, NULL);
}
