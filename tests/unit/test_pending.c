#include "lib/store/pending.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

#include <stdlib.h>
#include <string.h>

#define OWNED_PENDING OWNED(free_pending) struct pending *

static void free_pending(struct pending **pending)
{
    pending_free(*pending);
}

static void refresh(struct pending *pending, struct outbox_fixture *fixture)
{
    struct error err = {0};

    if (pending_refresh(pending, &fixture->tables, &err) == FAILED)
        fail_msg("%s", err.message);
}

static struct pending *pending_of(struct outbox_fixture *fixture)
{
    struct pending *pending;
    struct error err = {0};

    if (pending_new(&pending, fixture->db, &err) == FAILED)
        fail_msg("%s", err.message);
    refresh(pending, fixture);
    return pending;
}

static enum outcome find(struct pending *pending, struct outbox_fixture *fixture,
                         int64_t id, struct pending_change *out_change)
{
    const struct value key = integer_value(id);
    struct error err = {0};

    return pending_find(pending, &fixture->orders, &key, out_change, &err);
}

static void assert_pending(struct pending *pending, struct outbox_fixture *fixture,
                           int64_t id, enum pending_kind kind, const char *base)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    OWNED(buffer_release) struct buffer json = {0};

    assert_int_equal(find(pending, fixture, id, &change), OK);
    assert_int_equal(change.kind, kind);
    change_base_append_json(&json, &change.base);
    assert_string_equal(json.data, base);
}

static void assert_not_pending(struct pending *pending, struct outbox_fixture *fixture,
                               int64_t id)
{
    struct pending_change change;

    assert_int_equal(find(pending, fixture, id, &change), NOTHING);
}

static void capture_orders(struct outbox_fixture *fixture)
{
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'a'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"1\"]", "update",
             "{\"note\":\"'b'\",\"amount\":\"1.5\"}");
    captured(fixture, 77, "[\"1\"]", "delete", "{}");
}

static void rows_are_found_by_key(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value key = text_value("ABC");
    OWNED(pending_change_release) struct pending_change change = {0};
    struct error err = {0};

    capture_orders(fixture);
    captured(fixture, CUSTOMER_ID, "[\"abc\"]", "delete", "{\"id\":\"'aBc'\"}");
    pending = pending_of(fixture);
    assert_pending(pending, fixture, 1, PENDING_UPDATE,
                   "{\"note\":\"'a'\",\"amount\":\"1.5\"}");
    assert_pending(pending, fixture, 2, PENDING_INSERT, "{}");
    assert_not_pending(pending, fixture, 3);
    assert_int_equal(pending_find(pending, &fixture->customer, &key, &change, &err), OK);
    assert_int_equal(change.kind, PENDING_DELETE);
    assert_int_equal(change.changed_us, 5000000);
}

static void it_goes_on_where_it_stopped(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = pending_of(fixture);

    assert_true(pending_is_empty(pending));
    capture_orders(fixture);
    assert_not_pending(pending, fixture, 1);
    refresh(pending, fixture);
    assert_false(pending_is_empty(pending));
    captured(fixture, ORDERS_ID, "[\"1\"]", "delete", "{\"vat\":\"7\"}");
    refresh(pending, fixture);
    assert_pending(pending, fixture, 1, PENDING_DELETE,
                   "{\"note\":\"'a'\",\"amount\":\"1.5\",\"vat\":\"7\"}");
}

static void what_a_push_took_is_not_pending_any_more(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    struct error err = {0};

    capture_orders(fixture);
    pending = pending_of(fixture);
    assert_int_equal(outbox_delete_through(fixture->db, 2, &err), OK);
    refresh(pending, fixture);
    assert_pending(pending, fixture, 1, PENDING_UPDATE,
                   "{\"note\":\"'b'\",\"amount\":\"1.5\"}");
    assert_not_pending(pending, fixture, 2);
    assert_int_equal(outbox_delete_through(fixture->db, 4, &err), OK);
    refresh(pending, fixture);
    assert_true(pending_is_empty(pending));
    assert_not_pending(pending, fixture, 1);
}

static void a_table_can_become_known(void **state)
{
    struct outbox_fixture *fixture = *state;
    const struct outbox_tables none = {0};
    OWNED_PENDING pending = NULL;
    struct error err = {0};

    capture_orders(fixture);
    pending = pending_of(fixture);
    assert_int_equal(pending_refresh(pending, &none, &err), OK);
    assert_true(pending_is_empty(pending));
    assert_not_pending(pending, fixture, 1);
    refresh(pending, fixture);
    assert_false(pending_is_empty(pending));
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_pending_entry"),
                     3);
}

static void a_transaction_that_was_rolled_back_leaves_nothing(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = pending_of(fixture);
    struct error err = {0};

    assert_int_equal(database_begin(fixture->db, &err), OK);
    capture_orders(fixture);
    refresh(pending, fixture);
    database_roll_back(fixture->db);
    pending_reset(pending);
    captured(fixture, ORDERS_ID, "[\"5\"]", "insert", NULL);
    refresh(pending, fixture);
    assert_not_pending(pending, fixture, 1);
    assert_pending(pending, fixture, 5, PENDING_INSERT, "{}");
}

static void two_on_one_connection_see_the_same(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING first = pending_of(fixture);
    OWNED_PENDING second = pending_of(fixture);
    const struct value key = integer_value(1);
    struct error err = {0};

    capture_orders(fixture);
    refresh(first, fixture);
    refresh(second, fixture);
    assert_int_equal(pending_remove(second, &fixture->orders, &key, &err), OK);
    refresh(first, fixture);
    assert_not_pending(first, fixture, 1);
    assert_pending(first, fixture, 2, PENDING_INSERT, "{}");
}

static void a_removed_row_leaves_the_outbox(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    struct value key = integer_value(1);
    struct error err = {0};

    capture_orders(fixture);
    pending = pending_of(fixture);
    assert_int_equal(pending_remove(pending, &fixture->orders, &key, &err), OK);
    assert_not_pending(pending, fixture, 1);
    assert_text_of(fixture->db, "select group_concat(sequence) from tide_outbox", "2,4");
    refresh(pending, fixture);
    assert_pending(pending, fixture, 2, PENDING_INSERT, "{}");
    key = integer_value(2);
    assert_int_equal(pending_remove(pending, &fixture->orders, &key, &err), OK);
    assert_true(pending_is_empty(pending));
}

static void a_stripped_column_is_in_no_base(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value key = integer_value(1);
    struct error err = {0};

    capture_orders(fixture);
    captured(fixture, ORDERS_ID, "[\"1\"]", "delete",
             "{\"note\":\"'c'\",\"vat\":\"NULL\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    pending = pending_of(fixture);
    assert_int_equal(pending_strip(pending, &fixture->orders, &key, "note", &err), OK);
    assert_pending(pending, fixture, 1, PENDING_UPDATE,
                   "{\"amount\":\"1.5\",\"vat\":\"NULL\"}");
    assert_text_of(fixture->db, "select group_concat(sequence) from tide_outbox",
                   "2,3,4,5,6");
    pending_reset(pending);
    refresh(pending, fixture);
    assert_pending(pending, fixture, 1, PENDING_UPDATE,
                   "{\"amount\":\"1.5\",\"vat\":\"NULL\"}");
}

static void a_row_stripped_of_everything_is_not_pending(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value key = integer_value(1);
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'a'\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'b'\"}");
    pending = pending_of(fixture);
    assert_int_equal(pending_strip(pending, &fixture->orders, &key, "note", &err), OK);
    assert_not_pending(pending, fixture, 1);
    assert_true(pending_is_empty(pending));
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_outbox"), 0);
}

static void a_touch_is_not_taken_for_stripped(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value key = integer_value(1);
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}");
    pending = pending_of(fixture);
    assert_int_equal(pending_strip(pending, &fixture->orders, &key, "note", &err), OK);
    assert_pending(pending, fixture, 1, PENDING_UPDATE, "{}");
}

static void an_old_value_that_never_was_is_corrected(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value key = integer_value(1);
    const struct pending_correction corrections[] = {
        {"note", "'refused'", "'before'"}, {"vat", "9", "1"}, {"other", "'x'", "'y'"}};
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"vat\":\"7\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'refused'\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update",
             "{\"note\":\"'refused'\",\"vat\":\"9\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"note\":\"'refused'\"}");
    pending = pending_of(fixture);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            pending_correct(pending, &fixture->orders, &key, &corrections[i], &err), OK);
    assert_text_of(fixture->db, "select group_concat(base, ' ') from tide_outbox",
                   "{\"vat\":\"7\"} {\"note\":\"'before'\"} "
                   "{\"note\":\"'refused'\",\"vat\":\"9\"} {\"note\":\"'refused'\"}");
}

static void entries_become_one_insert(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value key = integer_value(1);
    struct error err = {0};

    capture_orders(fixture);
    pending = pending_of(fixture);
    assert_int_equal(pending_make_insert(pending, &fixture->orders, &key, &err), OK);
    assert_pending(pending, fixture, 1, PENDING_INSERT, "{}");
    assert_text_of(fixture->db,
                   "select group_concat(sequence || op || ifnull(base, '-'), ' ')"
                   "  from tide_outbox",
                   "1insert- 2insert- 4delete{}");
    assert_int_equal(
        number_of(fixture->db,
                  "select round((changed_at - 2440587.5) * 86400) from tide_outbox"),
        3);
}

static void rows_of_a_table_come_in_order_and_may_be_removed(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_PENDING pending = NULL;
    const struct value second = integer_value(2);
    struct error err = {0};
    int64_t position = 0;
    char order[64] = "";
    char *key = NULL;
    struct pending_change change = {0};

    captured(fixture, ORDERS_ID, "[\"3\"]", "insert", NULL);
    capture_orders(fixture);
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{}");
    captured(fixture, CUSTOMER_ID, "[\"4\"]", "update", "{}");
    captured(fixture, ORDERS_ID, "[\"5\"]", "update", "{}");
    pending = pending_of(fixture);
    while (pending_next(pending, &fixture->orders, &position, &key, &change, &err) ==
           OK) {
        strcat(order, key);
        if (strcmp(key, "[\"1\"]") == 0)
            assert_int_equal(pending_remove(pending, &fixture->orders, &second, &err),
                             OK);
        free(key);
        pending_change_release(&change);
    }
    assert_string_equal(order, "[\"3\"][\"1\"][\"5\"]");
}

#define WITH_FIXTURE(test)                                                               \
    cmocka_unit_test_setup_teardown(test, outbox_fixture_setup, outbox_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(rows_are_found_by_key),
        WITH_FIXTURE(it_goes_on_where_it_stopped),
        WITH_FIXTURE(what_a_push_took_is_not_pending_any_more),
        WITH_FIXTURE(a_table_can_become_known),
        WITH_FIXTURE(a_transaction_that_was_rolled_back_leaves_nothing),
        WITH_FIXTURE(two_on_one_connection_see_the_same),
        WITH_FIXTURE(a_removed_row_leaves_the_outbox),
        WITH_FIXTURE(a_stripped_column_is_in_no_base),
        WITH_FIXTURE(a_row_stripped_of_everything_is_not_pending),
        WITH_FIXTURE(a_touch_is_not_taken_for_stripped),
        WITH_FIXTURE(an_old_value_that_never_was_is_corrected),
        WITH_FIXTURE(entries_become_one_insert),
        WITH_FIXTURE(rows_of_a_table_come_in_order_and_may_be_removed),
    };

    return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
