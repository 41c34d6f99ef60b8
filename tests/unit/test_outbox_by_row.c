#include "lib/store/outbox_by_row.h"

#include "lib/base/cleanup.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

/* "table key sequence" for each entry, one a line. */
static void append_entries(struct outbox_fixture *fixture, struct buffer *text)
{
    OWNED(outbox_by_row_release) struct outbox_by_row reader = {0};
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct error err = {0};
    enum outcome outcome;

    assert_int_equal(outbox_by_row_init(&reader, fixture->db, &fixture->tables, &err),
                     OK);
    while ((outcome = outbox_by_row_next(&reader, &entry, &err)) == OK)
        buffer_append_format(text, "%lld %s %lld\n", (long long)entry.table_id,
                             entry.row_key, (long long)entry.sequence);
    assert_int_equal(outcome, NOTHING);
}

static void each_rows_entries_stand_together(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED(buffer_release) struct buffer text = {0};

    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{}");
    captured(fixture, CUSTOMER_ID, "[\"Ab\\t\"]", "update", "{\"name\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    captured(fixture, CUSTOMER_ID, "[\"aB\\u0009\"]", "delete", "{}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "delete", "{}");
    append_entries(fixture, &text);
    assert_string_equal(text.data, "1 [\"ab\\u0009\"] 2\n"
                                   "1 [\"ab\\u0009\"] 4\n"
                                   "2 [\"1\"] 3\n"
                                   "2 [\"2\"] 1\n"
                                   "2 [\"2\"] 5\n");
}

static void marks_and_unknown_tables_are_passed_over(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED(buffer_release) struct buffer text = {0};

    marked(fixture, "begin");
    captured(fixture, 77, "nonsense", "delete", "{}");
    captured(fixture, LINE_ID, "[\"1\",\"2\"]", "delete", "{}");
    marked(fixture, "end");
    append_entries(fixture, &text);
    assert_string_equal(text.data, "3 [\"1\",\"2\"] 3\n");
}

static void a_key_that_is_none_is_named(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED(outbox_by_row_release) struct outbox_by_row reader = {0};
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "nonsense", "insert", NULL);
    assert_int_equal(outbox_by_row_init(&reader, fixture->db, &fixture->tables, &err),
                     OK);
    assert_int_equal(outbox_by_row_next(&reader, &entry, &err), FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_string_equal(err.message, "tide_outbox: not a row's key: nonsense");
}

#define TEST(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, outbox_fixture_setup, outbox_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_rows_entries_stand_together),
        TEST(marks_and_unknown_tables_are_passed_over),
        TEST(a_key_that_is_none_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
