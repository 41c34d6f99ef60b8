#include "lib/model/conflict_rule.h"

#include "tests/support/cmocka_all.h"

static bool wins(enum conflict_policy policy, struct conflict_times times)
{
    return conflict_rule_local_wins(policy, &times);
}

static void the_later_write_wins(void **state)
{
    (void)state;
    assert_true(wins(CONFLICT_LAST_WRITE_WINS,
                     (struct conflict_times){true, .remote_us = 10, .local_us = 11}));
    assert_false(wins(CONFLICT_LAST_WRITE_WINS,
                      (struct conflict_times){true, .remote_us = 11, .local_us = 10}));
}

static void a_tie_is_the_primarys(void **state)
{
    (void)state;
    assert_false(wins(CONFLICT_LAST_WRITE_WINS,
                      (struct conflict_times){true, .remote_us = 10, .local_us = 10}));
}

static void a_clock_that_is_wrong_is_corrected(void **state)
{
    struct conflict_times slow = {true, 1000, 600, .clock_offset_us = 500};
    struct conflict_times fast = {true, 1000, 1400, .clock_offset_us = -500};

    (void)state;
    assert_true(wins(CONFLICT_LAST_WRITE_WINS, slow));
    assert_false(wins(CONFLICT_LAST_WRITE_WINS, fast));
}

static void without_a_time_there_the_primary_wins(void **state)
{
    (void)state;
    assert_false(wins(CONFLICT_LAST_WRITE_WINS,
                      (struct conflict_times){false, .local_us = INT64_MAX / 2}));
}

static void the_other_policies_look_at_no_clock(void **state)
{
    struct conflict_times later = {true, .remote_us = 1, .local_us = 2};
    struct conflict_times earlier = {true, .remote_us = 2, .local_us = 1};

    (void)state;
    assert_true(wins(CONFLICT_CLIENT_WINS, earlier));
    assert_false(wins(CONFLICT_SERVER_WINS, later));
    assert_false(wins(CONFLICT_MANUAL, later));
}

static enum conflict_verdict verdict(struct conflict_column column)
{
    return conflict_rule_column(&column);
}

static void a_column_changed_on_one_side_is_merged(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct conflict_column){.has_base = true, .is_base = true}),
                     CONFLICT_MERGED);
}

static void the_same_value_on_both_sides_is_no_conflict(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct conflict_column){.is_local = true}),
                     CONFLICT_AGREED);
    assert_int_equal(
        verdict((struct conflict_column){.has_base = true, .is_local = true}),
        CONFLICT_AGREED);
}

static void another_value_on_each_side_is_one(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct conflict_column){.has_base = true}), CONFLICT_FOUND);
}

static void a_new_row_has_no_base_to_be_merged_by(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct conflict_column){.is_base = true}), CONFLICT_FOUND);
}

static void two_tombstones_agree_whatever_their_times(void **state)
{
    (void)state;
    assert_int_equal(
        verdict((struct conflict_column){.has_base = true, .tombstones = true}),
        CONFLICT_AGREED);
}

static void a_delete_there_stands_and_the_edit_is_kept(void **state)
{
    (void)state;
    assert_int_equal(conflict_rule_gone(CONFLICT_LAST_WRITE_WINS, false, true),
                     GONE_FILED);
    assert_int_equal(conflict_rule_gone(CONFLICT_SERVER_WINS, false, true), GONE_FILED);
    assert_int_equal(conflict_rule_gone(CONFLICT_MANUAL, false, true), GONE_FILED);
}

static void a_client_that_wins_brings_its_row_back(void **state)
{
    (void)state;
    assert_int_equal(conflict_rule_gone(CONFLICT_CLIENT_WINS, false, true),
                     GONE_INSERTED);
}

static void no_row_comes_back_as_a_tombstone(void **state)
{
    (void)state;
    assert_int_equal(conflict_rule_gone(CONFLICT_CLIENT_WINS, true, true), GONE_FILED);
    assert_int_equal(conflict_rule_gone(CONFLICT_CLIENT_WINS, true, false), GONE_AGREED);
    assert_int_equal(conflict_rule_gone(CONFLICT_SERVER_WINS, true, false), GONE_AGREED);
}

static void only_one_policy_asks_a_person(void **state)
{
    (void)state;
    for (int policy = 0; conflict_rule_names[policy]; policy++)
        assert_int_equal(conflict_rule_asks((enum conflict_policy)policy),
                         policy == CONFLICT_MANUAL);
}

static void a_row_that_comes_back_is_wanted_whole(void **state)
{
    (void)state;
    for (int policy = 0; conflict_rule_names[policy]; policy++)
        if (conflict_rule_gone((enum conflict_policy)policy, false, true) ==
            GONE_INSERTED)
            assert_true(conflict_rule_wants_whole_row((enum conflict_policy)policy));
    assert_false(conflict_rule_wants_whole_row(CONFLICT_SERVER_WINS));
}

static void every_policy_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(conflict_rule_names[CONFLICT_LAST_WRITE_WINS], "last_write_wins");
    assert_string_equal(conflict_rule_names[CONFLICT_SERVER_WINS], "server_wins");
    assert_string_equal(conflict_rule_names[CONFLICT_CLIENT_WINS], "client_wins");
    assert_string_equal(conflict_rule_names[CONFLICT_MANUAL], "manual");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_write_wins),
        cmocka_unit_test(a_tie_is_the_primarys),
        cmocka_unit_test(a_clock_that_is_wrong_is_corrected),
        cmocka_unit_test(without_a_time_there_the_primary_wins),
        cmocka_unit_test(the_other_policies_look_at_no_clock),
        cmocka_unit_test(a_column_changed_on_one_side_is_merged),
        cmocka_unit_test(the_same_value_on_both_sides_is_no_conflict),
        cmocka_unit_test(another_value_on_each_side_is_one),
        cmocka_unit_test(a_new_row_has_no_base_to_be_merged_by),
        cmocka_unit_test(two_tombstones_agree_whatever_their_times),
        cmocka_unit_test(a_delete_there_stands_and_the_edit_is_kept),
        cmocka_unit_test(a_client_that_wins_brings_its_row_back),
        cmocka_unit_test(no_row_comes_back_as_a_tombstone),
        cmocka_unit_test(only_one_policy_asks_a_person),
        cmocka_unit_test(a_row_that_comes_back_is_wanted_whole),
        cmocka_unit_test(every_policy_has_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
