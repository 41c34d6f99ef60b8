#include "daemon/loop/backoff.h"

/* splitmix64: any seed will do, zero included. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static int64_t step_us(const struct backoff *backoff)
{
    int64_t step = backoff->base_us;

    for (unsigned doubled = 0; doubled < backoff->attempt; doubled++) {
        if (step >= backoff->cap_us / 2)
            return backoff->cap_us;
        step *= 2;
    }
    return step < backoff->cap_us ? step : backoff->cap_us;
}

void backoff_init(struct backoff *backoff, uint64_t seed)
{
    *backoff = (struct backoff){
        .base_us = BACKOFF_BASE_US, .cap_us = BACKOFF_CAP_US, .random_state = seed};
}

int64_t backoff_next_us(struct backoff *backoff)
{
    int64_t step = step_us(backoff);
    int64_t half = step / 2;
    uint64_t choices = (uint64_t)(step - half) + 1;

    if (step < backoff->cap_us)
        backoff->attempt++;
    return half + (int64_t)(next_random(&backoff->random_state) % choices);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->attempt = 0;
}
