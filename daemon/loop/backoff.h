/*
 * Backoff: how long to wait before the next attempt.
 *
 * Each wait lies at random between half of the step and the step, so that many
 * devices do not come back at the same instant; the step starts at base_us and doubles
 * up to cap_us. No clock, no I/O. Belongs to one thread.
 */
#ifndef DAEMON_LOOP_BACKOFF_H
#define DAEMON_LOOP_BACKOFF_H

#include <stdint.h>

#define BACKOFF_BASE_US INT64_C(500000)
#define BACKOFF_CAP_US INT64_C(60000000)

struct backoff {
    int64_t base_us;
    int64_t cap_us;
    unsigned attempt; /* failed attempts since the last reset */
    uint64_t random_state;
};

/* BACKOFF_BASE_US to BACKOFF_CAP_US. The same seed gives the same waits. */
void backoff_init(struct backoff *backoff, uint64_t seed);

/* Counts one more failed attempt and says how long to wait. */
int64_t backoff_next_us(struct backoff *backoff);

/* After a success: the next wait is a short one again. */
void backoff_reset(struct backoff *backoff);

#endif
