#include "daemon/sync/push_boundaries.h"

#include "tests/support/cmocka_all.h"

static void a_backlog_is_cut_where_it_was_seen(void **state)
{
    struct push_boundaries boundaries = {0};

    (void)state;
    push_boundaries_add(&boundaries, 80, 100);
    push_boundaries_add(&boundaries, 140, 100);
    push_boundaries_add(&boundaries, 900, 100);
    assert_int_equal(push_boundaries_after(&boundaries, 1, 100), 80);
    assert_int_equal(push_boundaries_after(&boundaries, 41, 100), 140);
    /* never seen in between: one push, however large */
    assert_int_equal(push_boundaries_after(&boundaries, 141, 100), 900);
    assert_int_equal(push_boundaries_after(&boundaries, 901, 100), 0);
}

static void small_transactions_go_together(void **state)
{
    struct push_boundaries boundaries = {0};
    int64_t first = 1;
    int pushes = 0;

    (void)state;
    for (int64_t sequence = 1; sequence <= 100000; sequence++)
        push_boundaries_add(&boundaries, sequence, 1000);
    for (int64_t through;
         (through = push_boundaries_after(&boundaries, first, 1000)) != 0; pushes++) {
        assert_in_range(through - first + 1, 1, 1000);
        first = through + 1;
        push_boundaries_forget(&boundaries, through);
    }
    assert_int_equal(first, 100001);
    assert_in_range(pushes, 100, 200);
    assert_int_equal(boundaries.count, 0);
}

static void the_list_is_bounded(void **state)
{
    struct push_boundaries boundaries = {0};

    (void)state;
    for (int64_t sequence = 1; sequence <= 100000; sequence++)
        push_boundaries_add(&boundaries, sequence, 1);
    assert_in_range(boundaries.count, 1, PUSH_BOUNDARIES_LIMIT);
    /* the end of the outbox is always one */
    assert_int_equal(boundaries.sequences[boundaries.count - 1], 100000);
    assert_in_range(push_boundaries_after(&boundaries, 1, 1), 1, 1000);
}

static void what_was_seen_before_adds_nothing(void **state)
{
    struct push_boundaries boundaries = {0};

    (void)state;
    push_boundaries_add(&boundaries, 5, 1);
    push_boundaries_add(&boundaries, 5, 1);
    push_boundaries_add(&boundaries, 3, 1);
    assert_int_equal(boundaries.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_is_cut_where_it_was_seen),
        cmocka_unit_test(small_transactions_go_together),
        cmocka_unit_test(the_list_is_bounded),
        cmocka_unit_test(what_was_seen_before_adds_nothing),
    };

    return cmocka_run_group_tests_name("push_boundaries", tests, NULL, NULL);
}
