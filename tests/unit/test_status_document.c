#include "daemon/sync/status_document.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static struct change_counts counts(void)
{
    struct change_counts counts = {
        .rows = 14, .entries = 20, .rejected = 1, .conflicts = 3, .conflicts_open = 1};

    counts.oldest_us = clock_now_us() - 60 * US_PER_SECOND;
    counts.first_rejected = (struct change_first_rejected){
        .rejected_id = 418,
        .table = strdup("orders"),
        .row_key = strdup("[\"\xff\"]"),
        .operation = strdup("update"),
        .sqlstate = strdup("23514"),
        .message = strdup("no"),
    };
    counts.device_id = strdup("c0ffee");
    return counts;
}

static json_t *document_of(struct status_board *board)
{
    json_t *document = status_board_document(board);

    assert_non_null(document);
    return document;
}

static void board_drop(struct status_board **board)
{
    status_board_free(*board);
}

static struct status_board *board_new(void)
{
    const struct status_promises promises = {.cache_path = "/nowhere/cache.db"};
    struct status_board *board = NULL;
    struct error err;

    assert_int_equal(status_board_new(&board, &promises, &err), OK);
    return board;
}

static json_int_t number(const json_t *document, const char *object, const char *member)
{
    return json_integer_value(json_object_get(json_object_get(document, object), member));
}

static const char *text(const json_t *document, const char *object, const char *member)
{
    return json_string_value(json_object_get(json_object_get(document, object), member));
}

static void changes_are_told(void **state)
{
    OWNED(board_drop) struct status_board *board = board_new();
    struct change_counts changes = counts();
    json_t *document;

    (void)state;
    status_board_set_changes(board, &changes);
    assert_null(changes.device_id); /* taken over */
    document = document_of(board);
    assert_int_equal(number(document, "pending", "count"), 14);
    assert_int_equal(number(document, "pending", "entries"), 20);
    assert_in_range(json_real_value(json_object_get(json_object_get(document, "pending"),
                                                    "oldest_s")),
                    60, 61);
    assert_int_equal(number(document, "conflicts", "open"), 1);
    assert_int_equal(number(document, "rejected", "count"), 1);
    assert_string_equal(text(document, "push", "state"), "waiting");
    assert_string_equal(text(document, "push", "device_id"), "c0ffee");
    json_decref(document);
}

static void a_key_of_any_bytes_is_shown(void **state)
{
    OWNED(board_drop) struct status_board *board = board_new();
    struct change_counts changes = counts();
    json_t *document;
    const json_t *rejected;

    (void)state;
    status_board_set_changes(board, &changes);
    document = document_of(board);
    rejected = json_object_get(document, "rejected");
    assert_string_equal(text(rejected, "first", "key"), "[\"?\"]");
    json_decref(document);
}

static void a_push_says_why_it_waits(void **state)
{
    OWNED(board_drop) struct status_board *board = board_new();
    struct status_push push = {.state = PUSH_BLOCKED, .has_reason = true};
    json_t *document;

    (void)state;
    error_set(&push.reason, ERROR_CONFLICT, "the cache was copied");
    status_board_set_push(board, &push);
    document = document_of(board);
    assert_string_equal(text(document, "push", "state"), "blocked");
    assert_string_equal(text(json_object_get(document, "push"), "reason", "text"),
                        "the cache was copied");
    json_decref(document);
}

static void nothing_to_say_is_zeros(void **state)
{
    OWNED(board_drop) struct status_board *board = board_new();
    json_t *document = document_of(board);

    (void)state;
    assert_string_equal(text(document, "push", "state"), "idle");
    assert_int_equal(number(document, "pending", "count"), 0);
    assert_true(
        json_is_null(json_object_get(json_object_get(document, "pending"), "oldest_s")));
    assert_int_equal(number(document, "write_lock", "count"), 0);
    json_decref(document);
}

static void only_a_daemon_at_work_has_memory(void **state)
{
    OWNED(board_drop) struct status_board *board = board_new();
    json_t *stopped = document_of(board);
    json_t *live;

    (void)state;
    status_board_set_state(board, SYNC_LIVE, NULL, 0);
    live = document_of(board);
    assert_true(json_is_null(
        json_object_get(json_object_get(stopped, "cost"), "resident_bytes")));
    assert_true(number(live, "cost", "resident_bytes") > 0);
    json_decref(stopped);
    json_decref(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(a_key_of_any_bytes_is_shown),
        cmocka_unit_test(a_push_says_why_it_waits),
        cmocka_unit_test(nothing_to_say_is_zeros),
        cmocka_unit_test(only_a_daemon_at_work_has_memory),
    };

    return cmocka_run_group_tests_name("status_document", tests, NULL, NULL);
}
