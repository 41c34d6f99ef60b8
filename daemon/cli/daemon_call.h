/*
 * Daemon call: asking the daemon, and reading its answers, from a command.
 */
#ifndef DAEMON_CLI_DAEMON_CALL_H
#define DAEMON_CLI_DAEMON_CALL_H

#include "daemon/config.h"
#include "lib/control/control_client.h"
#include "lib/control/control_protocol.h"

/* Connects to [control] socket and sends the request (takes the reference, NULL is out
 * of memory). NOTHING: no daemon runs. */
MUST_CHECK enum outcome daemon_call_open(const struct config *config, json_t *request,
                                         struct control_client **out_client,
                                         struct error *err);

/* As above for a command that cannot do without: no daemon is ERROR_TRANSIENT. */
MUST_CHECK enum outcome daemon_call_require(const struct config *config, json_t *request,
                                            struct control_client **out_client,
                                            struct error *err);

/* Says that no daemon runs, and how to start one. Always FAILED. */
enum outcome daemon_call_absent(const struct config *config, struct error *err);

/*
 * The one answer to a request: a new reference, or FAILED with the daemon's own error, or
 * ERROR_TRANSIENT when it says nothing for timeout_us (negative: no limit).
 */
MUST_CHECK enum outcome daemon_call_answer(struct control_client *client,
                                           int64_t timeout_us, json_t **out_document,
                                           struct error *err);

/* For OWNED(). */
static inline void daemon_call_close(struct control_client **client)
{
    control_client_free(*client);
}

#endif
