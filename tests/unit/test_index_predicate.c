#include "daemon/primary/index_predicate.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

static int make_table(void **state)
{
    static struct table table;

    table = table_named("t");
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_column(&table, "active", CODEC_BOOLEAN);
    table_with_column(&table, "Odd \"one\"", CODEC_TEXT);
    table_with_column(&table, "n", CODEC_INTEGER);
    *state = &table;
    return 0;
}

static int drop_table(void **state)
{
    table_release(*state);
    return 0;
}

static void assert_translates(void **state, const char *expression, const char *expected)
{
    OWNED(buffer_release) struct buffer sql = {0};

    assert_true(index_predicate_translate(&sql, *state, expression));
    assert_string_equal(sql.data, expected);
}

static void assert_left_alone(void **state, const char *expression)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (index_predicate_translate(&sql, *state, expression))
        fail_msg("%s became %s", expression, sql.data);
}

static void null_tests_are_understood(void **state)
{
    assert_translates(state, "(deleted_at IS NULL)", "(\"deleted_at\" IS NULL)");
    assert_translates(state, "(\"Odd \"\"one\"\"\" IS NOT NULL)",
                      "(\"Odd \"\"one\"\"\" IS NOT NULL)");
}

static void boolean_columns_are_understood(void **state)
{
    assert_translates(state, "active", "\"active\"");
    assert_translates(state, "(NOT active)", "(NOT (\"active\"))");
    assert_translates(state, "(active = true)", "(\"active\" = 1)");
    assert_translates(state, "(active = false)", "(\"active\" = 0)");
}

static void conditions_are_joined(void **state)
{
    assert_translates(state, "((deleted_at IS NULL) AND active AND (NOT active))",
                      "((\"deleted_at\" IS NULL) AND \"active\" AND (NOT "
                      "(\"active\")))");
}

static void everything_else_is_left_alone(void **state)
{
    static const char *const expressions[] = {
        "(n > 3)",
        "((deleted_at IS NULL) AND (n > 3))",
        "((deleted_at IS NULL) OR active)",
        "(lower(\"Odd \"\"one\"\"\") IS NULL)",
        "(missing IS NULL)",
        "(active IS TRUE)",
        "(active = other)",
        "(active = truer)",
        "n",
        "(NOT n)",
        "(deleted_at IS NULL",
        "(deleted_at IS NULL))",
        "\"unterminated",
        "",
    };

    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
        assert_left_alone(state, expressions[i]);
}

static void deep_nesting_is_left_alone(void **state)
{
    char expression[5001];

    for (size_t i = 0; i < sizeof(expression) - 1; i++)
        expression[i] = '(';
    expression[sizeof(expression) - 1] = '\0';
    assert_left_alone(state, expression);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_table, drop_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(null_tests_are_understood),  CASE(boolean_columns_are_understood),
        CASE(conditions_are_joined),      CASE(everything_else_is_left_alone),
        CASE(deep_nesting_is_left_alone),
    };

    return cmocka_run_group_tests_name("index_predicate", tests, NULL, NULL);
}
