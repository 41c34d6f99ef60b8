#include "daemon/cli/doctor_checks.h"

#include "daemon/cli/human_text.h"
#include "daemon/primary/primary_query.h"
#include "doctor.sql.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_TIMEOUT_MS 2000
#define CLOCK_WARN_US (2 * US_PER_SECOND)

static bool is_local(const char *host)
{
    return host[0] == '/' || host[0] == '@' || host[0] == '\0' ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

void doctor_check_connection(struct doctor *doctor)
{
    struct findings *findings = &doctor->findings;
    struct error err;

    if (config_check_primary(doctor->config, &err) == OK &&
        primary_new(&doctor->primary, &doctor->engine->primary, &err) == OK &&
        primary_connect(doctor->primary, &err) == OK) {
        primary_describe(doctor->primary, &doctor->info);
        findings_ok(findings, "%s:%s/%s answers in %.1f ms, PostgreSQL %d.%d, as %s",
                    doctor->info.host, doctor->info.port, doctor->info.database,
                    (double)doctor->info.round_trip_us / US_PER_MS,
                    doctor->info.server_version / 10000,
                    doctor->info.server_version % 10000, doctor->info.user);
        return;
    }
    primary_free(doctor->primary);
    doctor->primary = NULL;
    findings->unreachable = err.kind == ERROR_TRANSIENT;
    if (!err.hint[0])
        error_hint(&err, "check host and port in [primary] conninfo, the network, and "
                         "whether the server runs");
    doctor_add_error(doctor, findings->unreachable ? "TM131" : "TM130", &err);
}

/* ---- addresses ---- */

static void free_addresses(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
}

static bool answers(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd watched = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(errno);
    int problem = 0;
    bool good;

    if (fd < 0)
        return false;
    good = connect(fd, address->ai_addr, address->ai_addrlen) == 0;
    if (!good && errno == EINPROGRESS)
        good = poll(&watched, 1, PROBE_TIMEOUT_MS) == 1 &&
               getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && !problem;
    close(fd);
    return good;
}

/* Some networks have IPv6 addresses but no IPv6: each connect then waits in vain. */
void doctor_check_addresses(struct doctor *doctor)
{
    OWNED(free_addresses) struct addrinfo *list = NULL;
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    size_t answering = 0;
    size_t total = 0;

    if (doctor->info.host[0] == '/' ||
        getaddrinfo(doctor->info.host, doctor->info.port, &wanted, &list) != 0)
        return;
    for (const struct addrinfo *at = list; at && total < 8; at = at->ai_next, total++) {
        char text[NI_MAXHOST] = "?";

        getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0,
                    NI_NUMERICHOST);
        if (answers(at)) {
            answering++;
            continue;
        }
        findings_warn(&doctor->findings, "TM133", "%s address %s of %s does not answer",
                      at->ai_family == AF_INET6 ? "IPv6" : "IPv4", text,
                      doctor->info.host);
        findings_cure(&doctor->findings,
                      "mend that route, or name the address that answers "
                      "as hostaddr in [primary] conninfo");
    }
    findings_ok(&doctor->findings, "%zu of %zu addresses of %s answer", answering, total,
                doctor->info.host);
}

void doctor_check_encryption(struct doctor *doctor)
{
    struct findings *findings = &doctor->findings;

    if (doctor->info.tls && !doctor->engine->primary.allow_insecure_tls) {
        findings_ok(findings, "TLS");
    } else if (is_local(doctor->info.host)) {
        findings_ok(findings, "local connection%s", doctor->info.tls ? ", TLS" : "");
    } else {
        findings_warn(findings, "TM132",
                      doctor->info.tls ? "TLS, but nothing proves who answers"
                                       : "not encrypted: everybody on the way can read");
        findings_cure(findings, "sslmode=verify-full in [primary] conninfo, and take out "
                                "allow_insecure_tls");
    }
}

void doctor_check_session(struct doctor *doctor)
{
    struct findings *findings = &doctor->findings;

    if (doctor->info.transaction_pooler) {
        findings_warn(findings, "TM134",
                      "port %s is a transaction pooler: changes are found "
                      "by polling only, nobody is woken",
                      doctor->info.port);
        findings_cure(findings, "use the server's direct port");
    } else if (doctor->info.in_recovery) {
        findings_warn(findings, "TM136",
                      "a hot standby: it lags behind, changes are found by "
                      "polling only, and travel more than once");
        findings_cure(findings, "connect to the primary itself where that is possible");
    } else {
        findings_ok(findings, "a session of its own: commits on tracked tables wake us");
    }
}

void doctor_check_clock(struct doctor *doctor)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    int64_t before_us = clock_now_us();
    int64_t offset_us;

    if (!doctor_ask(doctor, &doctor_sql.clock, NULL, 0, &result))
        return;
    offset_us = (before_us + clock_now_us()) / 2 - primary_result_int(result, 0, 0);
    if (llabs(offset_us) < CLOCK_WARN_US) {
        findings_ok(&doctor->findings, "clock within %lld ms of the server",
                    llabs(offset_us) / US_PER_MS + 1);
        return;
    }
    findings_warn(&doctor->findings, "TM102",
                  "this machine's clock is %s %s the server's",
                  human_duration((double)llabs(offset_us) / US_PER_SECOND).text,
                  offset_us > 0 ? "ahead of" : "behind");
    findings_cure(&doctor->findings, "timedatectl set-ntp true");
}
