#include "daemon/primary/timestamp_codec.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/decoded.h"

#include <string.h>

static const struct sample sortable[] = {
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x00", "2000-01-01T00:00:00.000000Z"),
    SAMPLE("\xff\xff\xff\xff\xff\xff\xff\xff", "1999-12-31T23:59:59.999999Z"),
    SAMPLE("\x00\x02\xb5\x83\x41\x72\x86\x14", "2024-02-29T12:34:56.789012Z"),
    SAMPLE("\xff\xfc\xa2\xfe\xc4\xc8\x20\x00", "1970-01-01T00:00:00.000000Z"),
    SAMPLE("\xff\xf4\xce\x91\x5c\xae\xa0\x00", "1900-03-01T00:00:00.000000Z"),
    SAMPLE("\xff\x1f\xe2\xff\xc5\x9c\x60\x00", "0001-01-01T00:00:00.000000Z"),
    SAMPLE("\x03\x80\xe7\x0b\x91\x3b\x7f\xff", "9999-12-31T23:59:59.999999Z"),
};

static const struct sample as_primary[] = {
    SAMPLE("\x7f\xff\xff\xff\xff\xff\xff\xff", "infinity"),
    SAMPLE("\x80\x00\x00\x00\x00\x00\x00\x00", "-infinity"),
    SAMPLE("\xfd\x0f\x7f\xbd\xaf\x17\xe0\x00", "4713-01-01 00:00:00+00 BC"),
    SAMPLE("\xfd\x0f\x7c\xc1\x41\x1f\xa0\x00", "4714-11-24 00:00:00+00 BC"),
    SAMPLE("\xff\x1a\xf9\xe8\xfb\x4e\x71\x20", "0044-03-15 12:00:00.5+00 BC"),
    SAMPLE("\xff\x1f\xe2\xff\xc5\x9c\x5f\xff", "0001-12-31 23:59:59.999999+00 BC"),
    SAMPLE("\x03\x80\xe7\x0b\x91\x3b\x80\x00", "10000-01-01 00:00:00+00"),
    SAMPLE("\x2a\xeb\x0e\x4d\xb3\x18\xe0\x78", "100000-01-01 00:00:00.00012+00"),
    SAMPLE("\x7f\xff\xff\x5b\xb3\xb2\x9f\xff", "294276-12-31 23:59:59.999999+00"),
};

static void years_1_to_9999_are_27_characters(void **state)
{
    (void)state;
    EACH(sortable, assert_decodes_to_text, CODEC_TIMESTAMPTZ);
}

static void everything_else_is_spelled_as_the_primary_does(void **state)
{
    (void)state;
    EACH(as_primary, assert_decodes_to_text, CODEC_TIMESTAMPTZ);
}

static void every_day_of_9999_years_follows_the_one_before(void **state)
{
    enum { DAYS_TO_YEAR_0001 = 730119, DAYS = 3652059 };
    char before[28] = "";
    OWNED(buffer_release) struct buffer scratch = {0};

    (void)state;
    assert_non_null(buffer_reserve(&scratch, TIMESTAMP_CODEC_SCRATCH_BYTES));
    for (int64_t day = -DAYS_TO_YEAR_0001; day < DAYS - DAYS_TO_YEAR_0001; day++) {
        struct value value;
        struct error err;

        buffer_clear(&scratch);
        assert_int_equal(
            timestamp_codec_decode(day * 86400000000, &scratch, &value, &err), OK);
        assert_int_equal(value.size, 27);
        assert_true(memcmp(before, value.bytes, 27) < 0);
        memcpy(before, value.bytes, 27);
    }
    assert_memory_equal(before, "9999-12-31T00:00:00.000000Z", 27);
}

static void what_postgresql_cannot_hold_is_corrupt(void **state)
{
    (void)state;
    assert_is_corrupt(CODEC_TIMESTAMPTZ, "\xfd\x0f\x7c\xc1\x41\x1f\x9f\xff", 8,
                      "timestamptz");
    assert_is_corrupt(CODEC_TIMESTAMPTZ, "\x7f\xff\xff\x5b\xb3\xb2\xa0\x00", 8,
                      "timestamptz");
    assert_is_corrupt(CODEC_TIMESTAMPTZ, "\x80\x00\x00\x00\x00\x00\x00\x01", 8,
                      "timestamptz");
    assert_is_corrupt(CODEC_TIMESTAMPTZ, "\x7f\xff\xff\xff\xff\xff\xff\xfe", 8,
                      "timestamptz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(years_1_to_9999_are_27_characters),
        cmocka_unit_test(everything_else_is_spelled_as_the_primary_does),
        cmocka_unit_test(every_day_of_9999_years_follows_the_one_before),
        cmocka_unit_test(what_postgresql_cannot_hold_is_corrupt),
    };

    return cmocka_run_group_tests_name("timestamp codec", tests, NULL, NULL);
}
