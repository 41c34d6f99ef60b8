#include "daemon/migrate/scratch_link.h"

#include "lib/base/cleanup.h"

#define SILENCE_TIMEOUT_MS (10 * 60 * 1000)

void scratch_link_close(struct primary **link)
{
    primary_free(*link);
    *link = NULL;
}

static enum outcome refuse_server(struct primary *link, struct error *err)
{
    struct primary_info info;

    primary_describe(link, &info);
    if (!info.transaction_pooler && !info.in_recovery)
        return OK;
    error_set(err, ERROR_INVALID, "%s:%s is a %s: no scratch database can be made there",
              info.host, info.port,
              info.in_recovery ? "hot standby" : "transaction pooler");
    return error_hint(err, "connect to the server's own port");
}

enum outcome scratch_link_open(struct primary **out_link,
                               const struct primary_config *config, struct error *err)
{
    OWNED(scratch_link_close) struct primary *link = NULL;
    struct primary_config patient = *config;

    patient.silence_timeout_ms = SILENCE_TIMEOUT_MS;
    if (primary_new(&link, &patient, err) == FAILED ||
        primary_connect(link, err) == FAILED || refuse_server(link, err) == FAILED)
        return FAILED;
    *out_link = TAKE(link);
    return OK;
}
