#include "lib/store/outbox.h"

#include "lib/base/cleanup.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

static void an_empty_one_is_empty(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct error err = {0};
    int64_t last = 9;

    assert_int_equal(outbox_last_sequence(fixture->db, &last, &err), OK);
    assert_int_equal(last, 0);
    assert_int_equal(outbox_first_sequence(fixture->db, &last, &err), NOTHING);
}

static void entries_are_read_in_order(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED(outbox_reader_release) struct outbox_reader reader;
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    marked(fixture, "begin");
    captured(fixture, CUSTOMER_ID, "[\"Ab\\t\"]", "update", "{\"name\":\"'x'\"}");
    captured(fixture, 77, "[\"Ab\\t\"]", "delete", "{}");
    assert_int_equal(outbox_reader_init(&reader, fixture->db, &fixture->tables, 1, &err),
                     OK);
    assert_int_equal(outbox_reader_next(&reader, &entry, &err), OK);
    assert_int_equal(entry.operation, OUTBOX_UNIT_BEGIN);
    assert_null(entry.row_key);
    assert_int_equal(outbox_reader_next(&reader, &entry, &err), OK);
    assert_int_equal(entry.sequence, 3);
    assert_string_equal(entry.row_key, "[\"ab\\u0009\"]");
    assert_string_equal(change_base_find(&entry.base, "name")->quoted, "'x'");
    assert_int_equal(entry.changed_us, 3000000);
    assert_int_equal(outbox_reader_next(&reader, &entry, &err), OK);
    assert_string_equal(entry.row_key, "[\"Ab\\t\"]");
    assert_int_equal(entry.operation, OUTBOX_DELETE);
    assert_int_equal(outbox_reader_next(&reader, &entry, &err), NOTHING);
}

static void the_time_of_capture_is_exact(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED(outbox_reader_release) struct outbox_reader reader;
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct error err = {0};

    run_sql(fixture->db, "insert into tide_outbox (table_id, op, changed_at)"
                         " values (0, 'begin', julianday('2026-11-22T12:40:31.123')),"
                         " (0, 'end', 'yesterday'), (0, 'end', 1e300)");
    assert_int_equal(outbox_reader_init(&reader, fixture->db, &fixture->tables, 0, &err),
                     OK);
    assert_int_equal(outbox_reader_next(&reader, &entry, &err), OK);
    assert_int_equal(entry.changed_us, 1795351231123000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(outbox_reader_next(&reader, &entry, &err), OK);
        assert_int_equal(entry.changed_us, 0);
    }
}

static void what_no_trigger_wrote_is_named(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED(outbox_reader_release) struct outbox_reader reader;
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "upsert", NULL);
    assert_int_equal(outbox_reader_init(&reader, fixture->db, &fixture->tables, 0, &err),
                     OK);
    assert_int_equal(outbox_reader_next(&reader, &entry, &err), FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_string_equal(err.message, "tide_outbox, sequence 1: not an operation: upsert");
}

static void entries_through_a_sequence_are_deleted(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct error err = {0};
    int64_t first;
    int64_t last;

    for (int i = 0; i < 3; i++)
        captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}");
    assert_int_equal(outbox_delete_through(fixture->db, 2, &err), OK);
    assert_int_equal(number_of(fixture->db, "select sum(sequence) from tide_outbox"), 3);
    assert_int_equal(outbox_first_sequence(fixture->db, &first, &err), OK);
    assert_int_equal(first, 3);
    assert_int_equal(outbox_delete_through(fixture->db, 3, &err), OK);
    assert_int_equal(captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}"), 4);
    assert_int_equal(outbox_last_sequence(fixture->db, &last, &err), OK);
    assert_int_equal(last, 4);
}

static void tables_are_known_by_number_and_by_name(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct table copy = fixture->orders;

    assert_ptr_equal(outbox_tables_find(&fixture->tables, ORDERS_ID), &fixture->orders);
    assert_null(outbox_tables_find(&fixture->tables, 77));
    assert_int_equal(outbox_tables_id(&fixture->tables, &copy), ORDERS_ID);
    copy.name = fixture->customer.name;
    assert_int_equal(outbox_tables_id(&fixture->tables, &copy), 0);
}

#define WITH_FIXTURE(test)                                                               \
    cmocka_unit_test_setup_teardown(test, outbox_fixture_setup, outbox_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(an_empty_one_is_empty),
        WITH_FIXTURE(entries_are_read_in_order),
        WITH_FIXTURE(the_time_of_capture_is_exact),
        WITH_FIXTURE(what_no_trigger_wrote_is_named),
        WITH_FIXTURE(entries_through_a_sequence_are_deleted),
        WITH_FIXTURE(tables_are_known_by_number_and_by_name),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
