#include "daemon/primary/wire_row.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <string.h>

#define FIELD(bytes)                                                                     \
    {                                                                                    \
        bytes, sizeof(bytes) - 1                                                         \
    }
#define NULL_FIELD                                                                       \
    {                                                                                    \
        NULL, -1                                                                         \
    }
#define UUID "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"

/* note, id, other, number; keyed by number and id. */
static struct table lines(void)
{
    struct table table = table_named("line");

    table_with_column(&table, "note", CODEC_TEXT);
    table_with_column(&table, "id", CODEC_UUID);
    table_with_column(&table, "other", CODEC_UUID);
    table_with_column(&table, "number", CODEC_INTEGER);
    table_with_key(&table, NAMES("number", "id"));
    return table;
}

static void assert_text(const struct value *value, const char *expected)
{
    assert_int_equal(value->type, VALUE_TEXT);
    assert_int_equal(value->size, strlen(expected));
    assert_memory_equal(value->bytes, expected, value->size);
}

static void fields_become_values_in_order(void **state)
{
    OWNED(table_release) struct table table = lines();
    OWNED(buffer_release) struct buffer scratch = {0};
    const struct wire_field fields[] = {FIELD("it's"), FIELD(UUID), FIELD(UUID),
                                        FIELD("\0\0\0\7")};
    struct value values[4];
    struct error err = {0};

    (void)state;
    assert_int_equal(wire_row_decode(&table, fields, &scratch, values, &err), OK);
    assert_text(&values[0], "it's");
    assert_text(&values[1], "01020304-0506-0708-090a-0b0c0d0e0f10");
    assert_text(&values[2], "01020304-0506-0708-090a-0b0c0d0e0f10");
    assert_int_equal(values[3].integer, 7);
}

static void null_is_not_empty(void **state)
{
    OWNED(table_release) struct table table = lines();
    OWNED(buffer_release) struct buffer scratch = {0};
    struct wire_field fields[] = {NULL_FIELD, FIELD(UUID), NULL_FIELD, FIELD("\0\0\0\7")};
    struct value values[4];
    struct error err = {0};

    (void)state;
    assert_int_equal(wire_row_decode(&table, fields, &scratch, values, &err), OK);
    assert_int_equal(values[0].type, VALUE_NULL);
    assert_int_equal(values[2].type, VALUE_NULL);
    fields[0] = (struct wire_field){"", 0};
    assert_int_equal(wire_row_decode(&table, fields, &scratch, values, &err), OK);
    assert_text(&values[0], "");
}

static void a_key_is_decoded_in_its_own_order(void **state)
{
    OWNED(table_release) struct table table = lines();
    OWNED(buffer_release) struct buffer scratch = {0};
    const struct wire_field fields[] = {FIELD("\0\0\0\7"), FIELD(UUID)};
    struct value values[2];
    struct error err = {0};

    (void)state;
    assert_int_equal(wire_row_decode_key(&table, fields, &scratch, values, &err), OK);
    assert_int_equal(values[0].integer, 7);
    assert_text(&values[1], "01020304-0506-0708-090a-0b0c0d0e0f10");
}

static void what_cannot_be_decoded_is_named(void **state)
{
    OWNED(table_release) struct table table = lines();
    OWNED(buffer_release) struct buffer scratch = {0};
    const struct wire_field row[] = {FIELD("a"), FIELD(UUID), FIELD("short"),
                                     FIELD("\0\0\0\7")};
    const struct wire_field key[] = {FIELD("\0\0\7"), FIELD(UUID)};
    struct value values[4];
    struct error err = {0};

    (void)state;
    assert_int_equal(wire_row_decode(&table, row, &scratch, values, &err), FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_int_equal(strncmp(err.message, "line.other: ", 12), 0);
    assert_int_equal(wire_row_decode_key(&table, key, &scratch, values, &err), FAILED);
    assert_int_equal(strncmp(err.message, "line.number: ", 13), 0);
}

/* Text handed out early must not move when later columns need room. */
static void many_columns_share_the_scratch(void **state)
{
    OWNED(table_release) struct table table = table_named("wide");
    OWNED(buffer_release) struct buffer scratch = {0};
    struct wire_field fields[200];
    struct value values[200];
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        table_with_column(&table, "id", CODEC_UUID);
        fields[i] = (struct wire_field)FIELD(UUID);
    }
    for (int again = 0; again < 2; again++) {
        assert_int_equal(wire_row_decode(&table, fields, &scratch, values, &err), OK);
        for (size_t i = 0; i < 200; i++)
            assert_text(&values[i], "01020304-0506-0708-090a-0b0c0d0e0f10");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_values_in_order),
        cmocka_unit_test(null_is_not_empty),
        cmocka_unit_test(a_key_is_decoded_in_its_own_order),
        cmocka_unit_test(what_cannot_be_decoded_is_named),
        cmocka_unit_test(many_columns_share_the_scratch),
    };

    return cmocka_run_group_tests_name("wire_row", tests, NULL, NULL);
}
