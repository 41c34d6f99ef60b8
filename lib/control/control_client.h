/*
 * Control client: one conversation with the daemon over its Unix socket.
 *
 * Blocking, with a deadline for each wait. A signal that the caller handles ends a wait
 * early, as if its time were over. Belongs to one thread.
 */
#ifndef LIB_CONTROL_CONTROL_CLIENT_H
#define LIB_CONTROL_CONTROL_CLIENT_H

#include "lib/base/error.h"

#include <jansson.h>
#include <stdint.h>

struct control_client;

/*
 * NOTHING: no daemon listens there (no socket, or one that a dead daemon left behind).
 * ERROR_AUTH: there is one, and we may not talk to it.
 */
MUST_CHECK enum outcome control_client_new(struct control_client **out_client,
                                           const char *socket_path, struct error *err);
void control_client_free(struct control_client *client); /* NULL is fine */

MUST_CHECK enum outcome control_client_send(struct control_client *client,
                                            const json_t *request, struct error *err);

/*
 * The next line, a new reference. NOTHING: none came within timeout_us (negative: no
 * limit). ERROR_TRANSIENT: the daemon hung up; ERROR_CORRUPT: no line of the protocol.
 */
MUST_CHECK enum outcome control_client_receive(struct control_client *client,
                                               int64_t timeout_us, json_t **out_document,
                                               struct error *err);

/* Readable when something came; for waiting on it together with other things. Lines
 * that were read already do not show there: receive until NOTHING first. */
int control_client_descriptor(const struct control_client *client);

#endif
