/* What applications are told about the daemon and the primary, out of the file alone. */
#include "tests/support/cmocka_all.h"
#include "tests/support/library_world.h"

#include <stdio.h>

#define A "00000000-0000-4000-8000-00000000000a"

static void write_note(struct library_world *world, struct tide_receipt *receipt)
{
    struct tide_unit_of_work *unit = begin_unit(world);
    json_t *values = json_of("{'id': '" A "', 'title': 'a'}");
    struct tide_error err = {0};

    assert_result(tide_repository_insert(world->notes, unit, values, NULL, &err), &err,
                  TIDE_OK);
    commit_unit(unit, receipt);
    json_decref(values);
}

static void assert_wait(struct library_world *world, const struct tide_receipt *receipt,
                        int timeout_ms, enum tide_result expected)
{
    struct tide_error err = {0};

    assert_result(tide_client_wait(world->cache, receipt, timeout_ms, &err), &err,
                  expected);
}

static void a_receipt_is_waited_for_until_its_entries_are_gone(void **state)
{
    struct library_world *world = *state;
    struct tide_receipt receipt = {0};

    assert_wait(world, &receipt, 0, TIDE_OK);
    write_note(world, &receipt);
    assert_wait(world, &receipt, 0, TIDE_TIMED_OUT);
    assert_wait(world, &receipt, 30, TIDE_TIMED_OUT);
    run_sql(world->db, "delete from tide_outbox");
    assert_wait(world, &receipt, 0, TIDE_OK);
}

static void a_refusal_of_the_unit_is_told(void **state)
{
    struct library_world *world = *state;
    struct tide_receipt receipt = {0};
    char sql[300];

    write_note(world, &receipt);
    snprintf(
        sql, sizeof(sql),
        "delete from tide_outbox; insert into tide_rejected_row (table_name, row_key,"
        " op, sqlstate, message, unit_id, changed_us, rejected_us)"
        " values ('note', '[\"x\"]', 'insert', '23514', 'no', %lld, 1, 1)",
        (long long)receipt.unit);
    run_sql(world->db, sql);
    assert_wait(world, &receipt, 0, TIDE_REJECTED);
    receipt.unit++;
    assert_wait(world, &receipt, 0, TIDE_OK);
}

static void an_open_unit_is_not_waited_in(void **state)
{
    struct library_world *world = *state;
    const struct tide_receipt receipt = {5, 3};
    struct tide_unit_of_work *unit = begin_unit(world);
    struct tide_error err = {0};

    assert_failure(tide_client_wait(world->cache, &receipt, -1, &err), &err,
                   TIDE_ERROR_MISUSE, "a unit of work is open");
    commit_unit(unit, NULL);
}

static void the_file_tells_its_status(void **state)
{
    struct library_world *world = *state;
    json_t *status = NULL;
    struct tide_error err = {0};

    write_note(world, NULL);
    assert_result(tide_client_status(world->cache, &status, &err), &err, TIDE_OK);
    assert_string_equal(json_string_value(json_object_get(status, "state")), "stopped");
    assert_json(json_incref(json_array_get(json_object_get(status, "tables"), 2)),
                "{'name': 'note', 'schema': 'public', 'mode': 'untracked', 'rows': 1,"
                " 'mark': '1970-01-01T00:00:00.000001Z', 'pending': 1, 'rejected': 0}");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(status, "pending"), "count")),
        1);
    json_decref(status);
}

static void no_daemon_is_offline_and_no_socket_a_mistake(void **state)
{
    struct library_world *world = *state;
    const struct tide_cache_options options = {.control_socket = "/nonexistent/socket"};
    struct tide_cache *cache;
    struct tide_watch *watch = NULL;
    struct tide_error err = {0};

    assert_failure(tide_client_sync_now(world->cache, &err), &err, TIDE_ERROR_MISUSE,
                   "without a control socket");
    assert_result(tide_cache_open(&cache, world->folder->file, &options, &err), &err,
                  TIDE_OK);
    assert_failure(tide_client_sync_now(cache, &err), &err, TIDE_ERROR_OFFLINE,
                   "the daemon is not running");
    assert_failure(tide_client_watch(&watch, cache, &err), &err, TIDE_ERROR_OFFLINE,
                   "the daemon is not running");
    assert_null(watch);
    tide_watch_free(NULL);
    tide_cache_close(cache);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, library_world_setup, library_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_receipt_is_waited_for_until_its_entries_are_gone),
        CASE(a_refusal_of_the_unit_is_told),
        CASE(an_open_unit_is_not_waited_in),
        CASE(the_file_tells_its_status),
        CASE(no_daemon_is_offline_and_no_socket_a_mistake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
