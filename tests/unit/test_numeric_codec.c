#include "daemon/primary/numeric_codec.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/decoded.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct sample exact[] = {
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x00", "0"),
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x02", "0.00"),
    SAMPLE("\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", "1"),
    SAMPLE("\x00\x01\x00\x00\x40\x00\x00\x00\x00\x01", "-1"),
    SAMPLE("\x00\x02\x00\x00\x00\x00\x00\x02\x00\x2a\x13\x88", "42.50"),
    SAMPLE("\x00\x01\xff\xff\x00\x00\x00\x01\x03\xe8", "0.1"),
    SAMPLE("\x00\x01\xff\xff\x40\x00\x00\x04\x00\x64", "-0.0100"),
    SAMPLE("\x00\x01\xff\xfe\x00\x00\x00\x08\x04\xd2", "0.00001234"),
    SAMPLE("\x00\x01\x00\x00\x00\x00\x00\x00\x27\x0f", "9999"),
    SAMPLE("\x00\x01\x00\x01\x00\x00\x00\x00\x00\x01", "10000"),
    SAMPLE("\x00\x03\x00\x01\x00\x00\x00\x04\x00\x01\x00\x01\x00\x01", "10001.0001"),
    SAMPLE("\x00\x01\x00\x02\x00\x00\x00\x00\x00\x01", "100000000"),
    SAMPLE("\x00\x01\x00\x05\x00\x00\x00\x00\x00\x01", "100000000000000000000"),
    SAMPLE("\x00\x0b\x00\x07\x00\x00\x00\x09\x00\x0c\x0d\x80\x1e\xd2\x04\xd2\x16\x2e\x23"
           "\x34\x0d\x80\x1e\xd2\x04\xd2\x16\x2e\x23\x28",
           "123456789012345678901234567890.123456789"),
    SAMPLE("\x00\x03\x00\x01\x40\x00\x00\x04\x27\x0f\x27\x0f\x27\x0f", "-99999999.9999"),
    SAMPLE("\x00\x00\x00\x00\xc0\x00\x00\x00", "NaN"),
    SAMPLE("\x00\x00\x00\x00\xd0\x00\x00\x20", "Infinity"),
    SAMPLE("\x00\x00\x00\x00\xf0\x00\x00\x20", "-Infinity"),
};

static const struct sample whole[] = {
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x00", "0"),
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x02", "0.00"),
    SAMPLE("\x00\x01\x00\x00\x00\x00\x00\x02\x00\x2a", "42.00"),
    SAMPLE("\x00\x01\x00\x00\x40\x00\x00\x00\x00\x07", "-7"),
    SAMPLE("\x00\x04\x00\x03\x00\x00\x00\x00\x03\xe7\x27\x0f\x27\x0f\x27\x0f",
           "999999999999999"),
    SAMPLE("\x00\x01\x00\x03\x00\x00\x00\x00\x00\x01", "1000000000000"),
};

static const struct sample fractions[] = {
    SAMPLE("\x00\x03\x00\x01\x00\x00\x00\x02\x00\x7b\x11\xd7\x22\xc4", "1234567.89"),
    SAMPLE("\x00\x01\xff\xff\x40\x00\x00\x04\x00\x01", "-0.0001"),
    SAMPLE("\x00\x01\xff\xff\x00\x00\x00\x01\x03\xe8", "0.1"),
    SAMPLE("\x00\x05\x00\x03\x40\x00\x00\x01\x00\x63\x27\x0f\x27\x0f\x27\x0f\x23\x28",
           "-99999999999999.9"),
    SAMPLE("\x00\x04\xff\xff\x00\x00\x00\x0f\x27\x0f\x27\x0f\x27\x0f\x27\x06",
           "0.999999999999999"),
};

static const struct sample beyond_15_digits[] = {
    SAMPLE("\x00\x05\x00\x00\x00\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01",
           "1.0000000000000001"),
    SAMPLE("\x00\x01\x00\x05\x00\x00\x00\x00\x00\x01", "100000000000000000000"),
    SAMPLE("\x00\x00\x00\x00\xd0\x00\x00\x20", "Infinity"),
    SAMPLE("\x00\x00\x00\x00\xc0\x00\x00\x00", "NaN"),
};

static const struct sample nearest[] = {
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x00", "0"),
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x02", "0.00"),
    SAMPLE("\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", "1"),
    SAMPLE("\x00\x01\x00\x00\x40\x00\x00\x00\x00\x01", "-1"),
    SAMPLE("\x00\x02\x00\x00\x00\x00\x00\x02\x00\x2a\x13\x88", "42.50"),
    SAMPLE("\x00\x01\xff\xff\x00\x00\x00\x01\x03\xe8", "0.1"),
    SAMPLE("\x00\x01\xff\xff\x40\x00\x00\x04\x00\x64", "-0.0100"),
    SAMPLE("\x00\x01\xff\xfe\x00\x00\x00\x08\x04\xd2", "0.00001234"),
    SAMPLE("\x00\x01\x00\x00\x00\x00\x00\x00\x27\x0f", "9999"),
    SAMPLE("\x00\x01\x00\x01\x00\x00\x00\x00\x00\x01", "10000"),
    SAMPLE("\x00\x03\x00\x01\x00\x00\x00\x04\x00\x01\x00\x01\x00\x01", "10001.0001"),
    SAMPLE("\x00\x01\x00\x02\x00\x00\x00\x00\x00\x01", "100000000"),
    SAMPLE("\x00\x01\x00\x05\x00\x00\x00\x00\x00\x01", "100000000000000000000"),
    SAMPLE("\x00\x0b\x00\x07\x00\x00\x00\x09\x00\x0c\x0d\x80\x1e\xd2\x04\xd2\x16\x2e\x23"
           "\x34\x0d\x80\x1e\xd2\x04\xd2\x16\x2e\x23\x28",
           "123456789012345678901234567890.123456789"),
    SAMPLE("\x00\x03\x00\x01\x40\x00\x00\x04\x27\x0f\x27\x0f\x27\x0f", "-99999999.9999"),
    SAMPLE("\x00\x00\x00\x00\xd0\x00\x00\x20", "Infinity"),
    SAMPLE("\x00\x00\x00\x00\xf0\x00\x00\x20", "-Infinity"),
    /* 3 digits, 33 decimals: past the exact powers of ten */
    SAMPLE("\x00\x02\xff\xf8\x00\x00\x00\x21\x00\x0c\x0b\xb8",
           "0.000000000000000000000000000000123"),
};

static void exact_text_is_the_primary_s_own(void **state)
{
    (void)state;
    EACH(exact, assert_decodes_to_text, CODEC_NUMERIC);
}

static void a_short_numeric_without_fraction_is_an_integer(void **state)
{
    (void)state;
    EACH(whole, assert_decodes_to_integer, CODEC_NUMERIC_SHORT);
}

static void a_short_numeric_with_a_fraction_is_the_nearest_real(void **state)
{
    (void)state;
    EACH(fractions, assert_decodes_to_real, CODEC_NUMERIC_SHORT);
}

static void what_15_digits_cannot_hold_stays_exact_text(void **state)
{
    (void)state;
    EACH(beyond_15_digits, assert_decodes_to_text, CODEC_NUMERIC_SHORT);
}

static void as_real_is_the_nearest_double(void **state)
{
    (void)state;
    EACH(nearest, assert_decodes_to_real, CODEC_NUMERIC_AS_REAL);
}

static void not_a_number_is_text_even_as_real(void **state)
{
    (void)state;
    const struct sample not_a_number = SAMPLE("\x00\x00\x00\x00\xc0\x00\x00\x00", "NaN");

    assert_decodes_to_text(CODEC_NUMERIC_AS_REAL, &not_a_number);
}

/* 131072 digits before the point and 16383 after it: all nines. */
static void the_longest_numeric_fits_its_scratch(void **state)
{
    enum { GROUPS = 32768 + 4096 };
    const char header[] = {
        (char)(GROUPS >> 8), (char)(GROUPS & 255), 0x7f, (char)0xff, 0x40, 0, 0x3f,
        (char)0xff};
    size_t size = sizeof(header) + 2 * (size_t)GROUPS;
    OWNED(text_free) char *field = malloc(size);

    (void)state;
    assert_non_null(field);
    memcpy(field, header, sizeof(header));
    for (size_t i = sizeof(header); i < size; i += 2)
        memcpy(field + i, "\x27\x0f", 2);
    memcpy(field + size - 2, "\x27\x06", 2);
    {
        OWNED(decoded_release)
        struct decoded decoded = decode(CODEC_NUMERIC, field, size);

        assert_int_equal(decoded.outcome, OK);
        assert_int_equal(decoded.value.size, 1 + 131072 + 1 + 16383);
        assert_int_equal(decoded.value.bytes[0], '-');
        assert_int_equal(decoded.value.bytes[1 + 131072], '.');
        assert_int_equal(strspn(decoded.value.bytes + 1, "9"), 131072);
        assert_int_equal(strspn(decoded.value.bytes + 131074, "9"), 16383);
    }
}

static void a_far_weight_needs_no_digit_groups(void **state)
{
    (void)state;
    OWNED(decoded_release)
    struct decoded decoded =
        decode(CODEC_NUMERIC, "\x00\x01\x7f\xff\x00\x00\x3f\xff\x00\x01", 10);

    assert_int_equal(decoded.outcome, OK);
    assert_int_equal(decoded.value.size, 131069 + 1 + 16383);
    assert_memory_equal(decoded.value.bytes, "1000", 4);
}

static void as_real_overflows_to_infinity(void **state)
{
    (void)state;
    OWNED(decoded_release)
    struct decoded decoded =
        decode(CODEC_NUMERIC_AS_REAL, "\x00\x01\x7f\xff\x40\x00\x00\x00\x00\x01", 10);

    assert_int_equal(decoded.outcome, OK);
    assert_true(isinf(decoded.value.real) && decoded.value.real < 0);
}

static void malformed_numerics_are_corrupt(void **state)
{
    (void)state;
    static const struct sample malformed[] = {
        SAMPLE("", "0 bytes"),
        SAMPLE("\x00\x00\x00\x00\x00\x00\x00", "7 bytes"),
        SAMPLE("\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01", "2 digit groups"),
        SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "0 digit groups"),
        SAMPLE("\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01", "65535 digit groups"),
        SAMPLE("\x00\x01\x00\x00\x00\x00\x00\x00\x27\x10", "digit group 10000"),
        SAMPLE("\x00\x01\x00\x00\x80\x00\x00\x00\x00\x01", "sign 0x8000"),
        SAMPLE("\x00\x01\x00\x00\x00\x00\x40\x00\x00\x01", "scale 16384"),
    };

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        const struct sample *sample = &malformed[i];

        assert_is_corrupt(CODEC_NUMERIC, sample->field, sample->size, sample->text);
        assert_is_corrupt(CODEC_NUMERIC_SHORT, sample->field, sample->size, "numeric");
        assert_is_corrupt(CODEC_NUMERIC_AS_REAL, sample->field, sample->size, "numeric");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_text_is_the_primary_s_own),
        cmocka_unit_test(a_short_numeric_without_fraction_is_an_integer),
        cmocka_unit_test(a_short_numeric_with_a_fraction_is_the_nearest_real),
        cmocka_unit_test(what_15_digits_cannot_hold_stays_exact_text),
        cmocka_unit_test(as_real_is_the_nearest_double),
        cmocka_unit_test(not_a_number_is_text_even_as_real),
        cmocka_unit_test(the_longest_numeric_fits_its_scratch),
        cmocka_unit_test(a_far_weight_needs_no_digit_groups),
        cmocka_unit_test(as_real_overflows_to_infinity),
        cmocka_unit_test(malformed_numerics_are_corrupt),
    };

    return cmocka_run_group_tests_name("numeric codec", tests, NULL, NULL);
}
