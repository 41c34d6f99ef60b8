#include "lib/control/control_protocol.h"

#include "lib/base/clock.h"
#include "lib/control/control_client.h"
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_AT_ONCE ((size_t)16384)

static void an_error_survives_the_journey(void **state)
{
    struct error before = {0};
    struct error after = {0};
    json_t *document;

    (void)state;
    error_set(&before, ERROR_TRANSIENT, "the primary is shutting down");
    error_hint(&before, "wait");
    strcpy(before.origin, "SQLSTATE 57P01");
    document = control_error_document(&before);
    assert_int_equal(json_integer_value(json_object_get(document, "code")), 75);
    assert_int_equal(control_error_read(document, &after), FAILED);
    json_decref(document);

    assert_int_equal(after.kind, ERROR_TRANSIENT);
    assert_string_equal(after.origin, before.origin);
    assert_string_equal(after.message, before.message);
    assert_string_equal(after.hint, before.hint);
}

static void an_error_of_our_own_has_no_sqlstate(void **state)
{
    struct error err;
    json_t *document;

    (void)state;
    error_set(&err, ERROR_INVALID, "no such table");
    document = control_error_document(&err);
    assert_true(json_is_null(json_object_get(document, "sqlstate")));
    assert_int_equal(json_integer_value(json_object_get(document, "code")), EXIT_USAGE);
    json_decref(document);
}

static void a_message_cut_inside_a_character_is_still_sent(void **state)
{
    struct error err;
    json_t *document;

    (void)state;
    error_set(&err, ERROR_SYSTEM, "kaputt: \xc3");
    document = control_error_document(&err);
    assert_string_equal(json_string_value(json_object_get(document, "message")),
                        "kaputt: ?");
    json_decref(document);
}

static void kinds_decide_the_exit_status(void **state)
{
    struct error err = {.kind = ERROR_TRANSIENT};

    (void)state;
    assert_int_equal(control_exit_status(&err), EXIT_UNREACHABLE);
    err.kind = ERROR_INVALID;
    assert_int_equal(control_exit_status(&err), EXIT_USAGE);
    err.kind = ERROR_SCHEMA;
    assert_int_equal(control_exit_status(&err), EXIT_FAILED);
}

static void only_objects_are_lines(void **state)
{
    static const char *const wrong[] = {
        "", "{", "[1]", "7", "null", "{\"a\":1} x", "{\"a\":1,\"a\":2}"};
    json_t *document;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(control_line_parse(wrong[i], strlen(wrong[i]), &document, &err),
                         FAILED);
        assert_int_equal(err.kind, ERROR_CORRUPT);
    }
}

static void a_number_is_rendered_whole(void **state)
{
    json_t *document = json_pack("{s:f, s:f, s:f}", "price", 9876543210123.45, "ms",
                                 0.073, "sum", 0.1 + 0.2);
    char *line = control_line_render(document);

    (void)state;
    assert_string_equal(line, "{\"price\":9876543210123.45,\"ms\":0.073,"
                              "\"sum\":0.30000000000000004}\n");
    json_decref(document);
    free(line);
}

static void a_rendered_line_parses_again(void **state)
{
    json_t *document = json_pack("{s:s}", "command", "status\n\"x\"");
    char *line = control_line_render(document);
    json_t *again;
    struct error err;

    (void)state;
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_int_equal(control_line_parse(line, strlen(line) - 1, &again, &err), OK);
    assert_true(json_equal(document, again));
    json_decref(document);
    json_decref(again);
    free(line);
}

/* A socket in a folder of its own, and what the other end would do. */
struct world {
    char folder[64];
    char path[96];
    int listener;
    int server; /* the accepted connection */
    struct control_client *client;
    struct error err;
};

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(world->folder, "/tmp/tidemark-control-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/s", world->folder);
    strcpy(address.sun_path, world->path);
    world->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(
        bind(world->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(world->listener, 1), 0);
    assert_int_equal(control_client_new(&world->client, world->path, &world->err), OK);
    world->server = accept(world->listener, NULL, NULL);
    assert_true(world->server >= 0);
    *state = world;
    return 0;
}

static int drop_world(void **state)
{
    struct world *world = *state;

    control_client_free(world->client);
    close(world->server);
    close(world->listener);
    unlink(world->path);
    rmdir(world->folder);
    free(world);
    return 0;
}

static void answer(struct world *world, const char *text)
{
    assert_int_equal(write(world->server, text, strlen(text)), strlen(text));
}

static void a_request_is_one_line(void **state)
{
    struct world *world = *state;
    json_t *request = json_pack("{s:s}", "command", "status");
    char line[64] = "";

    assert_int_equal(control_client_send(world->client, request, &world->err), OK);
    json_decref(request);
    assert_true(read(world->server, line, sizeof(line) - 1) > 0);
    assert_string_equal(line, "{\"command\":\"status\"}\n");
}

static void lines_arrive_one_by_one(void **state)
{
    struct world *world = *state;
    json_t *document;

    answer(world, "{\"n\":1}\n{\"n\":2}\n{\"n\"");
    for (int n = 1; n <= 2; n++) {
        assert_int_equal(control_client_receive(world->client, 0, &document, &world->err),
                         OK);
        assert_int_equal(json_integer_value(json_object_get(document, "n")), n);
        json_decref(document);
    }
    assert_int_equal(control_client_receive(world->client, 0, &document, &world->err),
                     NOTHING);
    answer(world, ":3}\n");
    assert_int_equal(control_client_receive(world->client, -1, &document, &world->err),
                     OK);
    json_decref(document);
}

static void silence_ends_with_the_time(void **state)
{
    struct world *world = *state;
    int64_t began_us = clock_monotonic_us();
    json_t *document;

    assert_int_equal(
        control_client_receive(world->client, 20 * US_PER_MS, &document, &world->err),
        NOTHING);
    assert_true(clock_monotonic_us() - began_us >= 20 * US_PER_MS);
}

static void a_daemon_that_hangs_up_is_an_error(void **state)
{
    struct world *world = *state;
    json_t *document;

    answer(world, "{\"n\":1}\n");
    shutdown(world->server, SHUT_RDWR);
    assert_int_equal(control_client_receive(world->client, -1, &document, &world->err),
                     OK);
    json_decref(document);
    assert_int_equal(control_client_receive(world->client, -1, &document, &world->err),
                     FAILED);
    assert_int_equal(world->err.kind, ERROR_TRANSIENT);
}

static void a_line_without_end_is_refused(void **state)
{
    struct world *world = *state;
    char *flood = malloc(READ_AT_ONCE);
    enum outcome outcome = NOTHING;
    json_t *document;

    memset(flood, ' ', READ_AT_ONCE);
    for (size_t sent = 0; sent < 2 * CONTROL_LINE_LIMIT && outcome == NOTHING;
         sent += READ_AT_ONCE) {
        assert_int_equal(write(world->server, flood, READ_AT_ONCE), READ_AT_ONCE);
        outcome = control_client_receive(world->client, 0, &document, &world->err);
    }
    free(flood);
    assert_int_equal(outcome, FAILED);
    assert_int_equal(world->err.kind, ERROR_CORRUPT);
}

static void nobody_there_is_not_an_error(void **state)
{
    struct world *world = *state;
    struct control_client *client;

    assert_int_equal(control_client_new(&client, "/nowhere/at/all", &world->err),
                     NOTHING);
    close(world->listener); /* the socket file stays behind */
    world->listener = -1;
    assert_int_equal(control_client_new(&client, world->path, &world->err), NOTHING);
}

static void a_path_too_long_for_a_socket_is_named(void **state)
{
    struct world *world = *state;
    struct control_client *client;
    char path[200];

    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(control_client_new(&client, path, &world->err), FAILED);
    assert_int_equal(world->err.kind, ERROR_INVALID);
    assert_string_not_equal(world->err.hint, "");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_world, drop_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_survives_the_journey),
        cmocka_unit_test(an_error_of_our_own_has_no_sqlstate),
        cmocka_unit_test(a_message_cut_inside_a_character_is_still_sent),
        cmocka_unit_test(kinds_decide_the_exit_status),
        cmocka_unit_test(only_objects_are_lines),
        cmocka_unit_test(a_number_is_rendered_whole),
        cmocka_unit_test(a_rendered_line_parses_again),
        CASE(a_request_is_one_line),
        CASE(lines_arrive_one_by_one),
        CASE(silence_ends_with_the_time),
        CASE(a_daemon_that_hangs_up_is_an_error),
        CASE(a_line_without_end_is_refused),
        CASE(nobody_there_is_not_an_error),
        CASE(a_path_too_long_for_a_socket_is_named),
    };

    return cmocka_run_group_tests_name("control_protocol", tests, NULL, NULL);
}
