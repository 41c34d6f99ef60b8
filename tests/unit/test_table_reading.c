#include "lib/model/table_reading.h"

#include "lib/base/cleanup.h"
#include "lib/model/table_fingerprint.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdlib.h>
#include <string.h>

/* Names that try to look like something else. */
static struct table orders(void)
{
    struct table table = table_named("Orders of \"mine\"");

    table_with_column(&table, "id", CODEC_BIGINT)->not_null = true;
    table_with_column(&table, "co\nlumn \"key\"", CODEC_TEXT);
    column_with_default(&table.columns[1], "'it''s'");
    column_with_labels(&table.columns[1], NAMES("a", "b \"c\"", ""));
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_column(&table, "sum", CODEC_NUMERIC_SHORT)->generated = true;
    column_with_type(&table.columns[3], "numeric(12,4)");
    table_with_key(&table, NAMES("id", "co\nlumn \"key\""));
    table_with_index(&table, "by_sum", true, NAMES("sum", "id"))->predicate =
        strdup("\"sum\" > 0");
    table_with_index(&table, "by id", false, NAMES("id"));
    table_with_foreign_key(&table, NAMES("id", "sum"), "parent", NAMES("a", "b"));
    table.deleted_at = 2;
    table.scope = strdup("region = 'north' -- \"x\"");
    return table;
}

static void what_is_read_has_the_same_fingerprint(void **state)
{
    OWNED(table_release) struct table table = orders();
    OWNED(table_release) struct table read = {0};
    OWNED(text_free) char *text = fingerprint_of(&table);
    OWNED(text_free) char *again = NULL;
    struct error err;

    (void)state;
    assert_int_equal(table_reading(text, &read, &err), OK);
    again = fingerprint_of(&read);
    assert_string_equal(again, text);
    assert_string_equal(read.fingerprint, text);
    assert_int_equal(read.deleted_at, 2);
    assert_int_equal(read.updated_at, TABLE_NO_COLUMN);
    assert_int_equal(read.columns[1].label_count, 3);
    assert_true(read.columns[3].generated);
    assert_int_equal(read.foreign_keys[0].column_count, 2);
}

static void every_codec_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < CODEC_COUNT; i++) {
        enum column_codec codec;

        assert_true(
            column_codec_read(column_codec_info((enum column_codec)i)->name, &codec));
        assert_int_equal(codec, i);
    }
}

/* Cut anywhere, it is refused and nothing leaks. */
static void half_a_text_is_refused(void **state)
{
    OWNED(table_release) struct table table = orders();
    OWNED(text_free) char *text = fingerprint_of(&table);
    size_t last_lines = (size_t)(strstr(text, "\nunique") - text) + 1;

    (void)state;
    for (size_t length = 0; length < last_lines - 1; length++) {
        OWNED(table_release) struct table read = {0};
        OWNED(text_free) char *half = strndup(text, length);
        struct error err = {0};

        if (table_reading(half, &read, &err) == OK)
            assert_int_equal(text[length - 1], '\n');
        else
            assert_int_equal(err.kind, ERROR_CORRUPT);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "f",
        "table 1 \"public\" \"t\"\n",
        "table 1 \"public\" \"t\"\nkey \"id\"\n",
        "table 1 \"public\" \"t\"\ncolumn \"id\" \"text\" hologram\nkey \"id\"\n",
        "table 1 \"p\" \"t\"\ntable 1 \"p\" \"t\"\n",
        "table 1 \"p\" \"t\"\ncolumn \"i\" \"text\" text\nkey \"i\"\nforeign key \"i\" "
        "to "
        "\"p\" \"q\" \"a\" \"b\"\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        OWNED(table_release) struct table read = {0};
        struct error err = {0};

        assert_int_equal(table_reading(texts[i], &read, &err), FAILED);
        assert_int_equal(err.kind, ERROR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_has_the_same_fingerprint),
        cmocka_unit_test(every_codec_has_a_name_of_its_own),
        cmocka_unit_test(half_a_text_is_refused),
        cmocka_unit_test(nonsense_is_refused),
    };

    return cmocka_run_group_tests_name("table_reading", tests, NULL, NULL);
}
