#include "daemon/sync/table_state.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

static void every_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int one = 0; one < TABLE_STATE_COUNT; one++) {
        assert_non_null(table_state_name((enum table_state)one));
        for (int other = 0; other < one; other++)
            assert_string_not_equal(table_state_name((enum table_state)one),
                                    table_state_name((enum table_state)other));
    }
    assert_string_equal(table_state_name(TABLE_CATCHING_UP), "catching up");
}

static void staying_is_always_allowed(void **state)
{
    (void)state;
    for (int one = 0; one < TABLE_STATE_COUNT; one++)
        assert_true(table_state_may_become((enum table_state)one, (enum table_state)one));
}

static void assert_may_become(const enum table_state *path, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!table_state_may_become(path[i - 1], path[i]))
            fail_msg("%s may not become %s", table_state_name(path[i - 1]),
                     table_state_name(path[i]));
}

#define PATH(...)                                                                        \
    assert_may_become((const enum table_state[]){__VA_ARGS__},                           \
                      sizeof((const enum table_state[]){__VA_ARGS__}) /                  \
                          sizeof(enum table_state))

static void lives_that_are_lived(void **state)
{
    (void)state;
    PATH(TABLE_ABSENT, TABLE_SNAPSHOT, TABLE_CATCHING_UP, TABLE_LIVE);
    PATH(TABLE_LIVE, TABLE_CATCHING_UP, TABLE_LIVE);
    PATH(TABLE_LIVE, TABLE_SNAPSHOT, TABLE_CATCHING_UP, TABLE_LIVE);
    PATH(TABLE_ABSENT, TABLE_FAILED, TABLE_ABSENT);
    PATH(TABLE_SNAPSHOT, TABLE_FAILED, TABLE_SNAPSHOT);
    PATH(TABLE_CATCHING_UP, TABLE_FAILED, TABLE_CATCHING_UP);
    PATH(TABLE_LIVE, TABLE_FAILED, TABLE_LIVE);
}

static void nothing_is_live_before_it_has_caught_up(void **state)
{
    (void)state;
    assert_false(table_state_may_become(TABLE_ABSENT, TABLE_LIVE));
    assert_false(table_state_may_become(TABLE_SNAPSHOT, TABLE_LIVE));
}

static void what_applications_see_is_not_absent(void **state)
{
    (void)state;
    assert_false(table_state_may_become(TABLE_LIVE, TABLE_ABSENT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_a_name_of_its_own),
        cmocka_unit_test(staying_is_always_allowed),
        cmocka_unit_test(lives_that_are_lived),
        cmocka_unit_test(nothing_is_live_before_it_has_caught_up),
        cmocka_unit_test(what_applications_see_is_not_absent),
    };

    return cmocka_run_group_tests_name("table_state", tests, NULL, NULL);
}
