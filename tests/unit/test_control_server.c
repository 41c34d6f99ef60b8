#include "daemon/loop/event_loop.h"
#include "daemon/server/control_server.h"
#include "daemon/server/peer_credentials.h"
#include "lib/base/clock.h"
#include "lib/control/control_protocol.h"

#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TURN_US (2 * US_PER_MS)
#define PATIENCE_TURNS 1000

/* A server on a loop that the test turns by itself, and a made-up engine. */
struct world {
    char folder[32];
    char path[64];
    struct event_loop *loop;
    struct event_timer *turn;
    struct control_server *server;
    enum outcome round; /* what round_state says */
    bool paused;
    int rounds_requested;
};

static json_t *world_status(void *context)
{
    const struct world *world = context;

    return json_pack("{s:i, s:s, s:s, s:s}", "v", 1, "kind", "status", "cache",
                     "/data/app.db", "state", world->paused ? "paused" : "live");
}

static int64_t world_request_round(void *context)
{
    struct world *world = context;

    return ++world->rounds_requested;
}

static enum outcome world_round_state(void *context, int64_t ticket, struct error *err)
{
    const struct world *world = context;

    assert_int_equal(ticket, world->rounds_requested);
    if (world->round == FAILED)
        return error_set(err, ERROR_TRANSIENT, "connection refused");
    return world->round;
}

static void world_pause(void *context)
{
    ((struct world *)context)->paused = true;
}

static void world_resume(void *context)
{
    ((struct world *)context)->paused = false;
}

static enum outcome world_request_resync(void *context, const char *table,
                                         struct error *err)
{
    (void)context;
    if (strcmp(table, "orders") != 0)
        return error_set(err, ERROR_INVALID, "no table %s is mirrored", table);
    return OK;
}

static void end_turn(void *context)
{
    event_loop_stop(context);
}

static void turn(struct world *world)
{
    event_timer_start(world->turn, TURN_US, 0);
    event_loop_run(world->loop);
}

static enum outcome start_server(struct world *world, struct control_server **out_server,
                                 struct error *err)
{
    const struct control_target target = {
        world,       world_status, world_request_round, world_round_state,
        world_pause, world_resume, world_request_resync};

    return control_server_start(out_server, world->loop, world->path, &target, err);
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct error err;

    if (!world)
        return -1;
    *state = world;
    strcpy(world->folder, "/tmp/test_control.XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    snprintf(world->path, sizeof world->path, "%s/run/control.sock", world->folder);
    world->round = NOTHING;
    if (event_loop_new(&world->loop, &err) == FAILED ||
        event_loop_add_timer(world->loop, end_turn, world->loop, &world->turn, &err) ==
            FAILED)
        return -1;
    return start_server(world, &world->server, &err);
}

static int end_world(void **state)
{
    struct world *world = *state;
    char folder[64];

    control_server_stop(world->server);
    event_loop_free(world->loop);
    snprintf(folder, sizeof folder, "%s/run", world->folder);
    unlink(world->path);
    rmdir(folder);
    rmdir(world->folder);
    free(world);
    return 0;
}

/* --- a client -------------------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int ask(const struct world *world, const char *request)
{
    int fd = connect_to(world->path);

    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return fd;
}

/* Everything up to the end of the conversation; in static memory. */
static const char *rest_of(struct world *world, int fd)
{
    static char text[1 << 23];
    size_t length = 0;

    for (int turns = 0; turns < PATIENCE_TURNS; turns++) {
        ssize_t size = recv(fd, text + length, sizeof text - 1 - length, 0);

        if (size == 0 || (size < 0 && errno != EAGAIN))
            break;
        length += size > 0 ? (size_t)size : 0;
        turn(world);
    }
    close(fd);
    text[length] = '\0';
    return text;
}

static const char *answer_to(struct world *world, const char *request)
{
    return rest_of(world, ask(world, request));
}

static bool is_open(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s in: %s", part, text);
}

static void turn_often(struct world *world, int turns)
{
    while (turns-- > 0)
        turn(world);
}

/* --- what it answers ------------------------------------------------------------- */

static void status_is_the_document(void **state)
{
    assert_string_equal(answer_to(*state, "{\"command\":\"status\"}\n"),
                        "{\"v\":1,\"kind\":\"status\",\"cache\":\"/data/app.db\","
                        "\"state\":\"live\"}\n");
}

static void request_may_come_in_pieces_and_without_newline(void **state)
{
    struct world *world = *state;
    int fd = ask(world, "{\"comm");

    turn(world);
    assert_int_equal(send(fd, "and\":\"status\"}", 14, 0), 14);
    shutdown(fd, SHUT_WR);
    assert_has(rest_of(world, fd), "\"kind\":\"status\"");
}

static void sync_shows_the_status_and_ends_with_the_round(void **state)
{
    struct world *world = *state;
    int fd = ask(world, "{\"command\":\"sync\"}\n");
    const char *answer;

    turn_often(world, 5);
    assert_int_equal(world->rounds_requested, 1);
    world->round = OK;
    control_server_status_changed(world->server);
    answer = rest_of(world, fd);
    assert_has(answer, "\"kind\":\"status\"");
    assert_has(answer, "\"kind\":\"result\"");
}

static void sync_ends_with_the_error_of_its_round(void **state)
{
    struct world *world = *state;
    const char *answer;

    world->round = FAILED;
    answer = answer_to(world, "{\"command\":\"sync\"}\n");
    assert_has(answer, "\"name\":\"transient\"");
    assert_has(answer, "\"code\":75");
    assert_has(answer, "connection refused");
}

static void status_lines_are_limited_to_five_a_second(void **state)
{
    struct world *world = *state;
    int fd = ask(world, "{\"command\":\"sync\"}\n");
    int64_t end_us = clock_monotonic_us() + 450 * US_PER_MS;
    const char *answer;
    int lines = 0;

    while (clock_monotonic_us() < end_us) {
        turn(world);
        control_server_status_changed(world->server);
    }
    world->round = OK;
    answer = rest_of(world, fd);
    for (const char *at = answer; (at = strstr(at, "\"kind\":\"status\"")); at++)
        lines++;
    assert_in_range(lines, 2, 4);
}

static void wait_sits_out_failed_attempts(void **state)
{
    struct world *world = *state;
    int fd = ask(world, "{\"command\":\"wait\"}\n");

    world->round = FAILED;
    turn_often(world, 5);
    control_server_status_changed(world->server);
    turn_often(world, 5);
    assert_true(is_open(fd));
    world->round = OK;
    assert_string_equal(rest_of(world, fd),
                        "{\"v\":1,\"kind\":\"result\",\"ok\":true}\n");
}

static void wait_gives_up_after_its_time(void **state)
{
    assert_has(answer_to(*state, "{\"command\":\"wait\",\"timeout_ms\":20}\n"),
               "\"name\":\"timeout\"");
}

static void wait_refuses_a_time_that_is_none(void **state)
{
    assert_has(answer_to(*state, "{\"command\":\"wait\",\"timeout_ms\":-5}\n"),
               "\"name\":\"invalid\"");
}

static void pause_and_resume_reach_the_engine(void **state)
{
    struct world *world = *state;

    assert_has(answer_to(world, "{\"command\":\"pause\"}\n"), "\"ok\":true");
    assert_true(world->paused);
    assert_has(answer_to(world, "{\"command\":\"resume\"}\n"), "\"ok\":true");
    assert_false(world->paused);
}

static void resync_names_an_unknown_table(void **state)
{
    struct world *world = *state;

    assert_has(answer_to(world, "{\"command\":\"resync\",\"table\":\"ordres\"}\n"),
               "no table ordres");
    assert_has(answer_to(world, "{\"command\":\"resync\"}\n"), "\"name\":\"invalid\"");
    assert_has(
        answer_to(world, "{\"command\":\"resync\",\"all\":true,\"table\":\"orders\"}\n"),
        "\"name\":\"invalid\"");
    world->round = OK;
    assert_has(answer_to(world, "{\"command\":\"resync\",\"table\":\"orders\"}\n"),
               "\"ok\":true");
}

static void request_about_another_cache_is_refused(void **state)
{
    struct world *world = *state;
    const char *answer =
        answer_to(world, "{\"command\":\"pause\",\"cache\":\"/data/other.db\"}\n");

    assert_has(answer, "\"name\":\"invalid\"");
    assert_has(answer, "keeps /data/app.db, not /data/other.db");
    assert_false(world->paused);
    answer = answer_to(world, "{\"command\":\"pause\",\"cache\":\"/data/app.db\"}\n");
    assert_has(answer, "\"kind\":\"result\"");
}

static void nonsense_is_answered_with_an_error(void **state)
{
    assert_has(answer_to(*state, "{nonsense\n"), "\"kind\":\"error\"");
    assert_has(answer_to(*state, "[]\n"), "\"kind\":\"error\"");
    assert_has(answer_to(*state, "\n"), "\"kind\":\"error\"");
    assert_has(answer_to(*state, "{}\n"), "no \\\"command\\\"");
    assert_has(answer_to(*state, "{\"command\":\"stauts\"}\n"), "stauts");
}

static void endless_request_is_cut_off(void **state)
{
    struct world *world = *state;
    static char piece[1 << 15];
    int fd = connect_to(world->path);
    ssize_t sent = 0;

    memset(piece, 'x', sizeof piece);
    for (int turns = 0; turns < PATIENCE_TURNS; turns++) {
        sent = send(fd, piece, sizeof piece, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            break;
        turn(world);
    }
    assert_int_equal(errno, EPIPE);
    assert_has(rest_of(world, fd), "longer than");
}

/* --- watch ----------------------------------------------------------------------- */

static void watchers_get_each_change_set(void **state)
{
    struct world *world = *state;
    int one = ask(world, "{\"command\":\"watch\"}\n");
    int other = ask(world, "{\"command\":\"watch\"}\n");

    turn_often(world, 5);
    control_server_change_set(world->server, "{\"id\":1}");
    control_server_change_set(world->server, "{\"id\":2}");
    turn(world);
    control_server_stop(world->server);
    world->server = NULL;
    assert_string_equal(rest_of(world, one), "{\"id\":1}\n{\"id\":2}\n");
    assert_string_equal(rest_of(world, other), "{\"id\":1}\n{\"id\":2}\n");
}

static void slow_watcher_is_dropped_and_told(void **state)
{
    struct world *world = *state;
    static char line[1 << 16];
    int fd = ask(world, "{\"command\":\"watch\"}\n");

    memset(line, 'x', sizeof line - 1);
    turn_often(world, 5);
    for (int i = 0; i < 100; i++)
        control_server_change_set(world->server, line);
    assert_has(strstr(rest_of(world, fd), "{\"v\""), "faster than they were read");
}

static void leaving_watcher_frees_its_place(void **state)
{
    struct world *world = *state;

    for (int client = 0; client < 3 * CONTROL_CLIENT_LIMIT; client++) {
        close(ask(world, "{\"command\":\"watch\"}\n"));
        turn(world);
    }
    assert_has(answer_to(world, "{\"command\":\"status\"}\n"), "\"live\"");
}

static void one_client_too_many_is_told_so(void **state)
{
    struct world *world = *state;
    int clients[CONTROL_CLIENT_LIMIT];

    for (int i = 0; i < CONTROL_CLIENT_LIMIT; i++)
        clients[i] = ask(world, "{\"command\":\"watch\"}\n");
    turn_often(world, 5);
    assert_has(rest_of(world, connect_to(world->path)), "64 clients");
    for (int i = 0; i < CONTROL_CLIENT_LIMIT; i++)
        close(clients[i]);
}

/* --- the socket ------------------------------------------------------------------ */

static void socket_is_for_owner_and_group(void **state)
{
    const struct world *world = *state;
    struct stat file;

    assert_int_equal(lstat(world->path, &file), 0);
    assert_int_equal(file.st_mode, S_IFSOCK | 0660);
}

static void second_server_is_refused(void **state)
{
    struct world *world = *state;
    struct control_server *second = NULL;
    struct error err;

    assert_int_equal(start_server(world, &second, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_has(err.message, "another tidemarkd listens on");
    assert_has(answer_to(world, "{\"command\":\"status\"}\n"), "\"live\"");
}

static void socket_goes_with_the_server(void **state)
{
    struct world *world = *state;

    control_server_stop(world->server);
    world->server = NULL;
    assert_int_equal(access(world->path, F_OK), -1);
}

/* Somebody has put his own in its place, where the daemon's was removed. */
static void socket_of_another_stays(void **state)
{
    struct world *world = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int other = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(unlink(world->path), 0);
    strcpy(address.sun_path, world->path);
    assert_int_equal(bind(other, (const struct sockaddr *)&address, sizeof address), 0);
    control_server_stop(world->server);
    world->server = NULL;
    assert_int_equal(access(world->path, F_OK), 0);
    close(other);
}

static void dead_socket_is_replaced(void **state)
{
    struct world *world = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    struct error err;

    control_server_stop(world->server);
    strcpy(address.sun_path, world->path);
    assert_int_equal(bind(dead, (const struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    assert_int_equal(start_server(world, &world->server, &err), OK);
    assert_has(answer_to(world, "{\"command\":\"status\"}\n"), "\"live\"");
}

static void other_file_is_not_replaced(void **state)
{
    struct world *world = *state;
    struct error err;
    FILE *file;

    control_server_stop(world->server);
    world->server = NULL;
    file = fopen(world->path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(start_server(world, &world->server, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(access(world->path, F_OK), 0);
}

static void too_long_path_is_refused(void **state)
{
    struct world *world = *state;
    struct world far = *world;
    struct control_server *server = NULL;
    struct error err;
    char long_path[200];
    const struct control_target target = {.context = &far};

    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(control_server_start(&server, world->loop, long_path, &target, &err),
                     FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
}

/* --- who may talk ---------------------------------------------------------------- */

static void only_root_owner_and_group_may_control(void **state)
{
    gid_t groups[] = {7, 500};
    const struct peer_credentials root = {.uid = 0, .gid = 0};
    const struct peer_credentials owner = {.uid = 42, .gid = 9};
    const struct peer_credentials member = {.uid = 43, .gid = 500};
    const struct peer_credentials also = {
        .uid = 43, .gid = 9, .groups = groups, .group_count = 2};
    const struct peer_credentials other = {
        .uid = 43, .gid = 9, .groups = groups, .group_count = 1};
    struct error err;

    (void)state;
    assert_int_equal(peer_credentials_check(&root, 42, 500, &err), OK);
    assert_int_equal(peer_credentials_check(&owner, 42, 500, &err), OK);
    assert_int_equal(peer_credentials_check(&member, 42, 500, &err), OK);
    assert_int_equal(peer_credentials_check(&also, 42, 500, &err), OK);
    assert_int_equal(peer_credentials_check(&other, 42, 500, &err), FAILED);
    assert_int_equal(err.kind, ERROR_AUTH);
}

static void kernel_tells_who_the_peer_is(void **state)
{
    struct peer_credentials peer = {0};
    struct error err;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(peer_credentials_read(&peer, pair[0], &err), OK);
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    assert_int_equal(peer.group_count, getgroups(0, NULL));
    peer_credentials_release(&peer);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
#define world_test(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)
    const struct CMUnitTest tests[] = {
        world_test(status_is_the_document),
        world_test(request_may_come_in_pieces_and_without_newline),
        world_test(sync_shows_the_status_and_ends_with_the_round),
        world_test(sync_ends_with_the_error_of_its_round),
        world_test(status_lines_are_limited_to_five_a_second),
        world_test(wait_sits_out_failed_attempts),
        world_test(wait_gives_up_after_its_time),
        world_test(wait_refuses_a_time_that_is_none),
        world_test(pause_and_resume_reach_the_engine),
        world_test(resync_names_an_unknown_table),
        world_test(socket_of_another_stays),
        world_test(request_about_another_cache_is_refused),
        world_test(nonsense_is_answered_with_an_error),
        world_test(endless_request_is_cut_off),
        world_test(watchers_get_each_change_set),
        world_test(slow_watcher_is_dropped_and_told),
        world_test(leaving_watcher_frees_its_place),
        world_test(one_client_too_many_is_told_so),
        world_test(socket_is_for_owner_and_group),
        world_test(second_server_is_refused),
        world_test(socket_goes_with_the_server),
        world_test(dead_socket_is_replaced),
        world_test(other_file_is_not_replaced),
        world_test(too_long_path_is_refused),
        cmocka_unit_test(only_root_owner_and_group_may_control),
        cmocka_unit_test(kernel_tells_who_the_peer_is),
    };

    return cmocka_run_group_tests_name("control_server", tests, NULL, NULL);
}
