#include "daemon/server/control_session.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/control/control_protocol.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define REQUEST_TIMEOUT_MS 10000
#define LINGER_MS 5000
#define WATCH_QUEUE_LIMIT ((size_t)1 << 20)
#define STATUS_PAUSE_US (200 * US_PER_MS)
#define CHUNK_SIZE 4096

enum session_state {
    SESSION_READING,  /* the request has not come yet */
    SESSION_WAITING,  /* for a round */
    SESSION_WATCHING, /* until the client leaves */
    SESSION_ENDING,   /* the last line is on its way */
};

struct control_session {
    uv_pipe_t pipe;
    uv_timer_t timer; /* what ends the present state */
    int open_handles;
    struct control_session_config config;
    enum session_state state;
    struct buffer input;
    char chunk[CHUNK_SIZE];

    int64_t ticket;
    bool patient; /* failed attempts are waited out */
    bool shows_progress;
    bool status_changed; /* since the last status line */
    int64_t status_sent_us;
    bool half_closed; /* the client sends no more, but may still read */
};

struct outgoing {
    uv_write_t request;
    struct control_session *session;
    char *text;
};

static void free_json(json_t **document)
{
    json_decref(*document);
}

/* --- ending ---------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct control_session *session = handle->data;

    if (--session->open_handles > 0)
        return;
    session->config.closed(session->config.context, session);
    buffer_release(&session->input);
    free(session);
}

void control_session_close(struct control_session *session)
{
    uv_handle_t *pipe = (uv_handle_t *)&session->pipe;

    session->state = SESSION_ENDING;
    if (uv_is_closing(pipe))
        return;
    uv_close(pipe, on_closed);
    uv_close((uv_handle_t *)&session->timer, on_closed);
}

/* --- writing --------------------------------------------------------------------- */

static size_t queued_bytes(const struct control_session *session)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&session->pipe);
}

static void on_written(uv_write_t *request, int status)
{
    struct outgoing *line = request->data;
    struct control_session *session = line->session;

    free(line->text);
    free(line);
    if (status < 0 || (session->state == SESSION_ENDING && queued_bytes(session) == 0))
        control_session_close(session);
}

/* Takes the text. Without memory the client hears nothing more: the session ends. */
static void send_text(struct control_session *session, char *text)
{
    struct outgoing *line = text ? calloc(1, sizeof *line) : NULL;
    uv_buf_t bytes;

    if (!line || uv_is_closing((uv_handle_t *)&session->pipe)) {
        free(text);
        free(line);
        control_session_close(session);
        return;
    }
    *line = (struct outgoing){.session = session, .text = text};
    line->request.data = line;
    bytes = uv_buf_init(text, (unsigned int)strlen(text));
    if (uv_write(&line->request, (uv_stream_t *)&session->pipe, &bytes, 1, on_written) !=
        0) {
        free(text);
        free(line);
        control_session_close(session);
    }
}

static void send_document(struct control_session *session, const json_t *document)
{
    send_text(session, document ? control_line_render(document) : NULL);
}

static void on_timer(uv_timer_t *timer);

/* The last line. A client that does not fetch it is not waited for. */
static void finish(struct control_session *session, const json_t *document)
{
    uv_read_stop((uv_stream_t *)&session->pipe);
    session->state = SESSION_ENDING;
    uv_timer_start(&session->timer, on_timer, LINGER_MS, 0);
    send_document(session, document);
}

static void finish_with_error(struct control_session *session, const struct error *err)
{
    OWNED(free_json) json_t *document = control_error_document(err);

    finish(session, document);
}

static void finish_with_result(struct control_session *session)
{
    OWNED(free_json) json_t *document = control_result_document();

    finish(session, document);
}

static void finish_with_timeout(struct control_session *session)
{
    OWNED(free_json)
    json_t *document = json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:n}", "v", 1, "kind",
                                 "error", "name", "timeout", "code", EXIT_UNREACHABLE,
                                 "message", "not caught up when the time was over",
                                 "hint", "tidemark status", "sqlstate");

    finish(session, document);
}

static void on_timer(uv_timer_t *timer)
{
    struct control_session *session = timer->data;
    struct error err;

    switch (session->state) {
    case SESSION_READING:
        error_set(&err, ERROR_INVALID, "no request within %d s",
                  REQUEST_TIMEOUT_MS / 1000);
        finish_with_error(session, &err);
        return;
    case SESSION_WAITING:
        finish_with_timeout(session);
        return;
    default:
        control_session_close(session);
    }
}

/* --- requests -------------------------------------------------------------------- */

static void send_status(struct control_session *session)
{
    const struct control_target *target = session->config.target;
    OWNED(free_json) json_t *document = target->status(target->context);

    session->status_changed = false;
    session->status_sent_us = clock_monotonic_us();
    send_document(session, document);
}

static void start_waiting(struct control_session *session)
{
    const struct control_target *target = session->config.target;

    session->ticket = target->request_round(target->context);
    session->state = SESSION_WAITING;
    uv_timer_stop(&session->timer);
    session->config.waiting(session->config.context);
}

static void answer_status(struct control_session *session, const json_t *request)
{
    const struct control_target *target = session->config.target;
    OWNED(free_json) json_t *document = target->status(target->context);

    (void)request;
    finish(session, document);
}

static void answer_sync(struct control_session *session, const json_t *request)
{
    (void)request;
    session->shows_progress = true;
    start_waiting(session);
    send_status(session);
}

static void answer_wait(struct control_session *session, const json_t *request)
{
    const json_t *timeout = json_object_get(request, "timeout_ms");
    struct error err;

    if (timeout && !json_is_null(timeout) &&
        (!json_is_integer(timeout) || json_integer_value(timeout) < 0)) {
        error_set(&err, ERROR_INVALID, "timeout_ms must be a whole number, 0 or more");
        finish_with_error(session, &err);
        return;
    }
    session->patient = true;
    start_waiting(session);
    if (json_is_integer(timeout))
        uv_timer_start(&session->timer, on_timer, (uint64_t)json_integer_value(timeout),
                       0);
}

static void answer_pause(struct control_session *session, const json_t *request)
{
    (void)request;
    session->config.target->pause(session->config.target->context);
    finish_with_result(session);
}

static void answer_resume(struct control_session *session, const json_t *request)
{
    (void)request;
    session->config.target->resume(session->config.target->context);
    finish_with_result(session);
}

static void answer_resync(struct control_session *session, const json_t *request)
{
    const struct control_target *target = session->config.target;
    const char *table = json_string_value(json_object_get(request, "table"));
    struct error err;

    if (!table) {
        error_set(&err, ERROR_INVALID, "resync needs \"table\": the name of one");
        finish_with_error(session, &err);
    } else if (target->request_resync(target->context, table, &err) == FAILED) {
        finish_with_error(session, &err);
    } else {
        answer_sync(session, request);
    }
}

static void answer_watch(struct control_session *session, const json_t *request)
{
    (void)request;
    session->state = SESSION_WATCHING;
    uv_timer_stop(&session->timer);
}

static const struct {
    const char *name;
    void (*answer)(struct control_session *session, const json_t *request);
} commands[] = {
    {"status", answer_status}, {"sync", answer_sync},     {"wait", answer_wait},
    {"pause", answer_pause},   {"resume", answer_resume}, {"resync", answer_resync},
    {"watch", answer_watch},
};

static void answer_request(struct control_session *session, const char *line, size_t size)
{
    OWNED(free_json) json_t *request = NULL;
    const char *name;
    struct error err;

    if (control_line_parse(line, size, &request, &err) == FAILED) {
        finish_with_error(session, &err);
        return;
    }
    name = json_string_value(json_object_get(request, "command"));
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].answer(session, request);
            return;
        }
    }
    if (name)
        error_set(&err, ERROR_INVALID, "unknown command \"%.64s\"", name);
    else
        error_set(&err, ERROR_INVALID, "the request has no \"command\"");
    finish_with_error(session, &err);
}

/* --- reading --------------------------------------------------------------------- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *out_bytes)
{
    struct control_session *session = handle->data;

    (void)suggested;
    *out_bytes = uv_buf_init(session->chunk, sizeof session->chunk);
}

static void take_input(struct control_session *session, size_t size)
{
    const char *newline = memchr(session->chunk, '\n', size);
    struct error err;

    if (session->state != SESSION_READING)
        return;
    buffer_append(&session->input, session->chunk,
                  newline ? (size_t)(newline - session->chunk) : size);
    if (session->input.failed || session->input.length > CONTROL_LINE_LIMIT) {
        error_set(&err, ERROR_INVALID, "the request is longer than %zu bytes",
                  CONTROL_LINE_LIMIT);
        finish_with_error(session, &err);
    } else if (newline) {
        answer_request(session, session->input.data ? session->input.data : "",
                       session->input.length);
    }
}

/* One who asked for a round may have closed only its sending half (`nc -N`) and still
 * read; one who watches says by it that it leaves. */
static void take_end(struct control_session *session)
{
    session->half_closed = true;
    if (session->state == SESSION_READING && session->input.length > 0)
        answer_request(session, session->input.data, session->input.length);
    if (session->state == SESSION_READING || session->state == SESSION_WATCHING)
        control_session_close(session);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *bytes)
{
    struct control_session *session = stream->data;

    (void)bytes;
    if (size > 0)
        take_input(session, (size_t)size);
    else if (size == UV_EOF)
        take_end(session);
    else if (size < 0)
        control_session_close(session);
}

/* --- for the server -------------------------------------------------------------- */

enum outcome control_session_accept(struct control_session **out_session,
                                    struct uv_stream_s *listener,
                                    const struct control_session_config *config,
                                    struct error *err)
{
    struct control_session *session = calloc(1, sizeof *session);
    int code;

    if (!session)
        return error_out_of_memory(err);
    session->config = *config;
    session->open_handles = 2;
    session->input.limit_bytes = CONTROL_LINE_LIMIT + CHUNK_SIZE;
    uv_pipe_init(listener->loop, &session->pipe, 0);
    uv_timer_init(listener->loop, &session->timer);
    session->pipe.data = session;
    session->timer.data = session;
    *out_session = session;
    code = uv_accept(listener, (uv_stream_t *)&session->pipe);
    if (code == 0)
        return OK;
    control_session_close(session);
    return error_set(err, ERROR_SYSTEM, "accept a control connection: %s",
                     uv_strerror(code));
}

int control_session_socket(const struct control_session *session)
{
    uv_os_fd_t fd = -1;

    return uv_fileno((const uv_handle_t *)&session->pipe, &fd) == 0 ? fd : -1;
}

void control_session_serve(struct control_session *session)
{
    uv_timer_start(&session->timer, on_timer, REQUEST_TIMEOUT_MS, 0);
    if (uv_read_start((uv_stream_t *)&session->pipe, on_allocate, on_read) != 0)
        control_session_close(session);
}

void control_session_refuse(struct control_session *session, const struct error *err)
{
    /* The line fits into a fresh socket, so it is written before the end. */
    finish_with_error(session, err);
    control_session_close(session);
}

static bool client_is_gone(const struct control_session *session)
{
    struct pollfd peer = {.fd = control_session_socket(session)};

    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0;
}

static void show_progress(struct control_session *session)
{
    int64_t since_us = clock_monotonic_us() - session->status_sent_us;

    if (session->status_changed && since_us >= STATUS_PAUSE_US &&
        queued_bytes(session) == 0)
        send_status(session);
}

bool control_session_poll(struct control_session *session, bool status_changed)
{
    const struct control_target *target = session->config.target;
    struct error err;
    enum outcome outcome;

    if (session->state != SESSION_WAITING)
        return false;
    session->status_changed |= status_changed;
    if (session->half_closed && client_is_gone(session)) {
        control_session_close(session);
        return false;
    }
    outcome = target->round_state(target->context, session->ticket, &err);
    if (outcome == OK)
        finish_with_result(session);
    else if (outcome == FAILED && !session->patient)
        finish_with_error(session, &err);
    else if (session->shows_progress)
        show_progress(session);
    return session->state == SESSION_WAITING;
}

void control_session_change_set(struct control_session *session, const char *json_line)
{
    struct buffer line = {0};

    if (session->state != SESSION_WATCHING)
        return;
    if (queued_bytes(session) > WATCH_QUEUE_LIMIT) {
        control_session_change_sets_lost(session);
        return;
    }
    buffer_append_text(&line, json_line);
    buffer_append_text(&line, "\n");
    send_text(session, buffer_take(&line));
}

void control_session_change_sets_lost(struct control_session *session)
{
    struct error err;

    if (session->state != SESSION_WATCHING)
        return;
    error_set(&err, ERROR_TRANSIENT, "change sets came faster than they were read");
    error_hint(&err, "read the tables again, and watch anew");
    finish_with_error(session, &err);
}
