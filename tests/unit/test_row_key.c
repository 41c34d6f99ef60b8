#include "lib/model/row_key.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"
#include "tests/support/values.h"

#include <string.h>

static void assert_key_is(const struct value *key, size_t count, const char *expected)
{
    OWNED(buffer_release) struct buffer json = {0};

    row_key_append(&json, key, count);
    assert_false(json.failed);
    assert_string_equal(json.data, expected);
}

static void assert_returns(const char *text)
{
    OWNED(buffer_release) struct buffer json = {0};
    struct value key = text_value(text);
    struct error err = {0};
    char **texts = NULL;

    row_key_append(&json, &key, 1);
    if (row_key_parse(json.data, 1, &texts, &err) == FAILED)
        fail_msg("%s", err.message);
    assert_string_equal(texts[0], text);
    row_key_free(texts, 1);
}

static void a_text_comes_back_as_it_was(void **state)
{
    char every_byte[0x80];

    (void)state;
    for (int i = 1; i < 0x80; i++)
        every_byte[i - 1] = (char)i;
    every_byte[0x7f] = '\0';
    assert_returns(every_byte);
    assert_returns("");
    assert_returns("it's \"quoted\" \\ and \\u0041");
    assert_returns("grüße 🎉 \u2028");
    assert_returns("[\"a\",\"b\"]");
}

static void quotes_and_control_characters_are_escaped(void **state)
{
    const struct value key = text_value("a\"b\\c\n\x01 é");

    (void)state;
    assert_key_is(&key, 1, "[\"a\\\"b\\\\c\\u000a\\u0001 é\"]");
}

static void every_type_is_in_the_primarys_spelling(void **state)
{
    const struct value key[] = {
        {.type = VALUE_INTEGER, .integer = INT64_MIN},
        {.type = VALUE_REAL, .real = 0.1},
        {.type = VALUE_BLOB, .bytes = "\x00\xff\"", .size = 3},
        {.type = VALUE_BLOB, .bytes = "", .size = 0},
        {.type = VALUE_TEXT, .bytes = "", .size = 0},
    };

    (void)state;
    assert_key_is(key, 5,
                  "[\"-9223372036854775808\",\"0.10000000000000001\","
                  "\"\\\\x00ff22\",\"\\\\x\",\"\"]");
}

static void a_composite_key_is_split_in_order(void **state)
{
    struct error err = {0};
    char **texts = NULL;

    (void)state;
    assert_int_equal(
        row_key_parse("[\"a,b\", \"\", \"\\ud83c\\udf89\"]", 3, &texts, &err), OK);
    assert_string_equal(texts[0], "a,b");
    assert_string_equal(texts[1], "");
    assert_string_equal(texts[2], "🎉");
    row_key_free(texts, 3);
}

static void what_is_no_such_array_is_corrupt(void **state)
{
    static const char *const malformed[] = {
        "",
        "[",
        "[\"a\"",
        "\"a\"",
        "{\"a\": \"b\"}",
        "[]",
        "[1, 2]",
        "[\"a\"]",
        "[\"a\", null]",
        "[\"a\", \"b\"] x",
        "['a', 'b']",
        "[\"a\", [1]",
        "[\"\\x\", 1]",
        "[\"\xff\", \"b\"]",
        "[\"a\", \"b\", \"c\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct error err = {0};
        char **texts = NULL;

        if (row_key_parse(malformed[i], 2, &texts, &err) != FAILED)
            fail_msg("taken for a key: %s", malformed[i]);
        assert_int_equal(err.kind, ERROR_CORRUPT);
        assert_non_null(strstr(err.message, "not a row's key"));
        assert_null(texts);
    }
}

static void the_key_is_picked_in_its_own_order(void **state)
{
    OWNED(table_release) struct table table = table_named("line");
    const struct value row[] = {text_value("first"), text_value("second"),
                                text_value("third")};
    struct value key[2];

    (void)state;
    table_with_column(&table, "number", CODEC_TEXT);
    table_with_column(&table, "note", CODEC_TEXT);
    table_with_column(&table, "order_id", CODEC_TEXT);
    table_with_key(&table, NAMES("order_id", "number"));
    row_key_pick(&table, row, key);
    assert_key_is(key, 2, "[\"third\",\"first\"]");
}

/* One column of the codec is the key. */
static void assert_canonical(enum column_codec codec, const char *text,
                             const char *expected)
{
    OWNED(table_release) struct table table = table_named("keyed");
    OWNED(buffer_release) struct buffer bytes = {0};
    OWNED(buffer_release) struct buffer again = {0};
    OWNED(text_free) char *key = NULL;
    struct value value;
    struct error err = {0};

    table_with_column(&table, "id", codec);
    table_with_key(&table, NAMES("id"));
    if (row_key_canonical(&table, text, &key, &err) == FAILED ||
        row_key_values(&table, key, &bytes, &value, &err) == FAILED)
        fail_msg("%s", err.message);
    assert_string_equal(key, expected);
    row_key_append_canonical(&again, &table, &value);
    assert_string_equal(again.data, expected);
}

static void a_key_has_one_spelling(void **state)
{
    (void)state;
    assert_canonical(CODEC_BIGINT, "[\"-42\"]", "[\"-42\"]");
    assert_canonical(CODEC_INTEGER, "[\"007\"]", "[\"7\"]");
    assert_canonical(CODEC_INTEGER, "[\"'odd'\"]", "[\"odd\"]");
    assert_canonical(CODEC_INTEGER, "[\"odd\"]", "[\"odd\"]");
    assert_canonical(CODEC_DOUBLE, "[\"0.1\"]", "[\"0.10000000000000001\"]");
    assert_canonical(CODEC_DOUBLE, "[\"1.00000000000000002082e-01\"]",
                     "[\"0.10000000000000001\"]");
    assert_canonical(CODEC_DOUBLE, "[\"3.0\"]", "[\"3\"]");
    assert_canonical(CODEC_DOUBLE, "[\"Inf\"]", "[\"Infinity\"]");
    assert_canonical(CODEC_DOUBLE, "[\"-9.0e+999\"]", "[\"-Infinity\"]");
    assert_canonical(CODEC_DOUBLE, "[\"-Infinity\"]", "[\"-Infinity\"]");
    assert_canonical(CODEC_DOUBLE, "[\"'NaN'\"]", "[\"NaN\"]");
    assert_canonical(CODEC_NUMERIC_SHORT, "[\"12345678901234567\"]",
                     "[\"12345678901234567\"]");
    assert_canonical(CODEC_NUMERIC_SHORT, "[\"2.5\"]", "[\"2.5\"]");
    assert_canonical(CODEC_NUMERIC, "[\"1.50\"]", "[\"1.50\"]");
    assert_canonical(CODEC_BYTEA, "[\"\\\\x00FF\"]", "[\"\\\\x00ff\"]");
    assert_canonical(CODEC_BYTEA, "[\"\\\\x\"]", "[\"\\\\x\"]");
    assert_canonical(CODEC_TEXT, " [ \"a\\nB \" ] ", "[\"a\\u000aB \"]");
    assert_canonical(CODEC_CASELESS_TEXT, "[\"Ab\\\\N\\u001FÉ\"]",
                     "[\"ab\\\\n\\u001fÉ\"]");
    assert_canonical(CODEC_PADDED_TEXT, "[\"a b  \"]", "[\"a b\"]");
}

/* SQLite keeps it as text; the triggers spell its bytes. */
static void a_text_where_bytes_belong_is_spelled_as_its_bytes(void **state)
{
    OWNED(table_release) struct table table = table_named("keyed");
    OWNED(buffer_release) struct buffer key = {0};
    const struct value text = {.type = VALUE_TEXT, .bytes = "a\\b", .size = 3};

    (void)state;
    table_with_column(&table, "id", CODEC_BYTEA);
    table_with_key(&table, NAMES("id"));
    row_key_append_canonical(&key, &table, &text);
    assert_string_equal(key.data, "[\"\\\\x615c62\"]");
    assert_canonical(CODEC_BYTEA, "[\"zz\"]", "[\"\\\\x7a7a\"]");
}

static void bytes_that_are_no_utf8_and_nul_are_kept(void **state)
{
    (void)state;
    assert_canonical(CODEC_TEXT, "[\"\xff\xc3\"]", "[\"\xff\xc3\"]");
    assert_canonical(CODEC_TEXT, "[\"a\\u0000b\"]", "[\"a\\u0000b\"]");
    assert_canonical(CODEC_CASELESS_TEXT, "[\"\xff\\u0000Z\"]", "[\"\xff\\u0000z\"]");
}

static void values_of_a_key_are_typed_as_in_the_cache(void **state)
{
    OWNED(table_release) struct table table = table_named("keyed");
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value values[5];
    struct error err = {0};

    (void)state;
    table_with_column(&table, "blob", CODEC_BYTEA);
    table_with_column(&table, "text", CODEC_TEXT);
    table_with_column(&table, "number", CODEC_INTEGER);
    table_with_column(&table, "real", CODEC_REAL);
    table_with_column(&table, "not a number", CODEC_DOUBLE);
    table_with_key(&table, NAMES("text", "number", "blob", "not a number", "real"));
    assert_int_equal(row_key_values(&table,
                                    "[\"a\\u0000b\",\"5\",\"\\\\x00ff\",\"NaN\",\"2\"]",
                                    &bytes, values, &err),
                     OK);
    assert_int_equal(values[0].type, VALUE_TEXT);
    assert_int_equal(values[0].size, 3);
    assert_memory_equal(values[0].bytes, "a\0b", 3);
    assert_int_equal(values[1].type, VALUE_INTEGER);
    assert_int_equal(values[1].integer, 5);
    assert_int_equal(values[2].type, VALUE_BLOB);
    assert_memory_equal(values[2].bytes, "\x00\xff", 2);
    assert_int_equal(values[3].type, VALUE_TEXT);
    assert_memory_equal(values[3].bytes, "NaN", 3);
    assert_int_equal(values[4].type, VALUE_REAL);
}

static void a_key_of_another_shape_is_corrupt(void **state)
{
    static const char *const malformed[] = {"",
                                            "[",
                                            "[]",
                                            "[\"a\"]",
                                            "[\"a\",]",
                                            "[\"a\",\"b\",\"c\"]",
                                            "[\"a\",1]",
                                            "[\"a\",null]",
                                            "[\"a\",\"b\"]x",
                                            "{\"a\":\"b\"}",
                                            "[\"a\" \"b\"]"};
    OWNED(table_release) struct table table = table_named("keyed");

    (void)state;
    table_with_column(&table, "a", CODEC_TEXT);
    table_with_column(&table, "b", CODEC_INTEGER);
    table_with_key(&table, NAMES("a", "b"));
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct error err = {0};
        char *key = NULL;

        if (row_key_canonical(&table, malformed[i], &key, &err) != FAILED)
            fail_msg("taken for a key: %s", malformed[i]);
        assert_int_equal(err.kind, ERROR_CORRUPT);
        assert_null(key);
    }
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    row_key_free(NULL, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_comes_back_as_it_was),
        cmocka_unit_test(quotes_and_control_characters_are_escaped),
        cmocka_unit_test(every_type_is_in_the_primarys_spelling),
        cmocka_unit_test(a_composite_key_is_split_in_order),
        cmocka_unit_test(what_is_no_such_array_is_corrupt),
        cmocka_unit_test(the_key_is_picked_in_its_own_order),
        cmocka_unit_test(a_key_has_one_spelling),
        cmocka_unit_test(a_text_where_bytes_belong_is_spelled_as_its_bytes),
        cmocka_unit_test(bytes_that_are_no_utf8_and_nul_are_kept),
        cmocka_unit_test(values_of_a_key_are_typed_as_in_the_cache),
        cmocka_unit_test(a_key_of_another_shape_is_corrupt),
        cmocka_unit_test(nothing_can_be_freed),
    };

    return cmocka_run_group_tests_name("row_key", tests, NULL, NULL);
}
