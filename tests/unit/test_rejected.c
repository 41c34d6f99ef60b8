#include "lib/store/rejected.h"

#include "lib/base/cleanup.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

#include <string.h>

static void what_was_refused_is_kept(void **state)
{
    struct outbox_fixture *fixture = *state;
    const struct rejected_value values[] = {
        {.column = "note",
         .base = text_value("old"),
         .value = {.type = VALUE_BLOB, .bytes = "\x00\x01", .size = 2}},
        {.column = "vat", .base = integer_value(7)},
    };
    struct rejected_change change = {
        .table = "orders",
        .row_key = "[\"1\"]",
        .operation = OUTBOX_UPDATE,
        .sqlstate = "23505",
        .message = "duplicate",
        .changed_us = 1500000,
        .values = values,
        .value_count = 2,
    };
    struct error err = {0};
    int64_t id = 0;

    assert_int_equal(rejected_add(fixture->db, &change, &id, &err), OK);
    assert_text_of(fixture->db,
                   "select table_name || row_key || op || sqlstate || message || base ||"
                   "  \"values\" || changed_at || (constraint_name is null) ||"
                   "  (cause_id is null) || (unit_id is null) from tide_rejected",
                   "orders[\"1\"]update23505duplicate{\"note\":\"old\",\"vat\":7}"
                   "{\"note\":\"\\\\x0001\",\"vat\":null}1970-01-01T00:00:01.500Z111");
    change.push_id = "push";
    change.cause_id = id;
    change.unit_id = 3;
    change.constraint = "orders_key";
    assert_int_equal(rejected_add(fixture->db, &change, &id, &err), OK);
    assert_text_of(fixture->db,
                   "select push_id || constraint_name || cause_id || unit_id"
                   "  from tide_rejected_row where rejected_id = 2",
                   "pushorders_key13");
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_rejected"), 1);
    assert_int_equal(id, 2);
}

static void values_can_be_renewed(void **state)
{
    struct outbox_fixture *fixture = *state;
    const struct rejected_value old = {.column = "note", .value = text_value("old")};
    const struct rejected_value new = {.column = "vat", .value = integer_value(5)};
    struct rejected_change change = {
        .table = "orders",
        .row_key = "[\"1\"]",
        .operation = OUTBOX_INSERT,
        .sqlstate = "23505",
        .message = "",
        .values = &old,
        .value_count = 1,
    };
    struct error err = {0};
    int64_t id = 0;

    assert_int_equal(rejected_add(fixture->db, &change, &id, &err), OK);
    change.values = &new;
    change.operation = OUTBOX_UPDATE;
    assert_int_equal(rejected_renew(fixture->db, id, &change, &err), OK);
    assert_text_of(fixture->db, "select op || \"values\" from tide_rejected",
                   "update{\"vat\":5}");
}

/* Column names, each with its old and its new value. */
static void assert_values_of(struct outbox_fixture *fixture, enum pending_kind kind,
                             const char *base, const struct value *row,
                             const char *expected)
{
    OWNED(pending_change_release) struct pending_change change = {.kind = kind};
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(rejected_values_release) struct rejected_values values = {0};
    struct error err = {0};

    assert_int_equal(change_base_parse(&change.base, base, strlen(base), &err), OK);
    assert_int_equal(rejected_values_of(&change, &fixture->orders, row, &values, &err),
                     OK);
    for (size_t i = 0; i < values.count; i++) {
        buffer_append_format(&text, "%s", values.items[i].column);
        if (values.items[i].base.type != VALUE_NULL) {
            buffer_append_text(&text, " from ");
            value_append_text(&text, &values.items[i].base);
        }
        if (values.items[i].value.type != VALUE_NULL) {
            buffer_append_text(&text, " to ");
            value_append_text(&text, &values.items[i].value);
        }
        buffer_append_text(&text, "; ");
    }
    assert_string_equal(text.data ? text.data : "", expected);
}

static void a_pending_change_says_what_it_wanted(void **state)
{
    struct outbox_fixture *fixture = *state;
    const struct value row[8] = {
        integer_value(1), text_value("c"), {0}, text_value("new"), {0}, integer_value(5)};
    const char *base = "{\"note\":\"'old'\",\"vat\":\"5\",\"parent_id\":\"9\","
                       "\"total\":\"1\",\"customer_id\":\"'it''s'\"}";

    assert_values_of(
        fixture, PENDING_INSERT, "{}", row,
        "id to 1; customer_id to c; parent_id; note to new; amount; vat to 5; "
        "updated_at; ");
    assert_values_of(fixture, PENDING_UPDATE, base, row,
                     "customer_id from it's to c; parent_id from 9; "
                     "note from old to new; ");
    assert_values_of(
        fixture, PENDING_DELETE, base, row,
        "customer_id from it's; parent_id from 9; note from old; vat from 5; ");
    assert_values_of(
        fixture, PENDING_UPDATE, base, NULL,
        "customer_id from it's; parent_id from 9; note from old; vat from 5; ");
    assert_values_of(fixture, PENDING_INSERT, "{}", NULL, "");
    assert_values_of(fixture, PENDING_NOTHING, "{}", row, "");
}

#define WITH_FIXTURE(test)                                                               \
    cmocka_unit_test_setup_teardown(test, outbox_fixture_setup, outbox_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(what_was_refused_is_kept),
        WITH_FIXTURE(values_can_be_renewed),
        WITH_FIXTURE(a_pending_change_says_what_it_wanted),
    };

    return cmocka_run_group_tests_name("rejected", tests, NULL, NULL);
}
