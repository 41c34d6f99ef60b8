#include "daemon/primary/type_codec.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/decoded.h"

static const struct sample smallints[] = {
    SAMPLE("\x80\x00", "-32768"),
    SAMPLE("\x7f\xff", "32767"),
};

static const struct sample integers[] = {
    SAMPLE("\x80\x00\x00\x00", "-2147483648"),
    SAMPLE("\x7f\xff\xff\xff", "2147483647"),
    SAMPLE("\x00\x00\x01\x02", "258"),
};

static const struct sample bigints[] = {
    SAMPLE("\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808"),
    SAMPLE("\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807"),
    SAMPLE("\xff\xff\xff\xff\xff\xff\xff\xff", "-1"),
};

static const struct sample booleans[] = {
    SAMPLE("\x00", "0"),
    SAMPLE("\x01", "1"),
};

static const struct sample doubles[] = {
    SAMPLE("\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
    SAMPLE("\xff\xef\xff\xff\xff\xff\xff\xff", "-1.7976931348623157e+308"),
    SAMPLE("\x00\x00\x00\x00\x00\x00\x00\x01", "5e-324"),
    SAMPLE("\x80\x00\x00\x00\x00\x00\x00\x00", "-0"),
    SAMPLE("\x7f\xf0\x00\x00\x00\x00\x00\x00", "Infinity"),
    SAMPLE("\xff\xf0\x00\x00\x00\x00\x00\x00", "-Infinity"),
};

static const struct sample uuids[] = {
    SAMPLE("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
           "00112233-4455-6677-8899-aabbccddeeff"),
    SAMPLE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
           "ffffffff-ffff-ffff-ffff-ffffffffffff"),
};

static const enum column_codec every_text[] = {
    CODEC_TEXT,        CODEC_PADDED_TEXT,       CODEC_CASELESS_TEXT, CODEC_JSON,
    CODEC_SERVER_TEXT, CODEC_ARRAY_OF_LITERALS, CODEC_ARRAY_OF_TEXT,
};

static const struct {
    enum column_codec codec;
    size_t size;
    const char *name;
} fixed_sizes[] = {
    {CODEC_SMALLINT, 2, "smallint"}, {CODEC_INTEGER, 4, "integer"},
    {CODEC_BIGINT, 8, "bigint"},     {CODEC_BOOLEAN, 1, "boolean"},
    {CODEC_REAL, 4, "real"},         {CODEC_DOUBLE, 8, "double precision"},
    {CODEC_UUID, 16, "uuid"},        {CODEC_TIMESTAMPTZ, 8, "timestamptz"},
};

static void integers_keep_their_sign_at_every_width(void **state)
{
    (void)state;
    EACH(smallints, assert_decodes_to_integer, CODEC_SMALLINT);
    EACH(integers, assert_decodes_to_integer, CODEC_INTEGER);
    EACH(bigints, assert_decodes_to_integer, CODEC_BIGINT);
}

static void booleans_are_0_and_1(void **state)
{
    (void)state;
    EACH(booleans, assert_decodes_to_integer, CODEC_BOOLEAN);
    assert_is_corrupt(CODEC_BOOLEAN, "\x02", 1, "boolean");
}

static void doubles_keep_every_bit(void **state)
{
    (void)state;
    EACH(doubles, assert_decodes_to_real, CODEC_DOUBLE);
}

static void not_a_number_is_text(void **state)
{
    const struct sample single = SAMPLE("\x7f\xc0\x00\x00", "NaN");
    const struct sample negative = SAMPLE("\xff\xc0\x00\x00", "NaN");
    const struct sample wide = SAMPLE("\x7f\xf8\x00\x00\x00\x00\x00\x00", "NaN");

    (void)state;
    assert_decodes_to_text(CODEC_REAL, &single);
    assert_decodes_to_text(CODEC_REAL, &negative);
    assert_decodes_to_text(CODEC_DOUBLE, &wide);
}

static void uuids_are_36_lower_case_characters(void **state)
{
    (void)state;
    EACH(uuids, assert_decodes_to_text, CODEC_UUID);
}

static void text_is_borrowed_from_the_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(every_text) / sizeof(every_text[0]); i++) {
        OWNED(decoded_release)
        struct decoded decoded = decode(every_text[i], "a\xc3\xa9 ", 4);

        assert_int_equal(decoded.outcome, OK);
        assert_int_equal(decoded.value.type, VALUE_TEXT);
        assert_ptr_equal(decoded.value.bytes, decoded.field);
        assert_int_equal(decoded.value.size, 4);
        assert_int_equal(decoded.scratch.length, 0);
    }
}

static void empty_text_and_empty_bytes_are_not_null(void **state)
{
    OWNED(decoded_release) struct decoded text = decode(CODEC_TEXT, "", 0);
    OWNED(decoded_release) struct decoded bytes = decode(CODEC_BYTEA, "", 0);

    (void)state;
    assert_int_equal(text.value.type, VALUE_TEXT);
    assert_int_equal(text.value.size, 0);
    assert_int_equal(bytes.value.type, VALUE_BLOB);
    assert_int_equal(bytes.value.size, 0);
    assert_non_null(text.value.bytes);
    assert_non_null(bytes.value.bytes);
}

static void bytes_pass_through_with_their_zeros(void **state)
{
    OWNED(decoded_release) struct decoded decoded = decode(CODEC_BYTEA, "\0\xff\0", 3);

    (void)state;
    assert_int_equal(decoded.value.type, VALUE_BLOB);
    assert_int_equal(decoded.value.size, 3);
    assert_memory_equal(decoded.value.bytes, "\0\xff\0", 3);
}

static void jsonb_loses_its_version_byte(void **state)
{
    const struct sample object = SAMPLE("\x01{\"a\": 1}", "{\"a\": 1}");

    (void)state;
    assert_decodes_to_text(CODEC_JSONB, &object);
}

static void jsonb_of_another_version_is_corrupt(void **state)
{
    (void)state;
    assert_is_corrupt(CODEC_JSONB, "\x02{}", 3, "jsonb");
    assert_is_corrupt(CODEC_JSONB, "", 0, "jsonb");
}

static void a_wrong_size_is_corrupt_and_names_the_type(void **state)
{
    static const char zeros[32];

    (void)state;
    for (size_t i = 0; i < sizeof(fixed_sizes) / sizeof(fixed_sizes[0]); i++)
        for (size_t size = 0; size <= sizeof(zeros); size++)
            if (size != fixed_sizes[i].size)
                assert_is_corrupt(fixed_sizes[i].codec, zeros, size, fixed_sizes[i].name);
}

static void one_row_shares_a_scratch_that_does_not_move(void **state)
{
    OWNED(buffer_release) struct buffer scratch = {0};
    struct value values[3];
    struct error err;
    const char *memory;

    (void)state;
    memory = buffer_reserve(&scratch, type_codec_scratch_bytes(CODEC_UUID, 16) +
                                          type_codec_scratch_bytes(CODEC_TIMESTAMPTZ, 8) +
                                          type_codec_scratch_bytes(CODEC_NUMERIC, 10));
    assert_non_null(memory);
    assert_int_equal(
        type_codec_decode(CODEC_UUID, uuids[0].field, 16, &scratch, &values[0], &err),
        OK);
    assert_int_equal(type_codec_decode(CODEC_TIMESTAMPTZ, "\0\0\0\0\0\0\0\0", 8, &scratch,
                                       &values[1], &err),
                     OK);
    assert_int_equal(type_codec_decode(CODEC_NUMERIC, "\0\1\0\0\x40\0\0\1\0\7", 10,
                                       &scratch, &values[2], &err),
                     OK);
    assert_ptr_equal(scratch.data, memory);
    assert_string_equal(scratch.data, "00112233-4455-6677-8899-aabbccddeeff"
                                      "2000-01-01T00:00:00.000000Z"
                                      "-7.0");
    assert_ptr_equal(values[1].bytes, memory + 36);
    assert_ptr_equal(values[2].bytes, memory + 63);
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525U + 1013904223U;
    return *random >> 8;
}

/* Half of the bytes are small, so that headers come out valid now and then. */
static void fill_with_noise(char *field, size_t size, uint32_t *random)
{
    for (size_t i = 0; i < size; i++)
        field[i] = (char)(next_random(random) % (next_random(random) & 1 ? 4 : 256));
}

static void decode_noise(enum column_codec codec, uint32_t *random)
{
    char field[40];
    size_t size = next_random(random) % sizeof(field);

    fill_with_noise(field, size, random);
    if (size >= 10 && next_random(random) & 1) { /* a numeric's own count */
        field[0] = 0;
        field[1] = (char)((size - 8) / 2);
    }
    {
        OWNED(decoded_release) struct decoded decoded = decode(codec, field, size);

        if (decoded.outcome == FAILED) {
            assert_int_equal(decoded.err.kind, ERROR_CORRUPT);
            assert_int_not_equal(decoded.err.message[0], '\0');
            return;
        }
        assert_int_equal(decoded.outcome, OK);
        assert_int_not_equal(decoded.value.type, VALUE_NULL);
        assert_true(decoded.scratch.length <= type_codec_scratch_bytes(codec, size));
    }
}

static void random_bytes_are_decoded_or_refused(void **state)
{
    uint32_t random = 20260101;

    (void)state;
    for (int codec = 0; codec < CODEC_COUNT; codec++)
        for (int round = 0; round < 5000; round++)
            decode_noise((enum column_codec)codec, &random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_keep_their_sign_at_every_width),
        cmocka_unit_test(booleans_are_0_and_1),
        cmocka_unit_test(doubles_keep_every_bit),
        cmocka_unit_test(not_a_number_is_text),
        cmocka_unit_test(uuids_are_36_lower_case_characters),
        cmocka_unit_test(text_is_borrowed_from_the_field),
        cmocka_unit_test(empty_text_and_empty_bytes_are_not_null),
        cmocka_unit_test(bytes_pass_through_with_their_zeros),
        cmocka_unit_test(jsonb_loses_its_version_byte),
        cmocka_unit_test(jsonb_of_another_version_is_corrupt),
        cmocka_unit_test(a_wrong_size_is_corrupt_and_names_the_type),
        cmocka_unit_test(one_row_shares_a_scratch_that_does_not_move),
        cmocka_unit_test(random_bytes_are_decoded_or_refused),
    };

    return cmocka_run_group_tests_name("type codec", tests, NULL, NULL);
}
