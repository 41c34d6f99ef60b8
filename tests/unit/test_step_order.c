#include "daemon/migrate/step_order.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#define STEPS 5

static void make(struct step_order *order)
{
    struct error err;

    assert_int_equal(step_order_init(order, STEPS, &err), OK);
    for (size_t i = 0; i < STEPS; i++)
        step_order_rank(order, i, i != 4, STEPS - i); /* the last one takes no part */
}

static void assert_order(struct step_order *order, const size_t *expected, size_t count)
{
    size_t steps[STEPS];
    size_t found;
    struct error err;

    assert_int_equal(step_order_run(order, steps, &found, &err), OK);
    assert_int_equal(found, count);
    assert_memory_equal(steps, expected, count * sizeof(size_t));
}

static void the_smallest_rank_goes_first(void **state)
{
    OWNED(step_order_release) struct step_order order;

    (void)state;
    make(&order);
    assert_order(&order, (size_t[]){3, 2, 1, 0}, 4);
    assert_false(order.stuck);
}

static void what_must_come_before_does(void **state)
{
    OWNED(step_order_release) struct step_order order;

    (void)state;
    make(&order);
    step_order_add(&order, 0, 3);
    step_order_add(&order, 0, 3);
    step_order_add(&order, 1, 1);
    assert_order(&order, (size_t[]){2, 1, 0, 3}, 4);
}

static void a_circle_is_named_and_comes_last(void **state)
{
    OWNED(step_order_release) struct step_order order;

    (void)state;
    make(&order);
    step_order_add(&order, 2, 3);
    step_order_add(&order, 3, 2);
    assert_order(&order, (size_t[]){1, 0, 3, 2}, 4);
    assert_true(order.stuck);
    assert_true(step_order_is_stuck(&order, 2));
    assert_false(step_order_is_stuck(&order, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_rank_goes_first),
        cmocka_unit_test(what_must_come_before_does),
        cmocka_unit_test(a_circle_is_named_and_comes_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
