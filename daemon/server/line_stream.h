/*
 * Line stream: one connection on which a line is read and lines are written.
 *
 * Only the first line that the peer sends is delivered; what follows is thrown away.
 * Writing never waits: lines are queued, and the owner looks at
 * line_stream_queued_bytes() before it queues more. Its memory belongs to itself and goes
 * after `closed`.
 *
 * Belongs to the loop's thread.
 */
#ifndef DAEMON_SERVER_LINE_STREAM_H
#define DAEMON_SERVER_LINE_STREAM_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_stream_s;
struct line_stream;

struct line_stream_owner {
    void *context;
    /* Without its newline; also when the peer ended without one. */
    void (*line)(void *context, const char *line, size_t size);
    void (*line_too_long)(void *context, size_t limit_bytes);
    void (*peer_ended)(void *context); /* it sends no more, but may still read */
    void (*time_over)(void *context);  /* of line_stream_set_timeout() */
    void (*closed)(void *context);     /* the last call */
};

/* Accepts the next connection of the listener. *out_stream may be set on failure too:
 * then `closed` is still to come. */
MUST_CHECK enum outcome line_stream_accept(struct line_stream **out_stream,
                                           struct uv_stream_s *listener,
                                           const struct line_stream_owner *owner,
                                           size_t limit_bytes, struct error *err);

/* Starts reading. */
void line_stream_read(struct line_stream *stream);

/* Takes the text (NULL: there was no memory for it, and the stream closes). */
void line_stream_send(struct line_stream *stream, char *text);
size_t line_stream_queued_bytes(const struct line_stream *stream);

/* Calls time_over once after timeout_ms; negative: never. */
void line_stream_set_timeout(struct line_stream *stream, int64_t timeout_ms);

/* Closes as soon as what is queued has been written. A peer that does not read is not
 * waited for longer than five seconds. Call it before sending the last line. */
void line_stream_end(struct line_stream *stream);

void line_stream_close(struct line_stream *stream); /* at once */

int line_stream_socket(const struct line_stream *stream);

/* After peer_ended: whether it does not read either. */
bool line_stream_peer_is_gone(const struct line_stream *stream);

#endif
