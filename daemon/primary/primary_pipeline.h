/*
 * Primary pipeline: several statements sent at once and answered in order: one
 * round trip, however many there are.
 *
 * Statements are prepared once a connection (not behind a transaction pooler, where each
 * is parsed anew). Rows come in binary, one at a time, so memory stays flat. The first
 * error ends the whole pipeline: it is reported, what follows is skipped, the connection
 * stays usable.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_PIPELINE_H
#define DAEMON_PRIMARY_PRIMARY_PIPELINE_H

#include "daemon/primary/wire_row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct primary;
struct pg_result;

/* A statement that is run again and again. Text and name are borrowed. */
struct primary_statement {
    const char *name; /* of the prepared statement, unique on this link; also in errors */
    const char *text;
    uint32_t prepared_generation; /* connection that knows it; 0: none */
    bool once; /* never prepared: for text that will hardly come again */
};

struct primary_pipeline {
    struct primary *primary;
    struct pg_result *row; /* the row last read */
    bool active;
    bool flushed; /* the end of the pipeline was sent, so its answers have an end */
};

MUST_CHECK enum outcome primary_pipeline_start(struct primary_pipeline *pipeline,
                                               struct primary *primary,
                                               struct error *err);

/* Queues a statement with text parameters. */
MUST_CHECK enum outcome primary_pipeline_send(struct primary_pipeline *pipeline,
                                              struct primary_statement *statement,
                                              const char *const *params,
                                              size_t param_count, struct error *err);

/* Gives what was queued so far to the network, so that it is not kept in memory. */
MUST_CHECK enum outcome primary_pipeline_pass_on(struct primary_pipeline *pipeline,
                                                 struct error *err);

/* Marks the end of what is sent and pushes it out. Results are read after this. */
MUST_CHECK enum outcome primary_pipeline_flush(struct primary_pipeline *pipeline,
                                               struct error *err);

/* Moves to the answer of the next statement sent. Its rows, if any, follow. */
MUST_CHECK enum outcome primary_pipeline_next(struct primary_pipeline *pipeline,
                                              struct primary_statement *statement,
                                              struct error *err);

/*
 * The next row of that statement; NOTHING after the last. Fields are valid until the next
 * call. Another number or another type of columns than asked for is ERROR_SCHEMA;
 * types[i] 0: any.
 */
MUST_CHECK enum outcome primary_pipeline_row(struct primary_pipeline *pipeline,
                                             const struct primary_statement *statement,
                                             struct wire_field *fields,
                                             const uint32_t *types, size_t field_count,
                                             struct error *err);

/* Reads the end of the pipeline. */
MUST_CHECK enum outcome primary_pipeline_finish(struct primary_pipeline *pipeline,
                                                struct error *err);

/*
 * Leaves the pipeline after a statement that failed and keeps its transaction, which may
 * go on from a savepoint. FAILED: the connection is lost.
 */
MUST_CHECK enum outcome primary_pipeline_leave(struct primary_pipeline *pipeline,
                                               struct error *err);

/*
 * Leaves the pipeline at any point: skips what is unread and rolls back an open
 * transaction, or closes a connection that cannot be saved. Harmless after finish; a
 * zeroed one is fine.
 */
void primary_pipeline_stop(struct primary_pipeline *pipeline);

#endif
