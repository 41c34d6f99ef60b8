#include "daemon/primary/catalog_columns.h"

#include "tests/support/cmocka_all.h"

static int modifier(int precision, int scale)
{
    return ((precision << 16) | (scale & 0x7ff)) + 4;
}

static enum column_codec numeric(int precision, int scale)
{
    return catalog_columns_codec("numeric", NULL, modifier(precision, scale));
}

static void short_numerics_are_numbers_and_long_ones_text(void **state)
{
    (void)state;
    assert_int_equal(numeric(15, 2), CODEC_NUMERIC_SHORT);
    assert_int_equal(numeric(16, 2), CODEC_NUMERIC);
    assert_int_equal(numeric(1, 0), CODEC_NUMERIC_SHORT);
    assert_int_equal(catalog_columns_codec("numeric", NULL, -1), CODEC_NUMERIC);
}

static void scales_beyond_a_double_stay_exact(void **state)
{
    (void)state;
    assert_int_equal(numeric(5, 300), CODEC_NUMERIC_SHORT);
    assert_int_equal(numeric(5, 400), CODEC_NUMERIC);
    assert_int_equal(numeric(5, -3), CODEC_NUMERIC_SHORT);
    assert_int_equal(numeric(13, -3), CODEC_NUMERIC);
}

static void arrays_go_by_their_elements(void **state)
{
    (void)state;
    assert_int_equal(catalog_columns_codec("array", "int4", -1), CODEC_ARRAY_OF_LITERALS);
    assert_int_equal(catalog_columns_codec("array", "numeric", modifier(10, 2)),
                     CODEC_ARRAY_OF_LITERALS);
    assert_int_equal(catalog_columns_codec("array", "enum", -1), CODEC_ARRAY_OF_TEXT);
    assert_int_equal(catalog_columns_codec("array", "array", -1), CODEC_ARRAY_OF_TEXT);
}

static void what_has_no_codec_of_its_own_is_text_of_the_server(void **state)
{
    static const char *const kinds[] = {"date",      "interval",   "xml",  "int4range",
                                        "composite", "int2vector", "inet", "other"};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_int_equal(catalog_columns_codec(kinds[i], NULL, -1), CODEC_SERVER_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_numerics_are_numbers_and_long_ones_text),
        cmocka_unit_test(scales_beyond_a_double_stay_exact),
        cmocka_unit_test(arrays_go_by_their_elements),
        cmocka_unit_test(what_has_no_codec_of_its_own_is_text_of_the_server),
    };

    return cmocka_run_group_tests_name("catalog_columns", tests, NULL, NULL);
}
