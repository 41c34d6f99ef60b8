#include "lib/store/push_record.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/conflict_log.h"
#include "lib/store/pending.h"
#include "lib/store/rejected.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUSH "11111111-1111-4111-8111-111111111111"

static const struct push_in_flight push = {PUSH, 3};

static int synchronized_times;

/* In front of the one of libc that SQLite calls. */
int fdatasync(int file)
{
    synchronized_times++;
    return (int)syscall(SYS_fdatasync, file);
}

static struct push_device device_of(struct outbox_fixture *fixture)
{
    struct push_device device;
    struct error err = {0};

    if (push_record_device(fixture->db, &device, &err) == FAILED)
        fail_msg("%s", err.message);
    return device;
}

static void an_id_is_a_random_uuid(void **state)
{
    char first[PUSH_ID_SIZE];
    char second[PUSH_ID_SIZE];
    struct error err = {0};

    (void)state;
    assert_int_equal(push_record_new_id(first, &err), OK);
    assert_int_equal(push_record_new_id(second, &err), OK);
    assert_string_not_equal(first, second);
    assert_int_equal(strlen(first), 36);
    assert_int_equal(first[14], '4');
    assert_non_null(strchr("89ab", first[19]));
    for (int i = 0; i < 36; i++)
        assert_true(i == 8 || i == 13 || i == 18 || i == 23 ? first[i] == '-'
                                                            : isxdigit(first[i]) != 0);
}

static void a_device_is_made_once(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct push_device device = device_of(fixture);
    struct error err = {0};

    assert_int_equal(strlen(device.device_id), 36);
    assert_false(device.registered);
    assert_string_equal(device.last_push, "");
    assert_int_equal(push_record_registered(fixture->db, true, &err), OK);
    assert_true(device_of(fixture).registered);
    assert_string_equal(device_of(fixture).device_id, device.device_id);
}

static void put(struct outbox_fixture *fixture)
{
    struct error err = {0};

    device_of(fixture);
    assert_int_equal(database_begin(fixture->db, &err), OK);
    assert_int_equal(push_record_add_refetch(fixture->db, "orders", "[\"9\"]", &err), OK);
    assert_int_equal(push_record_add_refetch(fixture->db, "orders", "[\"9\"]", &err), OK);
    if (push_record_put(fixture->db, &push, &err) == FAILED)
        fail_msg("%s", err.message);
}

static void a_new_device_knows_no_push(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct push_device before;
    struct error err = {0};
    bool knows = true;

    put(fixture);
    before = device_of(fixture);
    assert_int_equal(push_record_finish(fixture->db, &fixture->tables, &push, &err), OK);
    assert_int_equal(push_record_new_device(fixture->db, &err), OK);
    assert_string_not_equal(device_of(fixture).device_id, before.device_id);
    assert_string_equal(device_of(fixture).last_push, "");
    assert_int_equal(push_record_knows(fixture->db, PUSH, &knows, &err), OK);
    assert_false(knows);
}

static void a_record_is_kept_until_it_is_settled(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct push_in_flight found;
    struct error err = {0};

    run_sql(fixture->db, "pragma synchronous = normal");
    assert_int_equal(push_record_in_flight(fixture->db, &found, &err), NOTHING);
    put(fixture);
    assert_int_equal(number_of(fixture->db, "pragma synchronous"), 1);
    assert_int_equal(push_record_in_flight(fixture->db, &found, &err), OK);
    assert_string_equal(found.push_id, PUSH);
    assert_int_equal(found.through, 3);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_refetch"), 0);
    assert_int_equal(push_record_finish(fixture->db, &fixture->tables, &push, &err), OK);
    assert_int_equal(push_record_in_flight(fixture->db, &found, &err), NOTHING);
}

static void a_record_is_on_the_disk_before_anything_else_happens(void **state)
{
    struct cache_fixture *fixture = *state;
    struct error err = {0};

    run_sql(fixture->db,
            "begin immediate; insert into tide_push_refetch values ('a', 'b')");
    synchronized_times = 0;
    assert_int_equal(push_record_put(fixture->db, &push, &err), OK);
    assert_int_equal(synchronized_times, 1);
    run_sql(fixture->db, "delete from tide_push_refetch");
    assert_int_equal(synchronized_times, 1);
}

static void what_arrived_is_filed(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct error err = {0};
    bool knows = false;

    for (int i = 0; i < 4; i++)
        captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}");
    put(fixture);
    assert_int_equal(push_record_finish(fixture->db, &fixture->tables, &push, &err), OK);
    assert_string_equal(device_of(fixture).last_push, PUSH);
    assert_int_equal(number_of(fixture->db, "select sum(sequence) from tide_outbox"), 4);
    assert_text_of(fixture->db, "select table_name || row_key from tide_refetch",
                   "orders[\"9\"]");
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_push_refetch"), 0);
    assert_int_equal(push_record_knows(fixture->db, PUSH, &knows, &err), OK);
    assert_true(knows);
}

static void reject(struct outbox_fixture *fixture, enum outbox_operation operation,
                   const char *key)
{
    const struct rejected_value value = {.column = "note",
                                         .value = text_value("as pushed")};
    const struct rejected_change change = {
        .table = "orders",
        .row_key = key,
        .operation = operation,
        .sqlstate = "23505",
        .message = "",
        .push_id = PUSH,
        .values = &value,
        .value_count = 1,
    };
    struct error err = {0};
    int64_t id;

    assert_int_equal(rejected_add(fixture->db, &change, &id, &err), OK);
}

static void a_rejected_row_leaves_with_all_its_entries(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct error err = {0};

    run_sql(fixture->db, "insert into orders (id, note, vat) values (1, 'now', 5)");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'first'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"note\":\"'first'\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"1\"]", "update",
             "{\"note\":\"'later'\",\"vat\":\"4\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "delete",
             "{\"note\":\"'later'\",\"vat\":\"4\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "delete", "{}");
    captured(fixture, ORDERS_ID, "[\"4\"]", "update", "{}");
    reject(fixture, OUTBOX_UPDATE, "[\"1\"]");
    reject(fixture, OUTBOX_UPDATE, "[\"2\"]");
    reject(fixture, OUTBOX_INSERT, "[\"3\"]");
    put(fixture);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_rejected"), 0);
    assert_int_equal(push_record_finish(fixture->db, &fixture->tables, &push, &err), OK);
    assert_text_of(fixture->db, "select group_concat(row_key) from tide_outbox",
                   "[\"4\"]");
    assert_text_of(
        fixture->db,
        "select group_concat(op || base || \"values\", '; ') from tide_rejected",
        "update{\"note\":\"first\",\"vat\":4}{\"note\":\"now\",\"vat\":5}; "
        "delete{\"note\":\"first\",\"vat\":4}{\"note\":null,\"vat\":null}; "
        "insert{\"note\":null}{\"note\":\"as pushed\"}");
    assert_text_of(fixture->db, "select group_concat(changed_us) from tide_rejected_row",
                   "4000000,5000000,0");
}

static void a_rejected_row_of_a_table_that_is_gone_stays_as_it_was(void **state)
{
    struct outbox_fixture *fixture = *state;
    const struct outbox_tables none = {0};
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'first'\"}");
    reject(fixture, OUTBOX_UPDATE, "[\"1\"]");
    put(fixture);
    assert_int_equal(push_record_finish(fixture->db, &none, &push, &err), OK);
    assert_text_of(fixture->db, "select \"values\" from tide_rejected",
                   "{\"note\":\"as pushed\"}");
}

static void what_did_not_arrive_is_forgotten(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct conflict conflict = {
        .table = "orders", .row_key = "[\"1\"]", .rule = "client_wins", .push_id = PUSH};
    const struct conflict_value value = {"note", {0}, {0}, {0}};
    struct error err = {0};

    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'first'\"}");
    reject(fixture, OUTBOX_UPDATE, "[\"1\"]");
    conflict.values = &value;
    conflict.value_count = 1;
    assert_int_equal(conflict_log_add(fixture->db, &conflict, &err), OK);
    conflict.local_wins = true;
    assert_int_equal(conflict_log_add(fixture->db, &conflict, &err), OK);
    put(fixture);
    assert_int_equal(push_record_forget(fixture->db, &push, true, &err), OK);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_outbox"), 1);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_refetch"), 0);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_push"), 0);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_push_refetch"), 0);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_rejected_row"), 0);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_rejected_value"),
                     0);
    assert_text_of(fixture->db, "select group_concat(winner) from tide_conflict",
                   "local");
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_conflict_value"),
                     1);
    assert_string_equal(device_of(fixture).last_push, "");
}

static void old_pushes_are_forgotten(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct error err = {0};
    bool knows = true;

    device_of(fixture);
    run_sql(fixture->db, "with recursive n(i) as (select 1 union all select i + 1 from n"
                         " where i < 1000) insert into tide_push_history (push_id)"
                         " select 'push ' || i from n");
    put(fixture);
    assert_int_equal(push_record_finish(fixture->db, &fixture->tables, &push, &err), OK);
    assert_int_equal(number_of(fixture->db, "select count(*) from tide_push_history"),
                     1000);
    assert_int_equal(push_record_knows(fixture->db, "push 1", &knows, &err), OK);
    assert_false(knows);
    assert_int_equal(push_record_knows(fixture->db, "push 2", &knows, &err), OK);
    assert_true(knows);
}

static void nothing_is_pending_of_what_arrived(void **state)
{
    struct outbox_fixture *fixture = *state;
    struct pending *pending;
    struct error err = {0};

    for (int i = 0; i < 3; i++)
        captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}");
    assert_int_equal(pending_new(&pending, fixture->db, &err), OK);
    assert_int_equal(pending_refresh(pending, &fixture->tables, &err), OK);
    assert_false(pending_is_empty(pending));
    reject(fixture, OUTBOX_UPDATE, "[\"1\"]");
    put(fixture);
    assert_int_equal(push_record_finish(fixture->db, &fixture->tables, &push, &err), OK);
    assert_int_equal(pending_refresh(pending, &fixture->tables, &err), OK);
    assert_true(pending_is_empty(pending));
    pending_free(pending);
}

#define WITH_FIXTURE(test)                                                               \
    cmocka_unit_test_setup_teardown(test, outbox_fixture_setup, outbox_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_random_uuid),
        WITH_FIXTURE(a_device_is_made_once),
        WITH_FIXTURE(a_new_device_knows_no_push),
        WITH_FIXTURE(a_record_is_kept_until_it_is_settled),
        cmocka_unit_test_setup_teardown(
            a_record_is_on_the_disk_before_anything_else_happens, cache_fixture_setup,
            cache_fixture_teardown),
        WITH_FIXTURE(what_arrived_is_filed),
        WITH_FIXTURE(a_rejected_row_leaves_with_all_its_entries),
        WITH_FIXTURE(a_rejected_row_of_a_table_that_is_gone_stays_as_it_was),
        WITH_FIXTURE(what_did_not_arrive_is_forgotten),
        WITH_FIXTURE(old_pushes_are_forgotten),
        WITH_FIXTURE(nothing_is_pending_of_what_arrived),
    };

    return cmocka_run_group_tests_name("push_record", tests, NULL, NULL);
}
