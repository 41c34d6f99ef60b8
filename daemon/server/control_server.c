#include "daemon/server/control_server.h"

#include "daemon/loop/event_loop.h"
#include "daemon/observe/log.h"
#include "daemon/server/control_session.h"
#include "daemon/server/control_socket.h"
#include "daemon/server/peer_credentials.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define POLL_INTERVAL_US (200 * US_PER_MS)
#define BACKLOG 64

struct control_server {
    uv_pipe_t listener;
    struct event_timer *poll_timer; /* runs only while somebody waits for a round */
    struct control_socket socket;
    struct control_target target;
    struct control_session *sessions[CONTROL_CLIENT_LIMIT]; /* NULL: a free place */
    size_t open_handles;
};

static void release_if_closed(struct control_server *server)
{
    if (--server->open_handles > 0)
        return;
    control_socket_release(&server->socket);
    free(server);
}

/* --- sessions -------------------------------------------------------------------- */

static void forget_session(struct control_server *server, struct control_session *session)
{
    for (size_t i = 0; i < CONTROL_CLIENT_LIMIT; i++) {
        if (server->sessions[i] == session)
            server->sessions[i] = NULL;
    }
}

static bool remember_session(struct control_server *server,
                             struct control_session *session)
{
    for (size_t i = 0; i < CONTROL_CLIENT_LIMIT; i++) {
        if (!server->sessions[i]) {
            server->sessions[i] = session;
            return true;
        }
    }
    return false;
}

static void on_session_closed(void *context, struct control_session *session)
{
    struct control_server *server = context;

    forget_session(server, session);
    release_if_closed(server);
}

static void on_session_waiting(void *context)
{
    struct control_server *server = context;

    event_timer_start(server->poll_timer, POLL_INTERVAL_US, POLL_INTERVAL_US);
}

static void poll_sessions(struct control_server *server, bool status_changed)
{
    bool waiting = false;

    for (size_t i = 0; i < CONTROL_CLIENT_LIMIT; i++) {
        if (server->sessions[i])
            waiting |= control_session_poll(server->sessions[i], status_changed);
    }
    if (!waiting)
        event_timer_stop(server->poll_timer);
}

static void on_poll_timer(void *context)
{
    poll_sessions(context, false);
}

/* --- connections ----------------------------------------------------------------- */

static enum outcome check_peer(const struct control_server *server,
                               const struct control_session *session, struct error *err)
{
    OWNED(peer_credentials_release) struct peer_credentials peer = {0};

    if (peer_credentials_read(&peer, control_session_socket(session), err) == FAILED)
        return FAILED;
    return peer_credentials_check(&peer, geteuid(), server->socket.group, err);
}

static void admit(struct control_server *server, struct control_session *session)
{
    struct error err;

    if (check_peer(server, session, &err) == FAILED) {
        log_outcome(&err, "control connection refused");
        control_session_refuse(session, &err);
    } else if (!remember_session(server, session)) {
        error_set(&err, ERROR_TRANSIENT, "%d clients are connected already",
                  CONTROL_CLIENT_LIMIT);
        control_session_refuse(session, &err);
    } else {
        control_session_serve(session);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct control_server *server = listener->data;
    struct control_session_config config = {.target = &server->target,
                                            .context = server,
                                            .waiting = on_session_waiting,
                                            .closed = on_session_closed};
    struct control_session *session = NULL;
    struct error err;

    if (status < 0) {
        log_warning("accept a control connection: %s, skipping", uv_strerror(status));
        return;
    }
    if (control_session_accept(&session, listener, &config, &err) == FAILED)
        log_outcome(&err, "skipping");
    else
        admit(server, session);
    /* Even one that failed closes later, by its own callback. */
    if (session)
        server->open_handles++;
}

/* --- life ------------------------------------------------------------------------ */

static enum outcome listen_on(struct control_server *server, struct error *err)
{
    int code = uv_pipe_open(&server->listener, server->socket.fd);

    if (code == 0) {
        server->socket.fd = -1; /* libuv's from now on */
        code = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    }
    if (code != 0)
        return error_set(err, ERROR_SYSTEM, "listen on %s: %s", server->socket.path,
                         uv_strerror(code));
    return OK;
}

enum outcome control_server_start(struct control_server **out_server,
                                  struct event_loop *loop, const char *path,
                                  const struct control_target *target, struct error *err)
{
    struct control_server *server = calloc(1, sizeof *server);

    if (!server)
        return error_out_of_memory(err);
    server->target = *target;
    if (event_loop_add_timer(loop, on_poll_timer, server, &server->poll_timer, err) ==
            FAILED ||
        control_socket_open(&server->socket, path, err) == FAILED) {
        free(server);
        return FAILED;
    }
    uv_pipe_init(event_loop_uv(loop), &server->listener, 0);
    server->listener.data = server;
    server->open_handles = 1;
    if (listen_on(server, err) == FAILED) {
        control_server_stop(server);
        return FAILED;
    }
    *out_server = server;
    return OK;
}

static void on_listener_closed(uv_handle_t *handle)
{
    release_if_closed(handle->data);
}

void control_server_stop(struct control_server *server)
{
    if (!server)
        return;
    event_timer_stop(server->poll_timer);
    control_socket_unlink(&server->socket);
    for (size_t i = 0; i < CONTROL_CLIENT_LIMIT; i++) {
        if (server->sessions[i])
            control_session_close(server->sessions[i]);
    }
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

void control_server_status_changed(struct control_server *server)
{
    poll_sessions(server, true);
}

void control_server_change_set(struct control_server *server, const char *json_line)
{
    for (size_t i = 0; i < CONTROL_CLIENT_LIMIT; i++) {
        if (server->sessions[i])
            control_session_change_set(server->sessions[i], json_line);
    }
}

void control_server_change_sets_lost(struct control_server *server)
{
    for (size_t i = 0; i < CONTROL_CLIENT_LIMIT; i++) {
        if (server->sessions[i])
            control_session_change_sets_lost(server->sessions[i]);
    }
}
