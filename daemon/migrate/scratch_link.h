/*
 * Scratch link: a connection to try migrations out on.
 *
 * It bears a long silence: a database is made, or a large schema replayed, without a word
 * in between. Belongs to one thread; blocking.
 */
#ifndef DAEMON_MIGRATE_SCRATCH_LINK_H
#define DAEMON_MIGRATE_SCRATCH_LINK_H

#include "daemon/primary/primary.h"

/* Connects. ERROR_INVALID: a pooler, a hot standby. The configuration is borrowed. */
MUST_CHECK enum outcome scratch_link_open(struct primary **out_link,
                                          const struct primary_config *config,
                                          struct error *err);

/* For OWNED(); *link may be NULL. */
void scratch_link_close(struct primary **link);

#endif
