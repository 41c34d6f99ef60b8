/*
 * Primary link: what the files of this folder share about a connection. Nobody
 * outside daemon/primary includes this.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_LINK_H
#define DAEMON_PRIMARY_PRIMARY_LINK_H

#include "daemon/primary/primary.h"
#include "daemon/primary/primary_query.h"

#include <libpq-fe.h>
#include <stdint.h>

struct primary {
    struct primary_config config;
    PGconn *connection; /* NULL: closed */
    uint32_t
        generation; /* counts connections: statements prepared on an older one are gone */
    bool transaction_pooler;
    bool in_recovery;
    int64_t round_trip_us;
    bool notified;       /* why the last primary_wait() ended */
    bool committing;     /* a COMMIT is under way that is not to be broken off */
    bool refused_commit; /* what became of the last COMMIT */
    size_t error_position;
    struct primary_complaint complaint;
};

/*
 * Waits until the socket is readable (or writable), for the configured silence at most.
 * FAILED: ERROR_TRANSIENT after that silence, ERROR_INTERRUPTED when asked to stop; the
 * server is told then, so that its statement and its locks end.
 */
MUST_CHECK enum outcome link_wait(struct primary *primary, short events,
                                  struct error *err);

/*
 * Asks the server to end the statement under way, over a connection of its own, and
 * waits 0.3 s at most until the request has been taken. Whether it could be sent
 * is not told: the server notices a closed connection by itself, only later.
 */
void link_cancel(struct primary *primary);

/* Sends what libpq still holds back, reading meanwhile so that neither side blocks. */
MUST_CHECK enum outcome link_flush(struct primary *primary, struct error *err);

/* The next result of the statement under way; OK with NULL at its end. The caller clears
 * it. */
MUST_CHECK enum outcome link_result(struct primary *primary, PGresult **out_result,
                                    struct error *err);

/* Reads and forgets what is left of the statement under way. */
MUST_CHECK enum outcome link_drain(struct primary *primary, struct error *err);

/* Describes a failed result, or the connection's own failure; closes a dead connection.
 */
enum outcome link_result_error(struct primary *primary, const PGresult *result,
                               const char *what, struct error *err);
enum outcome link_connection_error(struct primary *primary, const char *what,
                                   struct error *err);

#endif
