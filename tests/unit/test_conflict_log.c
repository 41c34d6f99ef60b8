#include "lib/store/conflict_log.h"

#include "lib/base/cleanup.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"
#include "tests/support/table_builder.h"

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

/* What the primary computes could not be written again. */
static void a_whole_row_is_each_column_once_but_the_generated(void **state)
{
    OWNED(table_release) struct table table = table_named("orders");
    const struct value row[] = {integer_value(1), text_value("local"), integer_value(9)};
    struct conflict_value values[3] = {
        {"note", text_value("base"), text_value("local"), {0}}};

    (void)state;
    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "note", CODEC_TEXT);
    table_with_column(&table, "twice", CODEC_BIGINT)->generated = true;
    assert_int_equal(conflict_values_complete(values, 1, &table, row), 2);
    assert_string_equal(values[0].base.bytes, "base");
    assert_string_equal(values[1].column, "id");
    assert_int_equal(values[1].base.integer, 1);
    assert_int_equal(values[1].local.integer, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_lost_is_kept, outbox_fixture_setup,
                                        outbox_fixture_teardown),
        cmocka_unit_test(a_whole_row_is_each_column_once_but_the_generated),
    };

    return cmocka_run_group_tests_name("conflict_log", tests, NULL, NULL);
}
