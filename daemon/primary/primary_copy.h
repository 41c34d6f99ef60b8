/*
 * Primary copy: rows streamed by COPY (query) TO STDOUT (FORMAT binary).
 *
 * Format: PostgreSQL 15 documentation, COPY, "Binary Format". One message is one row.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_COPY_H
#define DAEMON_PRIMARY_PRIMARY_COPY_H

#include "daemon/primary/wire_row.h"

struct primary;

struct primary_copy {
    struct primary *primary;
    char *message; /* the row last read */
    bool header_read;
    bool all_read; /* the last message has come; the server's word on it has not been read
                    */
    bool ended;
    int64_t received_bytes;
};

/* Starts COPY (query). Between start and the end nothing else may use the connection. */
MUST_CHECK enum outcome primary_copy_start(struct primary_copy *copy,
                                           struct primary *primary, const char *query,
                                           struct error *err);

/*
 * The next row's fields, valid until the next call; NOTHING after the last row, when the
 * server has confirmed that it sent all. A row with another number of fields is
 * ERROR_SCHEMA.
 */
MUST_CHECK enum outcome primary_copy_row(struct primary_copy *copy,
                                         struct wire_field *fields, size_t field_count,
                                         struct error *err);

/*
 * The same for a row that has arrived already: never waits. NOTHING when there is none at
 * the moment; whether there will be more only primary_copy_row() tells.
 */
MUST_CHECK enum outcome primary_copy_row_at_hand(struct primary_copy *copy,
                                                 struct wire_field *fields,
                                                 size_t field_count, struct error *err);

/* A copy that has not reached its end costs the connection: it is closed. A zeroed one is
 * fine. */
void primary_copy_stop(struct primary_copy *copy);

#endif
