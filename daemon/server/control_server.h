/*
 * Control server: answers `tidemark` and applications on the Unix socket.
 *
 * Speaks lib/control/control_protocol.h with up to CONTROL_CLIENT_LIMIT clients, each
 * checked by its credentials (root, the daemon's user, the socket file's group). It never
 * waits for a client: who reads too slowly is dropped. What the clients ask for goes
 * through struct control_target, so that the server knows nothing about the sync.
 *
 * Belongs to the loop's thread; the target's functions are called there.
 */
#ifndef DAEMON_SERVER_CONTROL_SERVER_H
#define DAEMON_SERVER_CONTROL_SERVER_H

#include "lib/base/error.h"

#include <jansson.h>
#include <stdint.h>

#define CONTROL_CLIENT_LIMIT 64

struct event_loop;
struct control_server;

/* What is being controlled; as the functions of daemon/sync/engine.h. None may block. */
struct control_target {
    void *context;
    json_t *(*status)(void *context); /* a new reference; NULL: out of memory */
    int64_t (*request_round)(void *context);
    enum outcome (*round_state)(void *context, int64_t ticket, struct error *err);
    void (*pause)(void *context);
    void (*resume)(void *context);
    enum outcome (*request_resync)(void *context, const char *table, struct error *err);
};

/* Listens from now on; see control_socket_open() for the errors. The target is copied. */
MUST_CHECK enum outcome control_server_start(struct control_server **out_server,
                                             struct event_loop *loop, const char *path,
                                             const struct control_target *target,
                                             struct error *err);

/* Closes every connection and removes the socket file. The memory goes when the loop
 * turns next (or in event_loop_free()). NULL is fine. */
void control_server_stop(struct control_server *server);

/* The status document is another one now. */
void control_server_status_changed(struct control_server *server);

/* A line of `watch`, without its newline, for all who watch. */
void control_server_change_set(struct control_server *server, const char *json_line);

/* Lines had to be dropped before they came here: all who watch are told, and ended. */
void control_server_change_sets_lost(struct control_server *server);

#endif
