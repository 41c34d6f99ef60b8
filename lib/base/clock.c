#include "lib/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * US_PER_SECOND + time.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

void clock_format_utc(int64_t time_us, char out_text[static CLOCK_TEXT_SIZE])
{
    int64_t fraction = time_us % US_PER_SECOND;
    time_t seconds = (time_t)(time_us / US_PER_SECOND);
    struct tm tm;

    if (fraction < 0) {
        fraction += US_PER_SECOND;
        seconds--;
    }
    gmtime_r(&seconds, &tm);
    snprintf(out_text, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             tm.tm_sec, (int)fraction);
}
