#include "daemon/migrate/lint_findings.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

static void an_allowance_needs_a_reason(void **state)
{
    (void)state;
    assert_true(lint_is_allowed("-- tidemark: allow TM306 empty\n", NULL, "TM306"));
    assert_true(
        lint_is_allowed("Wall clock. tidemark: allow TM204 local", NULL, "TM204"));
    assert_false(lint_is_allowed("-- tidemark: allow TM306\n", NULL, "TM306"));
    assert_false(lint_is_allowed("-- tidemark: allow TM306  \r\nempty", NULL, "TM306"));
    assert_false(lint_is_allowed("-- tidemark: allow TM30 empty", NULL, "TM306"));
    assert_false(lint_is_allowed("", NULL, "TM306"));
}

static void what_stands_behind_the_end_does_not_count(void **state)
{
    const char *text = "-- tidemark: allow TM306 empty";

    (void)state;
    assert_false(lint_is_allowed(text, text + 10, "TM306"));
}

static void one_without_reason_or_rule_is_pointed_at(void **state)
{
    const char *text = "-- tidemark: allow TM306 empty\n-- tidemark: allow TM000 x\n";

    (void)state;
    assert_ptr_equal(lint_bad_allowance(text, NULL), strstr(text, "TM000"));
    assert_null(lint_bad_allowance("-- tidemark: allow TM306 empty\n", NULL));
    assert_non_null(lint_bad_allowance("-- tidemark: allow TM306", NULL));
}

static void every_rule_has_an_id_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count; i++)
        assert_ptr_equal(lint_rule_find(lint_rules[i].id, strlen(lint_rules[i].id)),
                         &lint_rules[i]);
    assert_null(lint_rule_find("TM", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowance_needs_a_reason),
        cmocka_unit_test(what_stands_behind_the_end_does_not_count),
        cmocka_unit_test(one_without_reason_or_rule_is_pointed_at),
        cmocka_unit_test(every_rule_has_an_id_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
