/*
 * Round header: what identifies one cut of the primary. Its text is owned.
 */
#ifndef DAEMON_SYNC_ROUND_HEADER_H
#define DAEMON_SYNC_ROUND_HEADER_H

#include "daemon/primary/wire_row.h"

#include <stdbool.h>
#include <stdint.h>

struct primary;

#define ROUND_HEADER_COLUMNS 7

struct round_header {
    char *exact; /* pg_current_snapshot() */
    bool in_recovery;
    char *system_identifier;
    int64_t timeline;
    char *bound; /* the primary's clock when the cut was made: microseconds, as text */
    int64_t mark_us; /* the cut is complete up to here; behind the clock on a standby */
    char *catalog_digest; /* changes with every DDL that matters, and sometimes without */
};

void round_header_release(struct round_header *header); /* a zeroed one is fine */

MUST_CHECK enum outcome round_header_read(const struct wire_field *fields,
                                          struct round_header *out_header,
                                          struct error *err);

/* The two parameters of the query; text is owned. */
struct round_header_params {
    char *oids;
    char *schemas;
};
MUST_CHECK enum outcome round_header_params_init(struct round_header_params *params,
                                                 const struct table_set *schema,
                                                 const char *const *schema_names,
                                                 struct error *err);
void round_header_params_release(struct round_header_params *params);

/* Outside a pipeline, in the transaction under way. */
MUST_CHECK enum outcome round_header_query(struct primary *primary,
                                           const struct round_header_params *params,
                                           struct round_header *out_header,
                                           struct error *err);

#endif
