/*
 * Schema hazard: what one statement of a migration can cost: data, rows that make it
 * fail, a lock that others wait for.
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_HAZARD_H
#define DAEMON_MIGRATE_SCHEMA_HAZARD_H

#include "daemon/migrate/schema_steps.h"
#include "lib/base/buffer.h"

/* Appends "-- hazard DATA_LOSS: …\n" if there is one. step: a statement of its own. */
void schema_hazard_append(struct buffer *script, const struct schema_steps *steps,
                          size_t step);

#endif
