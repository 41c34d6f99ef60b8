#include "lib/store/outbox_hold.h"

#include "lib/base/cleanup.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

static const char some_entries[] =
    "insert into tide_outbox (table_id, row_key, op) values (1, '[\"1\"]', 'update'),"
    " (2, '[\"1\"]', 'update');"
    "insert into tide_unit values ('begin');"
    "insert into tide_outbox (table_id, row_key, op) values (1, '[\"2\"]', 'update');"
    "insert into tide_unit values ('end');"
    "insert into tide_unit values ('begin');"
    "insert into tide_outbox (table_id, row_key, op) values (2, '[\"2\"]', 'update');"
    "insert into tide_unit values ('end');"
    "insert into tide_outbox (table_id, row_key, op) values (2, '[\"3\"]', 'update');";

static void hold(struct database *db, int64_t table_id)
{
    OWNED(outbox_hold_release) struct outbox_hold hold = {0};
    struct error err;

    assert_int_equal(outbox_hold_add(&hold, table_id, &err), OK);
    assert_int_equal(outbox_hold_write(&hold, db, &err), OK);
}

static void entries_of_a_held_table_stay_with_the_marks_of_their_unit(void **state)
{
    struct database *db = *state;
    struct error err;

    run_sql(db, some_entries);
    hold(db, 1);
    assert_int_equal(outbox_hold_delete_through(db, 8, &err), OK);
    assert_text_of(db, "select group_concat(sequence) from tide_outbox", "1,3,4,5,9");
}

static void nothing_stays_when_nothing_is_held(void **state)
{
    struct database *db = *state;
    struct error err;

    run_sql(db, some_entries);
    assert_int_equal(outbox_hold_delete_through(db, 8, &err), OK);
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 1);
}

static void a_hold_is_kept_in_the_cache_and_ends(void **state)
{
    struct database *db = *state;
    OWNED(outbox_hold_release) struct outbox_hold read = {0};
    struct outbox_hold nothing = {0};
    struct error err;

    hold(db, 7);
    assert_int_equal(outbox_hold_read(&read, db, &err), OK);
    assert_true(outbox_hold_has(&read, 7));
    assert_false(outbox_hold_has(&read, 8));
    assert_int_equal(outbox_hold_write(&nothing, db, &err), OK);
    assert_int_equal(number_of(db, "select count(*) from tide_push_held"), 0);
}

#define CASE(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, cache_in_memory_setup,                     \
                                    cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(entries_of_a_held_table_stay_with_the_marks_of_their_unit),
        CASE(nothing_stays_when_nothing_is_held),
        CASE(a_hold_is_kept_in_the_cache_and_ends),
    };

    return cmocka_run_group_tests_name("outbox_hold", tests, NULL, NULL);
}
