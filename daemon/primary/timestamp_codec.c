#include "daemon/primary/timestamp_codec.h"

#include "daemon/primary/field_bytes.h"

#include <stdbool.h>

#define US_PER_MINUTE 60000000LL
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)

/* All counted from 2000-01-01; src/include/datatype/timestamp.h has the outer two. */
#define EARLIEST_US (-211813488000000000LL)  /* 4714-11-24 BC, Julian day 0 */
#define YEAR_0001_US (-730119 * US_PER_DAY)  /* first of 27 characters */
#define YEAR_10000_US (2921940 * US_PER_DAY) /* first past them */
#define LATEST_US (9223371331200000000LL)    /* first past the year 294276 */

#define DAYS_PER_ERA 146097U /* 400 years: the Gregorian calendar repeats */
#define YEARS_PER_ERA 400U
#define ERAS_BEFORE 15U        /* to count from a March before Julian day 0 */
#define MARCH_0000_DAYS 730425 /* from 0000-03-01 to 2000-01-01 */

struct moment {
    int year; /* astronomical: 0 is 1 BC */
    unsigned int month;
    unsigned int day;
    unsigned int hour;
    unsigned int minute;
    unsigned int second;
    unsigned int microsecond;
};

/*
 * Years that start in March end with their leap day, so that a day of the year is a
 * polynomial of the month (Howard Hinnant, "chrono-compatible low-level date
 * algorithms").
 */
static inline void split_days(int days, struct moment *moment)
{
    unsigned int shifted =
        (unsigned int)(days + MARCH_0000_DAYS + (int)(ERAS_BEFORE * DAYS_PER_ERA));
    unsigned int era = shifted / DAYS_PER_ERA;
    unsigned int day_of_era = shifted % DAYS_PER_ERA;
    unsigned int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned int day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned int march_month = (5 * day_of_year + 2) / 153;

    moment->day = day_of_year - (153 * march_month + 2) / 5 + 1;
    moment->month = march_month < 10 ? march_month + 3 : march_month - 9;
    moment->year = (int)(era * YEARS_PER_ERA + year_of_era + (moment->month <= 2)) -
                   (int)(ERAS_BEFORE * YEARS_PER_ERA);
}

static inline struct moment split_moment(int64_t wire_us)
{
    /* Never negative, so there is no flooring; unsigned, for int64_t could not hold it.
     */
    uint64_t since_earliest_us = (uint64_t)wire_us - (uint64_t)EARLIEST_US;
    uint64_t day_us = since_earliest_us % US_PER_DAY;
    uint32_t seconds = (uint32_t)(day_us / 1000000);
    struct moment moment = {
        .hour = seconds / 3600,
        .minute = seconds / 60 % 60,
        .second = seconds % 60,
        .microsecond = (uint32_t)(day_us % 1000000),
    };

    split_days((int)(since_earliest_us / US_PER_DAY) + (int)(EARLIEST_US / US_PER_DAY),
               &moment);
    return moment;
}

static inline char *put_clock(char *end, const struct moment *moment)
{
    end = put_two_digits(end, moment->hour);
    *end++ = ':';
    end = put_two_digits(end, moment->minute);
    *end++ = ':';
    return put_two_digits(end, moment->second);
}

static inline char *put_microseconds(char *end, unsigned int microsecond)
{
    *end++ = '.';
    end = put_two_digits(end, microsecond / 10000);
    return put_four_digits(end, microsecond % 10000);
}

static inline char *put_month_and_day(char *end, const struct moment *moment)
{
    *end++ = '-';
    end = put_two_digits(end, moment->month);
    *end++ = '-';
    return put_two_digits(end, moment->day);
}

static inline char *put_sortable(char *end, const struct moment *moment)
{
    end = put_four_digits(end, (unsigned int)moment->year);
    end = put_month_and_day(end, moment);
    *end++ = 'T';
    end = put_clock(end, moment);
    end = put_microseconds(end, moment->microsecond);
    *end++ = 'Z';
    return end;
}

static char *put_long_year(char *end, unsigned int year)
{
    if (year >= 100000)
        end = put_two_digits(end, year / 10000);
    else if (year >= 10000)
        *end++ = (char)('0' + year / 10000);
    return put_four_digits(end, year % 10000);
}

static char *put_as_primary(char *end, const struct moment *moment)
{
    bool before_christ = moment->year <= 0;
    int year = before_christ ? 1 - moment->year : moment->year;

    end = put_long_year(end, (unsigned int)year);
    end = put_month_and_day(end, moment);
    *end++ = ' ';
    end = put_clock(end, moment);
    if (moment->microsecond) {
        end = put_microseconds(end, moment->microsecond);
        while (end[-1] == '0')
            end--;
    }
    end = mempcpy(end, "+00", 3);
    return before_christ ? mempcpy(end, " BC", 3) : end;
}

enum outcome timestamp_codec_decode(int64_t wire_us, struct buffer *scratch,
                                    struct value *out_value, struct error *err)
{
    char *start;
    struct moment moment;

    if (wire_us == INT64_MAX || wire_us == INT64_MIN) {
        *out_value = wire_us > 0 ? LITERAL_VALUE("infinity") : LITERAL_VALUE("-infinity");
        return OK;
    }
    if (wire_us < EARLIEST_US || wire_us >= LATEST_US)
        return error_set(err, ERROR_CORRUPT, "timestamptz out of range: %lld us",
                         (long long)wire_us);
    moment = split_moment(wire_us);
    start = scratch_begin(scratch, TIMESTAMP_CODEC_SCRATCH_BYTES);
    if (wire_us >= YEAR_0001_US && wire_us < YEAR_10000_US)
        *out_value = scratch_end(scratch, put_sortable(start, &moment));
    else
        *out_value = scratch_end(scratch, put_as_primary(start, &moment));
    return OK;
}
