/*
 * Clock: times are int64_t microseconds.
 *
 * clock_now_us() counts from 1970-01-01 UTC and may jump; clock_monotonic_us()
 * only ever rises and is for measuring durations.
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define US_PER_MS 1000LL
#define US_PER_SECOND 1000000LL

/* Room for "2026-11-22T12:40:31.000000Z" and its NUL. */
#define CLOCK_TEXT_SIZE 40

int64_t clock_now_us(void);
int64_t clock_monotonic_us(void);

/* RFC 3339 in UTC, six decimals, 27 characters for the years 0000 to 9999. */
void clock_format_utc(int64_t time_us, char out_text[static CLOCK_TEXT_SIZE]);

#endif
