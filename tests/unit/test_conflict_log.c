#include "lib/store/conflict_log.h"

#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

static void what_lost_is_kept(void **state)
{
    struct outbox_fixture *fixture = *state;
    const struct conflict_value values[] = {
        {"note", text_value("base"), text_value("local"), text_value("remote")},
        {"vat", {0}, integer_value(1), integer_value(2)},
    };
    struct conflict conflict = {
        .table = "orders",
        .row_key = "[\"1\"]",
        .rule = "manual",
        .open = true,
        .changed_us = 1000000,
        .values = values,
        .value_count = 2,
    };
    struct error err = {0};

    assert_int_equal(conflict_log_add(fixture->db, &conflict, &err), OK);
    conflict.open = false;
    conflict.local_wins = true;
    conflict.value_count = 0;
    assert_int_equal(conflict_log_add(fixture->db, &conflict, &err), OK);
    conflict.push_id = "push";
    assert_int_equal(conflict_log_add(fixture->db, &conflict, &err), OK);
    assert_text_of(fixture->db,
                   "select group_concat(conflict_id || column_name || winner || open ||"
                   "  ifnull(base_value, '-') || local_value || remote_value, ' ')"
                   "  from tide_conflict where column_name is not null",
                   "1noteremote1baselocalremote 1vatremote1-12");
    assert_text_of(fixture->db,
                   "select winner || open || changed_at from tide_conflict"
                   " where column_name is null",
                   "local01970-01-01T00:00:01.000Z");
    assert_text_of(fixture->db,
                   "select count(distinct conflict_id) || ' of ' ||"
                   "  (select count(*) from tide_conflict_row) from tide_conflict",
                   "2 of 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_lost_is_kept, outbox_fixture_setup,
                                        outbox_fixture_teardown),
    };

    return cmocka_run_group_tests_name("conflict_log", tests, NULL, NULL);
}
