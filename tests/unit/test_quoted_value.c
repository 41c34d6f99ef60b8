#include "lib/model/quoted_value.h"

#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/pending_change.h"
#include "lib/store/value_binding.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <math.h>
#include <string.h>

static void parse(const char *quoted, size_t size, struct buffer *bytes,
                  struct value *out_value)
{
    struct error err = {0};

    if (quoted_value_parse(quoted, size, bytes, out_value, &err) == FAILED)
        fail_msg("%s", err.message);
}

/* What quote() says of a value is read back as that value. */
static void assert_sqlite_is_understood(struct statement *quote,
                                        const struct value *value)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value back = {0};
    struct error err = {0};

    value_bind(quote, 1, value);
    assert_int_equal(statement_step(quote, &err), OK);
    parse(statement_column_text(quote, 0), statement_column_size(quote, 0), &bytes,
          &back);
    if (!value_is_identical(&back, value))
        fail_msg("misread: %s", statement_column_text(quote, 0));
    statement_reset(quote);
}

static const struct value samples[] = {
    {.type = VALUE_NULL},
    {.type = VALUE_INTEGER, .integer = 0},
    {.type = VALUE_INTEGER, .integer = INT64_MIN},
    {.type = VALUE_INTEGER, .integer = INT64_MAX},
    {.type = VALUE_REAL, .real = 0.0},
    {.type = VALUE_REAL, .real = 1.0},
    {.type = VALUE_REAL, .real = 1e20},
    {.type = VALUE_REAL, .real = 0.1},
    {.type = VALUE_REAL, .real = -1.7976931348623157e308},
    {.type = VALUE_REAL, .real = INFINITY},
    {.type = VALUE_REAL, .real = -INFINITY},
    {.type = VALUE_TEXT, .bytes = "", .size = 0},
    {.type = VALUE_TEXT, .bytes = "'", .size = 1},
    {.type = VALUE_TEXT, .bytes = "it''s 'x'", .size = 9},
    {.type = VALUE_TEXT, .bytes = "NULL", .size = 4},
    {.type = VALUE_TEXT, .bytes = "\xff\x80 é", .size = 5},
    {.type = VALUE_BLOB, .bytes = "", .size = 0},
    {.type = VALUE_BLOB, .bytes = "\x00'\xff", .size = 3},
};

static void every_kind_comes_back(void **state)
{
    OWNED(statement_release) struct statement quote = {0};
    struct error err = {0};

    assert_int_equal(
        statement_prepare_text(&quote, *state, "quote", "select quote(?)", &err), OK);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        assert_sqlite_is_understood(&quote, &samples[i]);
    }
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void doubles_come_back_bit_for_bit(void **state)
{
    OWNED(statement_release) struct statement quote = {0};
    uint64_t random = 88172645463325252;
    struct error err = {0};

    assert_int_equal(
        statement_prepare_text(&quote, *state, "quote", "select quote(?)", &err), OK);
    for (int i = 0; i < 20000; i++) {
        double real = (double)(next_random(&random) >> 11) / 9007199254740992.0;
        const struct value value = {.type = VALUE_REAL, .real = ldexp(real, i % 80 - 40)};

        assert_sqlite_is_understood(&quote, &value);
    }
}

static void a_negative_zero_keeps_its_sign(void **state)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value value = {0};

    (void)state;
    parse("-0.0", 4, &bytes, &value);
    assert_true(value.type == VALUE_REAL && value.real == 0 && signbit(value.real));
}

static void what_newer_versions_print_for_infinity_is_read(void **state)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value value = {0};

    (void)state;
    parse("9.0e+999", 8, &bytes, &value);
    assert_true(value.type == VALUE_REAL && isinf(value.real) && value.real > 0);
    parse("-9.0e+999", 9, &bytes, &value);
    assert_true(value.type == VALUE_REAL && isinf(value.real) && value.real < 0);
}

static void anything_else_is_corrupt(void **state)
{
    static const char *const malformed[] = {
        "",      "'",     "'a",   "a'", "'a'b'", "'''",    "X'0'", "X'0g'",
        "X''0'", "x'00'", "null", "1 ", "1;2",   "--1",    "0x10", "nan",
        "NaN",   "1e",    "'a' ", "-",  "1.2.3", "abs(1)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        OWNED(buffer_release) struct buffer bytes = {0};
        struct value value = {0};
        struct error err = {0};

        if (quoted_value_parse(malformed[i], strlen(malformed[i]), &bytes, &value,
                               &err) != FAILED)
            fail_msg("taken for a value: %s", malformed[i]);
        assert_int_equal(err.kind, ERROR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_comes_back, cache_in_memory_setup,
                                        cache_in_memory_teardown),
        cmocka_unit_test_setup_teardown(doubles_come_back_bit_for_bit,
                                        cache_in_memory_setup, cache_in_memory_teardown),
        cmocka_unit_test(a_negative_zero_keeps_its_sign),
        cmocka_unit_test(what_newer_versions_print_for_infinity_is_read),
        cmocka_unit_test(anything_else_is_corrupt),
    };

    return cmocka_run_group_tests_name("quoted_value", tests, NULL, NULL);
}
