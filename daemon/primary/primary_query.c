#include "daemon/primary/primary_query.h"

#include "daemon/primary/primary_link.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdlib.h>

/* A PGresult under another name: libpq stays inside this folder. */
static PGresult *handle_of(const struct primary_result *result)
{
    return (PGresult *)result;
}

static bool is_success(const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        return true;
    default:
        return false;
    }
}

/* Reads every result of what was sent; keeps the last one. The first failure is the
 * answer. */
static enum outcome collect(struct primary *primary, const char *what,
                            PGresult **out_result, struct error *err)
{
    PGresult *last = NULL;
    PGresult *result;
    enum outcome outcome = OK;

    for (;;) {
        if (link_result(primary, &result, err) == FAILED) {
            PQclear(last);
            return FAILED;
        }
        if (!result)
            break;
        if (outcome == OK && !is_success(result))
            outcome = link_result_error(primary, result, what, err);
        PQclear(last);
        last = result;
        if (!primary->connection)
            break;
    }
    if (outcome == FAILED || !out_result)
        PQclear(last);
    else
        *out_result = last;
    return outcome;
}

static enum outcome send_and_collect(struct primary *primary, const char *what, bool sent,
                                     PGresult **out_result, struct error *err)
{
    int64_t start = clock_monotonic_us();

    if (!sent)
        return link_connection_error(primary, what, err);
    if (link_flush(primary, err) == FAILED ||
        collect(primary, what, out_result, err) == FAILED)
        return FAILED;
    primary->round_trip_us = clock_monotonic_us() - start;
    return OK;
}

static enum outcome require_connection(const struct primary *primary, const char *what,
                                       struct error *err)
{
    if (!primary->connection)
        return error_set(err, ERROR_TRANSIENT, "%s: not connected to the primary", what);
    return OK;
}

enum outcome primary_query(struct primary *primary, const struct sql *sql,
                           const char *const *params, size_t param_count,
                           struct primary_result **out_result, struct error *err)
{
    PGresult *result = NULL;
    bool sent;

    if (require_connection(primary, sql->name, err) == FAILED)
        return FAILED;
    sent = PQsendQueryParams(primary->connection, sql->text, (int)param_count, NULL,
                             params, NULL, NULL, 0);
    if (send_and_collect(primary, sql->name, sent, out_result ? &result : NULL, err) ==
        FAILED)
        return FAILED;
    if (out_result)
        *out_result = (struct primary_result *)result;
    return OK;
}

enum outcome primary_run(struct primary *primary, const struct sql *sql,
                         const char *const *params, size_t param_count, struct error *err)
{
    return primary_query(primary, sql, params, param_count, NULL, err);
}

enum outcome primary_run_text(struct primary *primary, const char *what, const char *text,
                              struct error *err)
{
    if (require_connection(primary, what, err) == FAILED)
        return FAILED;
    return send_and_collect(primary, what, PQsendQuery(primary->connection, text), NULL,
                            err);
}

size_t primary_result_rows(const struct primary_result *result)
{
    return (size_t)PQntuples(handle_of(result));
}

const char *primary_result_text(const struct primary_result *result, size_t row,
                                size_t column)
{
    if (PQgetisnull(handle_of(result), (int)row, (int)column))
        return NULL;
    return PQgetvalue(handle_of(result), (int)row, (int)column);
}

bool primary_result_bool(const struct primary_result *result, size_t row, size_t column)
{
    return PQgetvalue(handle_of(result), (int)row, (int)column)[0] == 't';
}

long long primary_result_int(const struct primary_result *result, size_t row,
                             size_t column)
{
    return strtoll(PQgetvalue(handle_of(result), (int)row, (int)column), NULL, 10);
}

const char *primary_result_command(const struct primary_result *result)
{
    return PQcmdStatus((PGresult *)result);
}

void primary_result_free(struct primary_result **result)
{
    PQclear(handle_of(*result));
    *result = NULL;
}

size_t primary_error_position(const struct primary *primary)
{
    return primary->error_position;
}

const struct primary_complaint *primary_last_complaint(const struct primary *primary)
{
    return &primary->complaint;
}
