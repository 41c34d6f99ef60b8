#include "daemon/primary/float_codec.h"

#include "tests/support/cmocka_all.h"
#include "tests/support/decoded.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static const struct sample singles[] = {
    SAMPLE("\x3d\xcc\xcc\xcd", "0.1"),
    SAMPLE("\xbd\xcc\xcc\xcd", "-0.1"),
    SAMPLE("\x40\x49\x0f\xdb", "3.1415927"),
    SAMPLE("\x4b\x80\x00\x00", "1.6777216e+07"),
    SAMPLE("\x4a\x00\x00\x01", "2.0971522e+06"),
    SAMPLE("\x60\xad\x78\xec", "1e+20"),
    SAMPLE("\x7f\x7f\xff\xff", "3.4028235e+38"),
    SAMPLE("\x00\x80\x00\x00", "1.1754944e-38"),
    SAMPLE("\x00\x00\x00\x01", "1e-45"),
    SAMPLE("\x5f\x80\x00\x00", "1.8446744e+19"),
    SAMPLE("\x3a\x7f\xff\xd5", "0.00097656"),
    SAMPLE("\x3a\x83\x12\x6f", "0.001"),
    SAMPLE("\x7f\x80\x00\x00", "Infinity"),
    SAMPLE("\xff\x80\x00\x00", "-Infinity"),
    SAMPLE("\x00\x00\x00\x00", "0"),
};

static void a_float_becomes_the_double_of_its_shortest_decimal(void **state)
{
    (void)state;
    EACH(singles, assert_decodes_to_real, CODEC_REAL);
}

static void zero_keeps_its_sign(void **state)
{
    (void)state;
    assert_true(signbit(float_codec_widen(-0.0F)));
    assert_false(signbit(float_codec_widen(0.0F)));
}

static void every_power_of_two_reads_back_as_itself(void **state)
{
    (void)state;
    for (int exponent = -149; exponent < 128; exponent++) {
        float single = ldexpf(1, exponent);

        assert_true((float)float_codec_widen(single) == single);
        assert_true((float)float_codec_widen(-single) == -single);
    }
}

static void two_decimals_survive(void **state)
{
    (void)state;
    for (int cents = -200000; cents <= 200000; cents++) {
        double amount = cents / 100.0;

        assert_true(float_codec_widen((float)amount) == amount);
    }
}

static void random_floats_have_at_most_9_digits_and_read_back(void **state)
{
    uint32_t bits = 1;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        char text[40];
        double wide;
        float single;

        bits = bits * 1664525U + 1013904223U;
        memcpy(&single, &bits, sizeof(single));
        if (!isfinite(single))
            continue;
        wide = float_codec_widen(single);
        assert_true((float)wide == single);
        snprintf(text, sizeof(text), "%.8e", wide);
        assert_true(strtod(text, NULL) == wide);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_float_becomes_the_double_of_its_shortest_decimal),
        cmocka_unit_test(zero_keeps_its_sign),
        cmocka_unit_test(every_power_of_two_reads_back_as_itself),
        cmocka_unit_test(two_decimals_survive),
        cmocka_unit_test(random_floats_have_at_most_9_digits_and_read_back),
    };

    return cmocka_run_group_tests_name("float codec", tests, NULL, NULL);
}
