#include "daemon/server/line_stream.h"

#include "lib/base/buffer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define LINGER_MS 5000
#define CHUNK_SIZE 4096

struct line_stream {
    uv_pipe_t pipe;
    uv_timer_t timer;
    int open_handles;
    struct line_stream_owner owner;
    struct buffer input;
    size_t limit_bytes;
    bool line_read;
    bool ending;
    char chunk[CHUNK_SIZE];
};

struct outgoing {
    uv_write_t request;
    struct line_stream *stream;
    char *text;
};

/* --- ending ---------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct line_stream *stream = handle->data;

    if (--stream->open_handles > 0)
        return;
    stream->owner.closed(stream->owner.context);
    buffer_release(&stream->input);
    free(stream);
}

static bool is_closing(const struct line_stream *stream)
{
    return uv_is_closing((const uv_handle_t *)&stream->pipe);
}

void line_stream_close(struct line_stream *stream)
{
    if (is_closing(stream))
        return;
    uv_close((uv_handle_t *)&stream->pipe, on_closed);
    uv_close((uv_handle_t *)&stream->timer, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct line_stream *stream = timer->data;

    if (stream->ending)
        line_stream_close(stream);
    else
        stream->owner.time_over(stream->owner.context);
}

void line_stream_set_timeout(struct line_stream *stream, int64_t timeout_ms)
{
    if (is_closing(stream))
        return;
    if (timeout_ms < 0)
        uv_timer_stop(&stream->timer);
    else
        uv_timer_start(&stream->timer, on_timer, (uint64_t)timeout_ms, 0);
}

void line_stream_end(struct line_stream *stream)
{
    stream->ending = true;
    uv_read_stop((uv_stream_t *)&stream->pipe);
    line_stream_set_timeout(stream, LINGER_MS);
}

/* --- writing --------------------------------------------------------------------- */

size_t line_stream_queued_bytes(const struct line_stream *stream)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&stream->pipe);
}

static void free_outgoing(struct outgoing *line)
{
    free(line->text);
    free(line);
}

static void on_written(uv_write_t *request, int status)
{
    struct outgoing *line = request->data;
    struct line_stream *stream = line->stream;

    free_outgoing(line);
    if (status < 0 || (stream->ending && line_stream_queued_bytes(stream) == 0))
        line_stream_close(stream);
}

void line_stream_send(struct line_stream *stream, char *text)
{
    struct outgoing *line = text ? calloc(1, sizeof *line) : NULL;
    uv_buf_t bytes;

    if (!line || is_closing(stream)) {
        free(text);
        free(line);
        line_stream_close(stream);
        return;
    }
    *line = (struct outgoing){.stream = stream, .text = text};
    line->request.data = line;
    bytes = uv_buf_init(text, (unsigned int)strlen(text));
    if (uv_write(&line->request, (uv_stream_t *)&stream->pipe, &bytes, 1, on_written) !=
        0) {
        free_outgoing(line);
        line_stream_close(stream);
    }
}

/* --- reading --------------------------------------------------------------------- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *out_bytes)
{
    struct line_stream *stream = handle->data;

    (void)suggested;
    *out_bytes = uv_buf_init(stream->chunk, sizeof stream->chunk);
}

static void deliver_line(struct line_stream *stream)
{
    const char *line = stream->input.data ? stream->input.data : "";

    stream->line_read = true;
    stream->owner.line(stream->owner.context, line, stream->input.length);
}

static void take_input(struct line_stream *stream, size_t size)
{
    const char *newline = memchr(stream->chunk, '\n', size);

    if (stream->line_read)
        return;
    buffer_append(&stream->input, stream->chunk,
                  newline ? (size_t)(newline - stream->chunk) : size);
    if (stream->input.failed || stream->input.length > stream->limit_bytes) {
        stream->line_read = true;
        stream->owner.line_too_long(stream->owner.context, stream->limit_bytes);
    } else if (newline) {
        deliver_line(stream);
    }
}

static void take_end(struct line_stream *stream)
{
    if (!stream->line_read && stream->input.length > 0)
        deliver_line(stream);
    if (!stream->ending)
        stream->owner.peer_ended(stream->owner.context);
}

static void on_read(uv_stream_t *pipe, ssize_t size, const uv_buf_t *bytes)
{
    struct line_stream *stream = pipe->data;

    (void)bytes;
    if (size > 0)
        take_input(stream, (size_t)size);
    else if (size == UV_EOF)
        take_end(stream);
    else if (size < 0)
        line_stream_close(stream);
}

void line_stream_read(struct line_stream *stream)
{
    if (uv_read_start((uv_stream_t *)&stream->pipe, on_allocate, on_read) != 0)
        line_stream_close(stream);
}

/* --- life ------------------------------------------------------------------------ */

enum outcome line_stream_accept(struct line_stream **out_stream,
                                struct uv_stream_s *listener,
                                const struct line_stream_owner *owner, size_t limit_bytes,
                                struct error *err)
{
    struct line_stream *stream = calloc(1, sizeof *stream);
    int code;

    if (!stream)
        return error_out_of_memory(err);
    stream->owner = *owner;
    stream->limit_bytes = limit_bytes;
    stream->input.limit_bytes = limit_bytes + CHUNK_SIZE;
    stream->open_handles = 2;
    uv_pipe_init(listener->loop, &stream->pipe, 0);
    uv_timer_init(listener->loop, &stream->timer);
    stream->pipe.data = stream;
    stream->timer.data = stream;
    *out_stream = stream;
    code = uv_accept(listener, (uv_stream_t *)&stream->pipe);
    if (code == 0)
        return OK;
    line_stream_close(stream);
    return error_set(err, ERROR_SYSTEM, "accept a control connection: %s",
                     uv_strerror(code));
}

int line_stream_socket(const struct line_stream *stream)
{
    uv_os_fd_t fd = -1;

    return uv_fileno((const uv_handle_t *)&stream->pipe, &fd) == 0 ? fd : -1;
}

bool line_stream_peer_is_gone(const struct line_stream *stream)
{
    struct pollfd peer = {.fd = line_stream_socket(stream)};

    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0;
}
