#include "daemon/primary/primary_link.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <poll.h>

static enum outcome break_off(struct primary *primary, struct error *err)
{
    /* a COMMIT that waits for a standby would count as done, there or not */
    if (!primary->committing)
        link_cancel(primary);
    primary_close(primary);
    return error_set(err, ERROR_INTERRUPTED, "asked to stop");
}

enum outcome link_wait(struct primary *primary, short events, struct error *err)
{
    int64_t deadline =
        clock_monotonic_us() + primary->config.silence_timeout_ms * US_PER_MS;
    struct pollfd watched[] = {
        {.fd = PQsocket(primary->connection), .events = events},
        {.fd = primary->config.interrupt_fd, .events = POLLIN},
    };

    for (;;) {
        int64_t left_ms = (deadline - clock_monotonic_us()) / US_PER_MS;
        int ready = poll(watched, 2, left_ms > 0 ? (int)left_ms + 1 : 0);

        if (ready < 0 && errno != EINTR) {
            error_set_errno(err, "wait for the primary");
            primary_close(primary);
            return FAILED;
        }
        if (ready > 0 && watched[1].revents)
            return break_off(primary, err);
        if (ready > 0)
            return OK;
        if (clock_monotonic_us() >= deadline)
            break;
    }
    primary_close(primary);
    error_set(err, ERROR_TRANSIENT, "the primary has been silent for %d s",
              primary->config.silence_timeout_ms / 1000);
    return error_hint(err, "the connection is dropped and made anew");
}

enum outcome link_flush(struct primary *primary, struct error *err)
{
    int left;

    while ((left = PQflush(primary->connection)) > 0) {
        if (link_wait(primary, POLLIN | POLLOUT, err) == FAILED)
            return FAILED;
        if (!PQconsumeInput(primary->connection))
            return link_connection_error(primary, "send", err);
    }
    if (left < 0)
        return link_connection_error(primary, "send", err);
    return OK;
}

enum outcome link_result(struct primary *primary, PGresult **out_result,
                         struct error *err)
{
    while (PQisBusy(primary->connection)) {
        if (link_wait(primary, POLLIN, err) == FAILED)
            return FAILED;
        if (!PQconsumeInput(primary->connection))
            return link_connection_error(primary, "receive", err);
    }
    *out_result = PQgetResult(primary->connection);
    return OK;
}

enum outcome link_drain(struct primary *primary, struct error *err)
{
    PGresult *result;

    do {
        if (link_result(primary, &result, err) == FAILED)
            return FAILED;
        PQclear(result);
    } while (result);
    return OK;
}
