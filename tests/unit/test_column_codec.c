#include "lib/model/column_codec.h"

#include "tests/support/cmocka_all.h"

#include <stdbool.h>
#include <string.h>

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static void every_codec_says_its_name_and_how_it_travels(void **state)
{
    (void)state;
    for (int codec = 0; codec < CODEC_COUNT; codec++) {
        const struct column_codec_info *info =
            column_codec_info((enum column_codec)codec);
        enum column_codec read;

        assert_non_null(info);
        assert_non_null(info->wire_type);
        assert_non_null(info->select);
        assert_int_not_equal(info->wire_oid, 0);
        assert_non_null(info->name);
        assert_true(column_codec_read(info->name, &read));
        assert_int_equal(read, codec);
    }
}

static void every_template_names_the_column_and_has_no_other_percent_sign(void **state)
{
    (void)state;
    for (int codec = 0; codec < CODEC_COUNT; codec++) {
        const char *at = column_codec_info((enum column_codec)codec)->select;
        int holes = 0;

        for (; (at = strchr(at, '%')); at++, holes++)
            assert_memory_equal(at, "%1$s", 4);
        assert_true(holes > 0);
    }
}

static void every_cache_type_is_one_that_sqlite_has_an_affinity_for(void **state)
{
    static const char *const known[] = {"INTEGER", "REAL", "NUMERIC",
                                        "TEXT",    "BLOB", NULL};

    (void)state;
    for (int codec = 0; codec < CODEC_COUNT; codec++)
        assert_true(
            is_one_of(column_codec_info((enum column_codec)codec)->cache_type, known));
}

static void only_numbers_that_sqlite_keeps_exactly_are_numbers(void **state)
{
    (void)state;
    assert_string_equal(column_codec_info(CODEC_NUMERIC)->cache_type, "TEXT");
    assert_string_equal(column_codec_info(CODEC_NUMERIC_SHORT)->cache_type, "NUMERIC");
    assert_string_equal(column_codec_info(CODEC_NUMERIC_AS_REAL)->cache_type, "REAL");
}

static void padded_text_travels_with_its_padding(void **state)
{
    const struct column_codec_info *info = column_codec_info(CODEC_PADDED_TEXT);

    (void)state;
    assert_int_equal(info->wire_oid, 1042);
    assert_null(strstr(info->select, "text"));
    assert_string_equal(info->collation, "RTRIM");
}

static void only_padded_and_caseless_text_have_a_collation(void **state)
{
    (void)state;
    for (int codec = 0; codec < CODEC_COUNT; codec++)
        if (codec != CODEC_PADDED_TEXT && codec != CODEC_CASELESS_TEXT)
            assert_null(column_codec_info((enum column_codec)codec)->collation);
    assert_string_equal(column_codec_info(CODEC_CASELESS_TEXT)->collation, "NOCASE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_says_its_name_and_how_it_travels),
        cmocka_unit_test(every_template_names_the_column_and_has_no_other_percent_sign),
        cmocka_unit_test(every_cache_type_is_one_that_sqlite_has_an_affinity_for),
        cmocka_unit_test(only_numbers_that_sqlite_keeps_exactly_are_numbers),
        cmocka_unit_test(padded_text_travels_with_its_padding),
        cmocka_unit_test(only_padded_and_caseless_text_have_a_collation),
    };

    return cmocka_run_group_tests_name("column codec", tests, NULL, NULL);
}
