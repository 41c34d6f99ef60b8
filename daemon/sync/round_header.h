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
    char *exact; /* pg_current_snapshot(); of a standby, one that promises less */
    bool in_recovery;
    char *system_identifier; /* of the cluster, then "/" and the oid of the database */
    int64_t timeline;
    int64_t mark_us; /* the primary's clock: every commit before it is in the cut; 0: none
                        is known */
    char *catalog_digest; /* changes with every DDL that matters, and sometimes without */
    int64_t next_xid;     /* all that the cut may hold is older */
};

void round_header_release(struct round_header *header); /* a zeroed one is fine */

/* replayed_us: of a standby, what it said to `replayed` before the snapshot was taken; 0:
 * it was not asked, and a standby's mark is 0 then. */
MUST_CHECK enum outcome round_header_read(const struct wire_field *fields,
                                          int64_t replayed_us,
                                          struct round_header *out_header,
                                          struct error *err);

/* The first id that no transaction had when a snapshot was taken: the middle of
 * "812:815:813". 64 bits with the epoch in them, so it never wraps. */
int64_t round_header_next_xid(const char *exact);

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

/* The answer to `replayed`. */
int64_t round_header_replayed_us(const struct wire_field *field);

/*
 * Outside a pipeline: begins the transaction of a cut whose mark is wanted, as
 * primary_begin_reading() does, and asks a standby first; 0: the link is to none.
 */
MUST_CHECK enum outcome round_header_begin(struct primary *primary,
                                           int64_t *out_replayed_us, struct error *err);

/* Outside a pipeline, in the transaction under way. */
MUST_CHECK enum outcome round_header_query(struct primary *primary,
                                           const struct round_header_params *params,
                                           int64_t replayed_us,
                                           struct round_header *out_header,
                                           struct error *err);

#endif
