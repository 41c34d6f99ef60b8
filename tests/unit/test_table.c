#include "lib/model/table.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

static void releasing_nothing_is_harmless(void **state)
{
    struct table table = {0};
    struct table_set set = {0};
    struct table_refusal refusal = {0};

    (void)state;
    table_release(&table);
    table_set_release(&set);
    table_refusal_release(&refusal);
}

static void tables_are_found_whatever_their_case(void **state)
{
    OWNED(table_release) struct table orders = table_named("Orders");
    struct table_set set = {.tables = &orders, .table_count = 1};

    (void)state;
    assert_ptr_equal(table_set_find(&set, "oRDERS"), &orders);
    assert_null(table_set_find(&set, "order"));
    assert_null(table_set_find(&set, "orderss"));
}

static void only_ascii_case_is_ignored(void **state)
{
    (void)state;
    assert_true(table_same_name("Tablé", "tABLé"));
    assert_false(table_same_name("Tablé", "TABLÉ"));
    assert_false(table_same_name("a_b", "a-b"));
    assert_false(table_same_name("@", "`"));
}

static void columns_are_found_by_their_exact_name(void **state)
{
    OWNED(table_release) struct table table = table_named("t");

    (void)state;
    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "Name", CODEC_TEXT);
    assert_int_equal(table_find_column(&table, "Name"), 1);
    assert_int_equal(table_find_column(&table, "name"), TABLE_NO_COLUMN);
}

static void key_columns_are_known(void **state)
{
    OWNED(table_release) struct table table = table_named("t");

    (void)state;
    table_with_column(&table, "a", CODEC_BIGINT);
    table_with_column(&table, "b", CODEC_BIGINT);
    table_with_column(&table, "c", CODEC_BIGINT);
    table_with_key(&table, NAMES("c", "a"));
    assert_true(table_is_key(&table, 0));
    assert_false(table_is_key(&table, 1));
    assert_true(table_is_key(&table, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(releasing_nothing_is_harmless),
        cmocka_unit_test(tables_are_found_whatever_their_case),
        cmocka_unit_test(only_ascii_case_is_ignored),
        cmocka_unit_test(columns_are_found_by_their_exact_name),
        cmocka_unit_test(key_columns_are_known),
    };

    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
