#include "lib/repository/zoned_time.h"

#include "lib/base/clock.h"

#include <string.h>

#define SECONDS_PER_DAY 86400LL
#define FRACTION_DIGITS 6

struct reading {
    const char *at;
    int year, month, day;
    int64_t second_of_day;
    int64_t fraction_us;
    int64_t offset_s;
};

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool take(struct reading *reading, char letter)
{
    if (*reading->at != letter)
        return false;
    reading->at++;
    return true;
}

/* Exactly so many digits. */
static bool number(struct reading *reading, int digits, int *out_number)
{
    *out_number = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(reading->at[i]))
            return false;
        *out_number = *out_number * 10 + (reading->at[i] - '0');
    }
    reading->at += digits;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(struct reading *reading)
{
    return number(reading, 4, &reading->year) && take(reading, '-') &&
           number(reading, 2, &reading->month) && take(reading, '-') &&
           number(reading, 2, &reading->day) && reading->year > 0 && reading->month > 0 &&
           reading->month <= 12 && reading->day > 0 &&
           reading->day <= days_in(reading->year, reading->month);
}

static bool read_fraction(struct reading *reading)
{
    int digits = 0;

    if (!is_digit(*reading->at))
        return false;
    for (; is_digit(*reading->at); reading->at++, digits++)
        if (digits < FRACTION_DIGITS)
            reading->fraction_us = reading->fraction_us * 10 + (*reading->at - '0');
        else if (digits == FRACTION_DIGITS && *reading->at >= '5')
            reading->fraction_us++;
    for (; digits < FRACTION_DIGITS; digits++)
        reading->fraction_us *= 10;
    return true;
}

static bool read_clock(struct reading *reading)
{
    int hour = 0;
    int minute = 0;
    int second = 0;

    if (!number(reading, 2, &hour) || !take(reading, ':') || !number(reading, 2, &minute))
        return false;
    if (take(reading, ':')) {
        if (!number(reading, 2, &second))
            return false;
        if (take(reading, '.') && !read_fraction(reading))
            return false;
    }
    reading->second_of_day = hour * 3600LL + minute * 60LL + second;
    return minute < 60 && second <= 60 && reading->second_of_day <= SECONDS_PER_DAY;
}

/* Z, +HH, +HHMM, +HH:MM, +HH:MM:SS */
static bool read_zone(struct reading *reading)
{
    int parts[3] = {0};
    bool west = *reading->at == '-';

    if (take(reading, 'Z') || take(reading, 'z'))
        return true;
    if ((!take(reading, '+') && !take(reading, '-')) || !number(reading, 2, &parts[0]))
        return false;
    for (int i = 1; i < 3; i++)
        if ((take(reading, ':') || (i == 1 && is_digit(*reading->at))) &&
            !number(reading, 2, &parts[i]))
            return false;
    reading->offset_s = parts[0] * 3600LL + parts[1] * 60LL + parts[2];
    if (west)
        reading->offset_s = -reading->offset_s;
    return parts[0] < 16 && parts[1] < 60 && parts[2] < 60;
}

/* Howard Hinnant's days_from_civil. */
static int64_t days_since_1970(const struct reading *reading)
{
    int64_t year = reading->year - (reading->month <= 2);
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (reading->month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + reading->day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* What the primary prints where 27 characters do not do. */
static bool is_spelled_by_primary(const char *given)
{
    size_t length = strlen(given);
    size_t digits = strspn(given, "0123456789");
    size_t date = strspn(given, "0123456789-");

    if (strcmp(given, "infinity") == 0 || strcmp(given, "-infinity") == 0)
        return true;
    return digits >= 4 && strpbrk(given + date, "+-") &&
           strspn(given, "0123456789-:+. BC") == length &&
           (digits > 4 || (length > 3 && strcmp(given + length - 3, " BC") == 0));
}

static enum outcome refuse(const char *given, const char *why, struct error *err)
{
    error_set(err, ERROR_INVALID, "\"%.100s\" %s", given, why);
    return error_hint(err, "write a time like 2026-11-22T12:40:31.000000Z");
}

enum outcome zoned_time_append(struct buffer *text, const char *given, struct error *err)
{
    struct reading reading = {.at = given};
    char spelled[CLOCK_TEXT_SIZE];
    int64_t second;

    if (is_spelled_by_primary(given)) {
        buffer_append_text(text, given);
        return OK;
    }
    if (!read_date(&reading) ||
        (!take(&reading, 'T') && !take(&reading, 't') && !take(&reading, ' ')) ||
        !read_clock(&reading))
        return refuse(given, "is not a time", err);
    if (!*reading.at)
        return refuse(given, "has no time zone", err);
    if (!read_zone(&reading) || *reading.at)
        return refuse(given, "is not a time with a time zone", err);
    second = days_since_1970(&reading) * SECONDS_PER_DAY + reading.second_of_day -
             reading.offset_s;
    clock_format_utc(second * US_PER_SECOND + reading.fraction_us, spelled);
    if (strlen(spelled) != 27)
        return refuse(given, "is out of range", err);
    buffer_append_text(text, spelled);
    return OK;
}
