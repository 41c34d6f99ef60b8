#include "lib/base/histogram.h"

static const int64_t bounds_us[HISTOGRAM_BUCKETS] = {
    10,      20,      50,       100,      200,      500,       1000,   2000,
    5000,    10000,   20000,    50000,    100000,   200000,    500000, 1000000,
    2000000, 5000000, 10000000, 20000000, 50000000, INT64_MAX,
};

int64_t histogram_bound_us(size_t bucket)
{
    return bounds_us[bucket];
}

void histogram_record(struct histogram *histogram, int64_t duration_us)
{
    size_t bucket = 0;

    while (duration_us > bounds_us[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    if (duration_us > histogram->max_us)
        histogram->max_us = duration_us;
}

int64_t histogram_percentile_us(const struct histogram *histogram, int percent)
{
    int64_t wanted = (histogram->count * percent + 99) / 100;
    int64_t seen = 0;
    size_t bucket = 0;

    for (; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= wanted)
            break;
    }
    return bounds_us[bucket] < histogram->max_us ? bounds_us[bucket] : histogram->max_us;
}
