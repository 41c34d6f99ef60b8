#include "lib/model/value.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static void assert_spelled_as(struct value value, const char *expected)
{
    OWNED(buffer_release) struct buffer text = {0};

    value_append_text(&text, &value);
    buffer_append(&text, "", 0);
    assert_string_equal(text.data, expected);
}

static struct value real(double number)
{
    return (struct value){.type = VALUE_REAL, .real = number};
}

static void null_appends_nothing(void **state)
{
    (void)state;
    assert_spelled_as((struct value){0}, "");
}

static void integers_are_decimal(void **state)
{
    (void)state;
    assert_spelled_as((struct value){.type = VALUE_INTEGER, .integer = INT64_MIN},
                      "-9223372036854775808");
    assert_spelled_as((struct value){.type = VALUE_INTEGER, .integer = 42}, "42");
}

static void doubles_read_back_bit_for_bit(void **state)
{
    static const double numbers[] = {0.1, -0.0, 1e300, DBL_MAX, DBL_TRUE_MIN, 1.0 / 3};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        OWNED(buffer_release) struct buffer text = {0};
        const struct value value = real(numbers[i]);
        double again;

        value_append_text(&text, &value);
        again = strtod(text.data, NULL);
        assert_memory_equal(&again, &numbers[i], sizeof(again));
    }
}

static void what_is_no_number_is_spelled_as_the_primary_does(void **state)
{
    (void)state;
    assert_spelled_as(real(INFINITY), "Infinity");
    assert_spelled_as(real(-INFINITY), "-Infinity");
    assert_spelled_as(real(NAN), "NaN");
}

static void text_is_copied_up_to_its_size(void **state)
{
    (void)state;
    assert_spelled_as((struct value){.type = VALUE_TEXT, .bytes = "it's", .size = 2},
                      "it");
}

static void blobs_are_hexadecimal(void **state)
{
    (void)state;
    assert_spelled_as(
        (struct value){.type = VALUE_BLOB, .bytes = "\0\xff\x0a", .size = 3},
        "\\x00ff0a");
    assert_spelled_as((struct value){.type = VALUE_BLOB, .bytes = "", .size = 0}, "\\x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_appends_nothing),
        cmocka_unit_test(integers_are_decimal),
        cmocka_unit_test(doubles_read_back_bit_for_bit),
        cmocka_unit_test(what_is_no_number_is_spelled_as_the_primary_does),
        cmocka_unit_test(text_is_copied_up_to_its_size),
        cmocka_unit_test(blobs_are_hexadecimal),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
