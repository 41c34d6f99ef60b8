#include "daemon/primary/primary_pipeline.h"

#include "daemon/primary/primary_link.h"
#include "daemon/primary/primary_transaction.h"

#define BINARY 1

enum outcome primary_pipeline_start(struct primary_pipeline *pipeline,
                                    struct primary *primary, struct error *err)
{
    *pipeline = (struct primary_pipeline){0};
    if (!primary->connection)
        return error_set(err, ERROR_TRANSIENT, "not connected to the primary");
    if (!PQenterPipelineMode(primary->connection))
        return link_connection_error(primary, "pipeline", err);
    pipeline->primary = primary;
    pipeline->active = true;
    return OK;
}

static bool is_prepared(const struct primary *primary,
                        const struct primary_statement *statement)
{
    return statement->prepared_generation == primary->generation;
}

static bool goes_unprepared(const struct primary *primary,
                            const struct primary_statement *statement)
{
    return primary->transaction_pooler || statement->once;
}

enum outcome primary_pipeline_send(struct primary_pipeline *pipeline,
                                   struct primary_statement *statement,
                                   const char *const *params, size_t param_count,
                                   struct error *err)
{
    struct primary *primary = pipeline->primary;
    int sent;

    if (goes_unprepared(primary, statement))
        sent = PQsendQueryParams(primary->connection, statement->text, (int)param_count,
                                 NULL, params, NULL, NULL, BINARY);
    else if (is_prepared(primary, statement) ||
             PQsendPrepare(primary->connection, statement->name, statement->text,
                           (int)param_count, NULL))
        sent = PQsendQueryPrepared(primary->connection, statement->name, (int)param_count,
                                   params, NULL, NULL, BINARY);
    else
        sent = 0;
    if (!sent)
        return link_connection_error(primary, statement->name, err);
    return OK;
}

enum outcome primary_pipeline_pass_on(struct primary_pipeline *pipeline,
                                      struct error *err)
{
    return link_flush(pipeline->primary, err);
}

enum outcome primary_pipeline_flush(struct primary_pipeline *pipeline, struct error *err)
{
    struct primary *primary = pipeline->primary;

    if (!PQpipelineSync(primary->connection))
        return link_connection_error(primary, "pipeline", err);
    pipeline->flushed = true;
    return link_flush(primary, err);
}

static enum outcome fail(struct primary_pipeline *pipeline, const PGresult *result,
                         const char *what, struct error *err)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        return error_set(err, ERROR_TRANSIENT, "%s: skipped after an earlier failure",
                         what);
    return link_result_error(pipeline->primary, result, what, err);
}

/* The answer to PREPARE: one result and the NULL that ends it. */
static enum outcome read_prepared(struct primary_pipeline *pipeline,
                                  struct primary_statement *statement, struct error *err)
{
    struct primary *primary = pipeline->primary;
    PGresult *result = NULL;
    enum outcome outcome = OK;

    if (link_result(primary, &result, err) == FAILED)
        return FAILED;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        outcome = fail(pipeline, result, statement->name, err);
    PQclear(result);
    if (outcome == FAILED || link_result(primary, &result, err) == FAILED)
        return FAILED;
    statement->prepared_generation = primary->generation;
    return OK;
}

enum outcome primary_pipeline_next(struct primary_pipeline *pipeline,
                                   struct primary_statement *statement, struct error *err)
{
    struct primary *primary = pipeline->primary;

    if (!goes_unprepared(primary, statement) && !is_prepared(primary, statement) &&
        read_prepared(pipeline, statement, err) == FAILED)
        return FAILED;
    PQsetSingleRowMode(primary->connection);
    return OK;
}

static enum outcome check_shape(const PGresult *result,
                                const struct primary_statement *statement,
                                const uint32_t *types, size_t field_count,
                                struct error *err)
{
    if (PQnfields(result) != (int)field_count)
        return error_set(err, ERROR_SCHEMA, "%s: %d columns instead of %zu",
                         statement->name, PQnfields(result), field_count);
    for (size_t i = 0; i < field_count; i++)
        if (types[i] && PQftype(result, (int)i) != types[i])
            return error_set(err, ERROR_SCHEMA,
                             "%s: column %zu has type %u instead of %u", statement->name,
                             i + 1, PQftype(result, (int)i), types[i]);
    return OK;
}

static enum outcome read_last_result(struct primary_pipeline *pipeline, PGresult *result,
                                     const struct primary_statement *statement,
                                     struct error *err)
{
    ExecStatusType status = PQresultStatus(result);
    enum outcome outcome = NOTHING;

    if (PQntuples(result) > 0)
        outcome =
            error_set(err, ERROR_CORRUPT, "%s: rows came all at once", statement->name);
    else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        outcome = fail(pipeline, result, statement->name, err);
    PQclear(result);
    if (outcome == FAILED)
        return FAILED;
    /* the NULL that ends this statement's answers */
    if (link_result(pipeline->primary, &result, err) == FAILED)
        return FAILED;
    PQclear(result);
    return NOTHING;
}

enum outcome primary_pipeline_row(struct primary_pipeline *pipeline,
                                  const struct primary_statement *statement,
                                  struct wire_field *fields, const uint32_t *types,
                                  size_t field_count, struct error *err)
{
    PGresult *result = NULL;

    PQclear(pipeline->row);
    pipeline->row = NULL;
    if (link_result(pipeline->primary, &result, err) == FAILED)
        return FAILED;
    if (PQresultStatus(result) != PGRES_SINGLE_TUPLE)
        return read_last_result(pipeline, result, statement, err);
    pipeline->row = result;
    if (check_shape(result, statement, types, field_count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < field_count; i++)
        fields[i] = (struct wire_field){
            .bytes = PQgetvalue(result, 0, (int)i),
            .size = PQgetisnull(result, 0, (int)i) ? -1 : PQgetlength(result, 0, (int)i),
        };
    return OK;
}

enum outcome primary_pipeline_finish(struct primary_pipeline *pipeline, struct error *err)
{
    struct primary *primary = pipeline->primary;
    PGresult *result = NULL;
    enum outcome outcome = OK;

    if (link_result(primary, &result, err) == FAILED)
        return FAILED;
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
        outcome = fail(pipeline, result, "pipeline", err);
    PQclear(result);
    if (outcome == FAILED)
        return FAILED;
    if (!PQexitPipelineMode(primary->connection))
        return link_connection_error(primary, "pipeline", err);
    pipeline->active = false;
    return OK;
}

/* Everything up to the synchronisation point; false when the connection cannot be saved.
 */
static bool skip_to_sync(struct primary *primary)
{
    struct error ignored;
    PGresult *result;
    bool synchronised = false;

    while (!synchronised) {
        if (link_result(primary, &result, &ignored) == FAILED)
            return false;
        synchronised = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        PQclear(result);
        if (PQstatus(primary->connection) == CONNECTION_BAD)
            return false;
    }
    return PQexitPipelineMode(primary->connection);
}

enum outcome primary_pipeline_leave(struct primary_pipeline *pipeline, struct error *err)
{
    struct primary *primary = pipeline->primary;

    PQclear(pipeline->row);
    pipeline->row = NULL;
    pipeline->active = false;
    if (primary->connection && pipeline->flushed && skip_to_sync(primary))
        return OK;
    primary_close(primary);
    return error_set(err, ERROR_TRANSIENT, "the connection was lost in a pipeline");
}

void primary_pipeline_stop(struct primary_pipeline *pipeline)
{
    struct primary *primary = pipeline->primary;

    PQclear(pipeline->row);
    pipeline->row = NULL;
    if (!pipeline->active)
        return;
    pipeline->active = false;
    if (!primary->connection)
        return;
    if (PQpipelineStatus(primary->connection) != PQ_PIPELINE_OFF &&
        !(pipeline->flushed && skip_to_sync(primary))) {
        primary_close(primary);
        return;
    }
    if (primary->connection && PQtransactionStatus(primary->connection) != PQTRANS_IDLE)
        primary_end_reading(primary);
}
