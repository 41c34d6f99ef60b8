#include "daemon/migrate/schema_name.h"

#include "tests/support/cmocka_all.h"

static void assert_parts(const char *name, const char *first, const char *last)
{
    char part[SCHEMA_NAME_SIZE];

    schema_name_first(name, part);
    assert_string_equal(part, first);
    schema_name_last(name, part);
    assert_string_equal(part, last);
}

static void names_are_taken_apart_and_unquoted(void **state)
{
    (void)state;
    assert_parts("public.orders.note", "public", "note");
    assert_parts("plain", "plain", "plain");
    assert_parts("\"Odd.One\".\"it\"\"s\"", "Odd.One", "it\"s");
    assert_parts("", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_apart_and_unquoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
