/*
 * Schema steps: the statements between two schemas, in an order in which they can run.
 *
 * Each pair has up to three steps: it leaves, changes, arrives. A step may ride along
 * with another one's statement: a dropped table takes its columns along, a new one brings
 * them; the other one is its host then.
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_STEPS_H
#define DAEMON_MIGRATE_SCHEMA_STEPS_H

#include "daemon/migrate/schema_match.h"

enum schema_phase { SCHEMA_LEAVE, SCHEMA_CHANGE, SCHEMA_ARRIVE, SCHEMA_PHASE_COUNT };

struct schema_steps {
    const struct schema_match *match;
    /* By pair and phase: the step that does it; its own number when it is a statement of
     * its own; SCHEMA_NO_OBJECT when nothing is to be done. */
    size_t *hosts;
    size_t *order; /* the steps that are statements of their own, as they must run */
    size_t count;
};

size_t schema_step(size_t pair, enum schema_phase phase);
size_t schema_step_pair(size_t step);
enum schema_phase schema_step_phase(size_t step);

/* Does the pair's step ride along with that one? */
bool schema_steps_rides(const struct schema_steps *steps, size_t pair,
                        enum schema_phase phase, size_t host);

MUST_CHECK enum outcome schema_steps_make(struct schema_steps *out_steps,
                                          const struct schema_match *match,
                                          struct error *err);
void schema_steps_release(struct schema_steps *steps); /* a zeroed one is fine */

#endif
