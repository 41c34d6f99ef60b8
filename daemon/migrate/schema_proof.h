/*
 * Schema proof: writes one direction of a migration and tries it out in a scratch
 * database, which must then have exactly the schema that was promised.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_PROOF_H
#define DAEMON_MIGRATE_SCHEMA_PROOF_H

#include "daemon/migrate/schema_catalog.h"

struct schema_proof {
    struct primary *link;  /* the scratch database */
    const char *direction; /* "upgrade", "downgrade"; for errors */
    const char *first; /* statements before and after the others: renames; NULL: none */
    const char *last;
    const struct schema *from;
    const struct schema *to;
    const struct schema *expected; /* after all of it */
};

/*
 * OK: *out_text is the direction's SQL; the scratch database has the expected schema.
 * ERROR_INVALID: the SQL fails, or something is left; the message says what. An enum
 * whose new value is used by the same migration is made anew instead.
 */
MUST_CHECK enum outcome schema_proof_run(const struct schema_proof *proof,
                                         char **out_text, struct error *err);

#endif
