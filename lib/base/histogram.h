/*
 * Histogram: how long something took, in fixed buckets: 10 us, 20 us, 50 us … 50 s, and
 * whatever is longer. Plain data, copied by assignment; no memory of its own.
 */
#ifndef LIB_BASE_HISTOGRAM_H
#define LIB_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 22

struct histogram {
    int64_t counts[HISTOGRAM_BUCKETS];
    int64_t count; /* the sum of them */
    int64_t max_us;
};

void histogram_record(struct histogram *histogram, int64_t duration_us);

/* The longest time that the bucket counts; INT64_MAX for the last one. */
int64_t histogram_bound_us(size_t bucket);

/*
 * The time that `percent` of all stayed within, as exact as the buckets are: never below
 * the truth, never above the longest time seen. 0 when there are none.
 */
int64_t histogram_percentile_us(const struct histogram *histogram, int percent);

#endif
