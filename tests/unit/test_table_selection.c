#include "daemon/primary/table_selection.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

static void nothing_said_means_everything(void **state)
{
    (void)state;
    assert_int_equal(table_selection_of(NULL, "public", "orders"), TABLE_SELECTED);
    assert_int_equal(table_selection_of(NAMES("!log"), "public", "orders"),
                     TABLE_SELECTED);
}

static void a_list_means_no_more_than_its_names(void **state)
{
    const char *const *patterns = NAMES("orders", "order_*");

    (void)state;
    assert_int_equal(table_selection_of(patterns, "public", "orders"),
                     TABLE_SELECTED_BY_NAME);
    assert_int_equal(table_selection_of(patterns, "public", "order_lines"),
                     TABLE_SELECTED);
    assert_int_equal(table_selection_of(patterns, "public", "Orders"),
                     TABLE_NOT_SELECTED);
}

static void an_exclude_wins_wherever_it_stands(void **state)
{
    (void)state;
    assert_int_equal(table_selection_of(NAMES("!log_*", "*"), "public", "log_2026"),
                     TABLE_NOT_SELECTED);
    assert_int_equal(
        table_selection_of(NAMES("log_2026", "!log_*"), "public", "log_2026"),
        TABLE_NOT_SELECTED);
}

static void a_pattern_may_name_the_schema(void **state)
{
    (void)state;
    assert_int_equal(table_selection_of(NAMES("sales.orders"), "sales", "orders"),
                     TABLE_SELECTED_BY_NAME);
    assert_int_equal(table_selection_of(NAMES("sales.orders"), "public", "orders"),
                     TABLE_NOT_SELECTED);
    assert_int_equal(table_selection_of(NAMES("*", "!sales.*"), "sales", "orders"),
                     TABLE_NOT_SELECTED);
}

static void a_name_with_brackets_means_itself(void **state)
{
    (void)state;
    assert_int_not_equal(table_selection_of(NAMES("odd[1]"), "public", "odd[1]"),
                         TABLE_NOT_SELECTED);
}

static void the_qualified_rule_comes_first(void **state)
{
    const struct introspect_rule rules[] = {{.table = "orders"},
                                            {.table = "sales.orders"}};
    const struct introspect_config config = {.rules = rules, .rule_count = 2};

    (void)state;
    assert_ptr_equal(table_selection_rule(&config, "sales", "orders"), &rules[1]);
    assert_ptr_equal(table_selection_rule(&config, "public", "orders"), &rules[0]);
    assert_null(table_selection_rule(&config, "public", "order"));
}

static void columns_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(column_selection_of(NULL, "a"), COLUMN_SELECTED);
    assert_int_equal(column_selection_of(NAMES("!embedding"), "a"), COLUMN_SELECTED);
    assert_int_equal(column_selection_of(NAMES("!emb*"), "embedding"), COLUMN_EXCLUDED);
    assert_int_equal(column_selection_of(NAMES("a", "b"), "c"), COLUMN_NOT_LISTED);
}

static void unknown_column_names_are_found(void **state)
{
    OWNED(table_release) struct table table = table_named("t");

    (void)state;
    table_with_column(&table, "embedding", CODEC_TEXT);
    assert_null(column_selection_unknown(NAMES("!embedding", "!x_*"), &table));
    assert_string_equal(column_selection_unknown(NAMES("!embeding"), &table), "embeding");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_means_everything),
        cmocka_unit_test(a_list_means_no_more_than_its_names),
        cmocka_unit_test(an_exclude_wins_wherever_it_stands),
        cmocka_unit_test(a_pattern_may_name_the_schema),
        cmocka_unit_test(a_name_with_brackets_means_itself),
        cmocka_unit_test(the_qualified_rule_comes_first),
        cmocka_unit_test(columns_are_told_apart),
        cmocka_unit_test(unknown_column_names_are_found),
    };

    return cmocka_run_group_tests_name("table_selection", tests, NULL, NULL);
}
