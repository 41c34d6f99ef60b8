/*
 * Control session: the conversation with one client of the control server.
 *
 * One request line in, answer lines out, end. A session ends by itself: after its answer,
 * when the client leaves, sends nothing for ten seconds, sends nonsense or does not read.
 * Its memory belongs to itself; `closed` tells the server that it is gone.
 *
 * Belongs to the loop's thread.
 */
#ifndef DAEMON_SERVER_CONTROL_SESSION_H
#define DAEMON_SERVER_CONTROL_SESSION_H

#include "daemon/server/control_server.h"

#include <stdbool.h>

struct uv_stream_s;
struct control_session;

struct control_session_config {
    const struct control_target *target; /* borrowed, like the context */
    void *context;
    /* It is waiting for a round, and wants control_session_poll() from now on. */
    void (*waiting)(void *context);
    /* The last call; the session is freed when it returns. */
    void (*closed)(void *context, struct control_session *session);
};

/* Accepts the next connection of the listener. Reads nothing yet. *out_session may be set
 * on failure too: then `closed` is still to come. */
MUST_CHECK enum outcome
control_session_accept(struct control_session **out_session, struct uv_stream_s *listener,
                       const struct control_session_config *config, struct error *err);

int control_session_socket(const struct control_session *session); /* for its peer */

/* Waits for the request; or refuses to hear it. */
void control_session_serve(struct control_session *session);
void control_session_refuse(struct control_session *session, const struct error *err);

/* Looks whether the awaited round is over; at times sends the status if it has changed.
 * Returns whether the session is still waiting. */
bool control_session_poll(struct control_session *session, bool status_changed);

/* For those who watch; others are left alone. */
void control_session_change_set(struct control_session *session, const char *json_line);
void control_session_change_sets_lost(struct control_session *session);

/* Ends it now, whatever it is doing. */
void control_session_close(struct control_session *session);

#endif
