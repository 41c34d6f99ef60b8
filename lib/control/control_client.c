#include "lib/control/control_client.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/control/control_protocol.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE ((size_t)16384)
#define SEND_TIMEOUT_US (5 * US_PER_SECOND)

struct control_client {
    int fd;
    struct buffer received; /* what came behind the last line that was handed out */
    size_t scanned;         /* so much of it is known to hold no newline */
};

static void client_drop(struct control_client **client)
{
    control_client_free(*client);
}

void control_client_free(struct control_client *client)
{
    if (!client)
        return;
    if (client->fd >= 0)
        close(client->fd);
    buffer_release(&client->received);
    free(client);
}

static enum outcome connect_to(int fd, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        error_set(err, ERROR_INVALID, "the control socket's path is too long: %s", path);
        return error_hint(err,
                          "a socket's path has at most %zu bytes; choose a shorter "
                          "[control] socket",
                          sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return OK;
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
        return NOTHING;
    error_set_errno(err, "talk to the daemon at %s", path);
    if (err->kind == ERROR_SYSTEM && errno == EACCES) {
        err->kind = ERROR_AUTH;
        return error_hint(err, "be a member of the group that owns the socket: ls -l %s",
                          path);
    }
    return FAILED;
}

enum outcome control_client_new(struct control_client **out_client,
                                const char *socket_path, struct error *err)
{
    OWNED(client_drop) struct control_client *client = calloc(1, sizeof(*client));
    enum outcome outcome;

    if (!client)
        return error_out_of_memory(err);
    client->received.limit_bytes = CONTROL_LINE_LIMIT + READ_SIZE;
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return error_set_errno(err, "make a socket");
    outcome = connect_to(client->fd, socket_path, err);
    if (outcome == OK)
        *out_client = TAKE(client);
    return outcome;
}

/* OK, NOTHING when the time is over or a signal came. */
static enum outcome wait_for(int fd, short events, int64_t deadline_us, struct error *err)
{
    struct pollfd watched = {.fd = fd, .events = events};
    int64_t left_ms = deadline_us == INT64_MAX
                          ? -1
                          : (deadline_us - clock_monotonic_us()) / US_PER_MS + 1;
    int ready;

    if (deadline_us != INT64_MAX && left_ms < 0)
        left_ms = 0;
    ready = poll(&watched, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
    if (ready < 0 && errno != EINTR)
        return error_set_errno(err, "wait for the daemon");
    return ready > 0 ? OK : NOTHING;
}

enum outcome control_client_send(struct control_client *client, const json_t *request,
                                 struct error *err)
{
    int64_t deadline_us = clock_monotonic_us() + SEND_TIMEOUT_US;
    OWNED(text_free) char *line = control_line_render(request);
    size_t size = line ? strlen(line) : 0;

    if (!line)
        return error_out_of_memory(err);
    for (size_t sent = 0; sent < size;) {
        ssize_t step =
            send(client->fd, line + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (step >= 0)
            sent += (size_t)step;
        else if (errno == EPIPE || errno == ECONNRESET)
            return OK; /* hung up without listening: its answer says why */
        else if (errno != EAGAIN && errno != EINTR)
            return error_set_errno(err, "ask the daemon");
        else if (clock_monotonic_us() > deadline_us)
            return error_set(err, ERROR_TRANSIENT, "the daemon does not read requests");
        else if (wait_for(client->fd, POLLOUT, deadline_us, err) == FAILED)
            return FAILED;
    }
    return OK;
}

/* Hands out the first whole line; NOTHING: there is none yet. */
static enum outcome take_line(struct control_client *client, json_t **out_document,
                              struct error *err)
{
    struct buffer *received = &client->received;
    const char *newline = received->length > client->scanned
                              ? memchr(received->data + client->scanned, '\n',
                                       received->length - client->scanned)
                              : NULL;
    size_t size;
    enum outcome outcome;

    if (!newline) {
        client->scanned = received->length;
        if (received->length <= CONTROL_LINE_LIMIT)
            return NOTHING;
        return error_set(err, ERROR_CORRUPT,
                         "the daemon sent a line of more than %zu bytes",
                         CONTROL_LINE_LIMIT);
    }
    size = (size_t)(newline - received->data);
    outcome = control_line_parse(received->data, size, out_document, err);
    received->length -= size + 1;
    memmove(received->data, newline + 1, received->length);
    client->scanned = 0;
    return outcome == FAILED ? error_wrap(err, "the daemon's answer") : OK;
}

static enum outcome read_more(struct control_client *client, struct error *err)
{
    char *room = buffer_reserve(&client->received, READ_SIZE);
    ssize_t size;

    if (!room)
        return error_out_of_memory(err);
    size = recv(client->fd, room, READ_SIZE, MSG_DONTWAIT);
    if (size > 0)
        client->received.length += (size_t)size;
    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)))
        return OK;
    if (size == 0)
        return error_set(err, ERROR_TRANSIENT, "the daemon has closed the connection");
    return error_set_errno(err, "listen to the daemon");
}

enum outcome control_client_receive(struct control_client *client, int64_t timeout_us,
                                    json_t **out_document, struct error *err)
{
    int64_t deadline_us = timeout_us < 0 ? INT64_MAX : clock_monotonic_us() + timeout_us;
    enum outcome outcome;

    for (;;) {
        outcome = take_line(client, out_document, err);
        if (outcome != NOTHING)
            return outcome;
        outcome = wait_for(client->fd, POLLIN, deadline_us, err);
        if (outcome != OK)
            return outcome;
        if (read_more(client, err) == FAILED)
            return FAILED;
    }
}

int control_client_descriptor(const struct control_client *client)
{
    return client->fd;
}
