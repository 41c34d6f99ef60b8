#include "daemon/server/control_session.h"

#include "daemon/server/line_stream.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/control/control_protocol.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_TIMEOUT_MS 10000
#define WATCH_QUEUE_LIMIT ((size_t)1 << 20)
#define STATUS_PAUSE_US (200 * US_PER_MS)

enum session_state {
    SESSION_READING,  /* the request has not come yet */
    SESSION_WAITING,  /* for a round */
    SESSION_WATCHING, /* until the client leaves */
    SESSION_ENDING,   /* the last line is on its way */
};

struct control_session {
    struct line_stream *stream;
    struct control_session_config config;
    enum session_state state;

    int64_t ticket;
    bool patient; /* failed attempts are waited out */
    bool shows_progress;
    bool status_changed; /* since the last status line */
    int64_t status_sent_us;
    bool half_closed; /* the client sends no more, but may still read */
};

/* --- answering ------------------------------------------------------------------- */

static void send_document(struct control_session *session, const json_t *document)
{
    line_stream_send(session->stream, document ? control_line_render(document) : NULL);
}

static void finish(struct control_session *session, const json_t *document)
{
    session->state = SESSION_ENDING;
    line_stream_end(session->stream);
    send_document(session, document);
}

static void finish_with_error(struct control_session *session, const struct error *err)
{
    OWNED(json_decrefp) json_t *document = control_error_document(err);

    finish(session, document);
}

static void finish_with_result(struct control_session *session)
{
    OWNED(json_decrefp) json_t *document = control_result_document();

    finish(session, document);
}

static void finish_with_timeout(struct control_session *session)
{
    OWNED(json_decrefp)
    json_t *document = json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:n}", "v", 1, "kind",
                                 "error", "name", "timeout", "code", EXIT_UNREACHABLE,
                                 "message", "not caught up when the time was over",
                                 "hint", "tidemark status", "sqlstate");

    finish(session, document);
}

/* --- requests -------------------------------------------------------------------- */

static void send_status(struct control_session *session)
{
    const struct control_target *target = session->config.target;
    OWNED(json_decrefp) json_t *document = target->status(target->context);

    session->status_changed = false;
    session->status_sent_us = clock_monotonic_us();
    send_document(session, document);
}

static void start_waiting(struct control_session *session)
{
    const struct control_target *target = session->config.target;

    session->ticket = target->request_round(target->context);
    session->state = SESSION_WAITING;
    line_stream_set_timeout(session->stream, -1);
    session->config.waiting(session->config.context);
}

static void answer_status(struct control_session *session, const json_t *request)
{
    const struct control_target *target = session->config.target;
    OWNED(json_decrefp) json_t *document = target->status(target->context);

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
        line_stream_set_timeout(session->stream, json_integer_value(timeout));
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
    bool all = json_is_true(json_object_get(request, "all"));
    struct error err;

    if (!table == !all) {
        error_set(&err, ERROR_INVALID,
                  "resync needs \"table\": the name of one, or \"all\": true");
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
    line_stream_set_timeout(session->stream, -1);
}

static const struct {
    const char *name;
    void (*answer)(struct control_session *session, const json_t *request);
} commands[] = {
    {"status", answer_status}, {"sync", answer_sync},     {"wait", answer_wait},
    {"pause", answer_pause},   {"resume", answer_resume}, {"resync", answer_resync},
    {"watch", answer_watch},
};

static bool is_same_file(const char *one, const char *other)
{
    OWNED(text_free) char *one_path = realpath(one, NULL);
    OWNED(text_free) char *other_path = realpath(other, NULL);

    return strcmp(one, other) == 0 ||
           (one_path && other_path && strcmp(one_path, other_path) == 0);
}

/* Two configurations may share the default socket: nobody is told of a cache that he did
 * not ask for. */
static enum outcome check_cache(const struct control_session *session,
                                const json_t *request, struct error *err)
{
    const struct control_target *target = session->config.target;
    const char *wanted = json_string_value(json_object_get(request, "cache"));
    OWNED(json_decrefp)
    json_t *document = wanted ? target->status(target->context) : NULL;
    const char *kept = json_string_value(json_object_get(document, "cache"));

    if (!wanted || !kept || is_same_file(wanted, kept))
        return OK;
    error_set(err, ERROR_INVALID, "the daemon that listens here keeps %s, not %s", kept,
              wanted);
    return error_hint(err, "give each configuration a [control] socket of its own");
}

static void answer_request(void *context, const char *line, size_t size)
{
    struct control_session *session = context;
    OWNED(json_decrefp) json_t *request = NULL;
    const char *name;
    struct error err;

    if (control_line_parse(line, size, &request, &err) == FAILED ||
        check_cache(session, request, &err) == FAILED) {
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

/* --- what the stream reports ----------------------------------------------------- */

static void on_line_too_long(void *context, size_t limit_bytes)
{
    struct error err;

    error_set(&err, ERROR_INVALID, "the request is longer than %zu bytes", limit_bytes);
    finish_with_error(context, &err);
}

/* One who asked for a round may have closed only its sending half (`nc -N`) and still
 * read; one who watches says by it that it leaves. */
static void on_peer_ended(void *context)
{
    struct control_session *session = context;

    session->half_closed = true;
    if (session->state != SESSION_WAITING)
        control_session_close(session);
}

static void on_time_over(void *context)
{
    struct control_session *session = context;
    struct error err;

    if (session->state == SESSION_WAITING) {
        finish_with_timeout(session);
        return;
    }
    error_set(&err, ERROR_INVALID, "no request within %d s", REQUEST_TIMEOUT_MS / 1000);
    finish_with_error(session, &err);
}

static void on_closed(void *context)
{
    struct control_session *session = context;

    session->config.closed(session->config.context, session);
    free(session);
}

/* --- for the server -------------------------------------------------------------- */

enum outcome control_session_accept(struct control_session **out_session,
                                    struct uv_stream_s *listener,
                                    const struct control_session_config *config,
                                    struct error *err)
{
    struct control_session *session = calloc(1, sizeof *session);
    const struct line_stream_owner owner = {.context = session,
                                            .line = answer_request,
                                            .line_too_long = on_line_too_long,
                                            .peer_ended = on_peer_ended,
                                            .time_over = on_time_over,
                                            .closed = on_closed};
    enum outcome outcome;

    if (!session)
        return error_out_of_memory(err);
    session->config = *config;
    outcome =
        line_stream_accept(&session->stream, listener, &owner, CONTROL_LINE_LIMIT, err);
    if (!session->stream)
        free(session);
    else
        *out_session = session;
    return outcome;
}

int control_session_socket(const struct control_session *session)
{
    return line_stream_socket(session->stream);
}

void control_session_close(struct control_session *session)
{
    session->state = SESSION_ENDING;
    line_stream_close(session->stream);
}

void control_session_serve(struct control_session *session)
{
    line_stream_set_timeout(session->stream, REQUEST_TIMEOUT_MS);
    line_stream_read(session->stream);
}

void control_session_refuse(struct control_session *session, const struct error *err)
{
    /* The line fits into a fresh socket, so it is written before the end. */
    finish_with_error(session, err);
    control_session_close(session);
}

static void show_progress(struct control_session *session)
{
    int64_t since_us = clock_monotonic_us() - session->status_sent_us;

    if (session->status_changed && since_us >= STATUS_PAUSE_US &&
        line_stream_queued_bytes(session->stream) == 0)
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
    if (session->half_closed && line_stream_peer_is_gone(session->stream)) {
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
    if (line_stream_queued_bytes(session->stream) > WATCH_QUEUE_LIMIT) {
        control_session_change_sets_lost(session);
        return;
    }
    buffer_append_text(&line, json_line);
    buffer_append_text(&line, "\n");
    line_stream_send(session->stream, buffer_take(&line));
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
