/*
 * Primary: one connection to the PostgreSQL primary.
 *
 * Every wait watches the socket, a deadline and the interrupt descriptor, so that
 * the thread that owns it can be stopped at any moment; the statement it waits for is
 * then ended on the server too, except a COMMIT. A connection that failed with
 * ERROR_TRANSIENT or ERROR_INTERRUPTED is closed; primary_connect() opens it again.
 * The session is pinned (UTC, ISO, UTF8 …); behind a transaction
 * pooler, where a session cannot be pinned, each transaction is.
 *
 * Belongs to one thread.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_H
#define DAEMON_PRIMARY_PRIMARY_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Text is borrowed from the caller's configuration, which must outlive the link. */
struct primary_config {
    const char *section; /* of the settings that name all this, for messages: "primary" */
    const char *conninfo;      /* without a password: refused here if it holds one */
    const char *database;      /* another one than conninfo names; NULL: that one */
    const char *password_file; /* NULL: libpq's own ways (PGPASSWORD, pgpass) */
    const char *role;          /* SET ROLE after connecting; NULL: none */
    const char *application;   /* application_name: "tidemarkd" */
    bool allow_insecure_tls; /* else hosts that are not local need sslmode=verify-full */
    int connect_timeout_ms;
    int silence_timeout_ms; /* a server that says nothing for so long is taken for gone */
    int lock_timeout_ms;
    int interrupt_fd; /* readable: stop waiting, ERROR_INTERRUPTED; -1: none */
};

struct primary;

/* What a person wants to know about the link; text is owned by the primary. */
struct primary_info {
    const char *host; /* host name, or the socket's folder */
    const char *port;
    const char *database;
    const char *user;
    bool tls;
    bool transaction_pooler; /* no session: no LISTEN, no named statements */
    bool in_recovery;        /* a hot standby */
    int server_version;      /* 150018 */
    int64_t round_trip_us;   /* of the last simple query */
};

/* Makes a link that is not connected yet; checks what can be checked without the network.
 */
MUST_CHECK enum outcome primary_new(struct primary **out_primary,
                                    const struct primary_config *config,
                                    struct error *err);
void primary_free(struct primary *primary); /* NULL is fine */

MUST_CHECK enum outcome primary_connect(struct primary *primary, struct error *err);
bool primary_is_connected(const struct primary *primary);
void primary_close(struct primary *primary);
/* From now on interrupt_fd is not watched: who was asked to stop still has to tidy up. */
void primary_ignore_interrupt(struct primary *primary);
void primary_describe(const struct primary *primary, struct primary_info *out_info);

/* LISTEN on a channel; does nothing behind a transaction pooler. */
MUST_CHECK enum outcome primary_listen(struct primary *primary, const char *channel,
                                       struct error *err);

/*
 * Waits until a notification arrives (OK), wake_fd becomes readable (OK), or the time is
 * over (NOTHING). FAILED when the connection is lost or the interrupt came.
 */
MUST_CHECK enum outcome primary_wait(struct primary *primary, int wake_fd,
                                     int64_t timeout_us, struct error *err);

/* Whether a notification ended the last wait: it is taken, and will not end another. */
bool primary_was_notified(const struct primary *primary);

#endif
