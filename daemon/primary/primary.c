#include "daemon/primary/primary.h"

#include "daemon/primary/primary_link.h"
#include "daemon/primary/primary_password.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "primary.sql.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_SERVER_VERSION 150000

enum outcome primary_new(struct primary **out_primary,
                         const struct primary_config *config, struct error *err)
{
    struct primary *primary;

    if (primary_check_conninfo(config, err) == FAILED)
        return FAILED;
    primary = calloc(1, sizeof(*primary));
    if (!primary)
        return error_out_of_memory(err);
    primary->config = *config;
    *out_primary = primary;
    return OK;
}

void primary_free(struct primary *primary)
{
    if (!primary)
        return;
    primary_close(primary);
    free(primary);
}

void primary_close(struct primary *primary)
{
    PQfinish(primary->connection);
    primary->connection = NULL;
}

void primary_ignore_interrupt(struct primary *primary)
{
    primary->config.interrupt_fd = -1;
}

bool primary_is_connected(const struct primary *primary)
{
    return primary->connection && PQstatus(primary->connection) == CONNECTION_OK;
}

/* Before the configuration's own words, so that those win; the password comes last. */
static PGconn *start_connecting(const struct primary_config *config, const char *password)
{
    const char *const keywords[] = {"keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout",
                                    "application_name",
                                    "dbname",
                                    "client_encoding",
                                    "dbname",
                                    password ? "password" : NULL,
                                    NULL};
    /* libpq expands the first dbname; a second one is a name, and an absent one is passed
     * over */
    const char *const values[] = {"15",
                                  "5",
                                  "3",
                                  "30000",
                                  config->application,
                                  config->conninfo,
                                  "UTF8",
                                  config->database,
                                  password,
                                  NULL};

    return PQconnectStartParams(keywords, values, 1);
}

/* Warnings of the server are no errors, and nobody reads them on stderr. */
static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* One step of the handshake; the wait is bounded by the connect time-out as a whole. */
static enum outcome wait_for_handshake(struct primary *primary, bool reading,
                                       int64_t deadline_us, struct error *err)
{
    struct pollfd watched[] = {
        {.fd = PQsocket(primary->connection), .events = reading ? POLLIN : POLLOUT},
        {.fd = primary->config.interrupt_fd, .events = POLLIN},
    };
    int64_t left_ms = (deadline_us - clock_monotonic_us()) / US_PER_MS;
    int ready = poll(watched, 2, left_ms > 0 ? (int)left_ms + 1 : 0);

    if (ready < 0 && errno != EINTR)
        return error_set_errno(err, "connect to the primary");
    if (ready > 0 && watched[1].revents)
        return error_set(err, ERROR_INTERRUPTED, "asked to stop");
    if (clock_monotonic_us() < deadline_us)
        return OK;
    error_set(err, ERROR_TRANSIENT, "connect to the primary: no answer within %d s",
              primary->config.connect_timeout_ms / 1000);
    return error_hint(err, "check host and port in [%s] conninfo, and the network",
                      primary->config.section);
}

static enum outcome shake_hands(struct primary *primary, struct error *err)
{
    int64_t deadline_us =
        clock_monotonic_us() + primary->config.connect_timeout_ms * US_PER_MS;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    /* the verbose form carries the SQLSTATE, the only way to learn it from a failed
     * handshake */
    PQsetErrorVerbosity(primary->connection, PQERRORS_VERBOSE);
    PQsetNoticeProcessor(primary->connection, ignore_notice, NULL);
    while (PQstatus(primary->connection) != CONNECTION_BAD &&
           status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        if (wait_for_handshake(primary, status == PGRES_POLLING_READING, deadline_us,
                               err) == FAILED)
            return FAILED;
        status = PQconnectPoll(primary->connection);
    }
    if (PQstatus(primary->connection) != CONNECTION_OK)
        return link_connection_error(primary, "connect to the primary", err);
    PQsetErrorVerbosity(primary->connection, PQERRORS_DEFAULT);
    PQsetnonblocking(primary->connection, 1);
    return OK;
}

static enum outcome learn_about_server(struct primary *primary, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    int version = PQserverVersion(primary->connection);

    if (version < OLDEST_SERVER_VERSION) {
        error_set(err, ERROR_INVALID,
                  "the primary is PostgreSQL %d; tidemark needs 15 or newer",
                  version / 10000);
        return error_hint(err, "upgrade the primary");
    }
    if (primary_query(primary, &primary_sql.describe, NULL, 0, &result, err) == FAILED)
        return FAILED;
    primary->transaction_pooler =
        primary_result_int(result, 0, 0) != PQbackendPID(primary->connection);
    primary->in_recovery = primary_result_bool(result, 0, 1);
    return OK;
}

enum outcome primary_connect(struct primary *primary, struct error *err)
{
    OWNED(primary_password_free) char *password = NULL;

    primary_close(primary);
    if (primary_password_read(primary->config.password_file, &password, err) == FAILED)
        return FAILED;
    primary->connection = start_connecting(&primary->config, password);
    if (!primary->connection)
        return error_out_of_memory(err);
    primary->generation++;
    if (primary_check_connection(&primary->config, primary->connection, err) == FAILED ||
        shake_hands(primary, err) == FAILED ||
        learn_about_server(primary, err) == FAILED ||
        primary_pin_session(primary, err) == FAILED) {
        primary_close(primary);
        return FAILED;
    }
    return OK;
}

void primary_describe(const struct primary *primary, struct primary_info *out_info)
{
    *out_info = (struct primary_info){.host = "", .port = "", .database = "", .user = ""};
    if (!primary->connection)
        return;
    *out_info = (struct primary_info){
        .host = PQhost(primary->connection),
        .port = PQport(primary->connection),
        .database = PQdb(primary->connection),
        .user = PQuser(primary->connection),
        .tls = PQsslInUse(primary->connection),
        .transaction_pooler = primary->transaction_pooler,
        .in_recovery = primary->in_recovery,
        .server_version = PQserverVersion(primary->connection),
        .round_trip_us = primary->round_trip_us,
    };
}

enum outcome primary_listen(struct primary *primary, const char *channel,
                            struct error *err)
{
    char text[80];
    char *quoted;

    if (primary->transaction_pooler || primary->in_recovery)
        return OK;
    quoted = PQescapeIdentifier(primary->connection, channel, strlen(channel));
    if (!quoted)
        return link_connection_error(primary, "listen", err);
    snprintf(text, sizeof(text), "listen %s", quoted);
    PQfreemem(quoted);
    return primary_run_text(primary, "listen", text, err);
}

static bool take_notifications(struct primary *primary)
{
    PGnotify *notification;

    primary->notified = false;
    while (primary->connection && (notification = PQnotifies(primary->connection))) {
        PQfreemem(notification);
        primary->notified = true;
    }
    return primary->notified;
}

bool primary_was_notified(const struct primary *primary)
{
    return primary->notified;
}

static int timeout_ms(int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_monotonic_us();

    return left_us <= 0 ? 0 : (int)(left_us / US_PER_MS) + 1;
}

enum outcome primary_wait(struct primary *primary, int wake_fd, int64_t timeout_us,
                          struct error *err)
{
    int64_t deadline_us = clock_monotonic_us() + timeout_us;

    if (take_notifications(primary))
        return OK;
    for (;;) {
        struct pollfd watched[] = {
            {.fd = primary->connection ? PQsocket(primary->connection) : -1,
             .events = POLLIN},
            {.fd = wake_fd, .events = POLLIN},
            {.fd = primary->config.interrupt_fd, .events = POLLIN},
        };
        int ready = poll(watched, 3, timeout_ms(deadline_us));

        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, "wait for the primary");
        if (ready > 0 && watched[2].revents)
            return error_set(err, ERROR_INTERRUPTED, "asked to stop");
        if (ready > 0 && watched[1].revents)
            return OK;
        if (ready > 0 && watched[0].revents && !PQconsumeInput(primary->connection))
            return link_connection_error(primary, "connection lost", err);
        if (take_notifications(primary))
            return OK;
        if (clock_monotonic_us() >= deadline_us)
            return NOTHING;
    }
}
