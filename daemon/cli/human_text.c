#include "daemon/cli/human_text.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct human human_count(int64_t number)
{
    struct human human = {""};
    char digits[24];
    size_t length =
        (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)llabs(number));
    char *end = human.text;

    if (number < 0)
        *end++ = '-';
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *end++ = ' ';
        *end++ = digits[i];
    }
    return human;
}

/* One decimal while it says something: "36 ms", "0.4 s", "2.1 s", but "2 s". */
static void format_seconds(double seconds, char *text, size_t size)
{
    long long tenths = seconds < 0 ? 0 : (long long)(seconds * 10 + 0.5);

    if (tenths == 0)
        snprintf(text, size, seconds < 0.0005 ? "0 s" : "%.0f ms", seconds * 1000);
    else if (tenths >= 100 || (tenths >= 10 && tenths % 10 == 0))
        snprintf(text, size, "%.0f s", seconds);
    else
        snprintf(text, size, "%lld.%lld s", tenths / 10, tenths % 10);
}

/* "3 h 28 min"; without the second part where it is 0. */
static void format_pair(long long first, const char *unit, long long second,
                        const char *second_unit, char out_text[static 48])
{
    if (second)
        snprintf(out_text, 48, "%lld %s %lld %s", first, unit, second, second_unit);
    else
        snprintf(out_text, 48, "%lld %s", first, unit);
}

struct human human_duration(double seconds)
{
    struct human human;
    long long whole = (long long)(seconds + 0.5);

    if (whole < 60)
        format_seconds(seconds, human.text, sizeof(human.text));
    else if (whole < 3600)
        format_pair(whole / 60, "min", whole < 600 ? whole % 60 : 0, "s", human.text);
    else if (whole < 86400)
        format_pair(whole / 3600, "h", whole / 60 % 60, "min", human.text);
    else
        format_pair(whole / 86400, "d", whole / 3600 % 24, "h", human.text);
    return human;
}

struct human human_stopwatch(double seconds)
{
    struct human human;
    long long whole = seconds < 0 ? 0 : (long long)(seconds + 0.5);

    if (whole < 3600)
        snprintf(human.text, sizeof(human.text), "%lld:%02lld", whole / 60, whole % 60);
    else
        snprintf(human.text, sizeof(human.text), "%lld:%02lld:%02lld", whole / 3600,
                 whole / 60 % 60, whole % 60);
    return human;
}

struct human human_size(int64_t size_bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct human human;
    double size = (double)size_bytes;
    size_t unit = 0;

    while (size >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    snprintf(human.text, sizeof(human.text), unit && size < 9.95 ? "%.1f %s" : "%.0f %s",
             size, units[unit]);
    return human;
}

static struct tm local_time(int64_t time_us)
{
    time_t seconds = (time_t)(time_us / US_PER_SECOND);
    struct tm local = {0};

    localtime_r(&seconds, &local);
    return local;
}

struct human human_time(int64_t time_us)
{
    struct tm local = local_time(time_us);
    struct human human;

    strftime(human.text, sizeof(human.text), "%H:%M:%S", &local);
    return human;
}

static bool same_day(const struct tm *left, const struct tm *right)
{
    return left->tm_year == right->tm_year && left->tm_yday == right->tm_yday;
}

struct human human_moment(int64_t time_us, int64_t now_us)
{
    struct tm moment = local_time(time_us);
    struct tm today = local_time(now_us);
    struct tm yesterday = local_time(now_us - 86400 * US_PER_SECOND);
    struct human human;
    const char *format = "%H:%M %-d %b %Y";

    if (same_day(&moment, &today))
        format = "%H:%M:%S today";
    else if (same_day(&moment, &yesterday))
        format = "%H:%M:%S yesterday";
    else if (moment.tm_year == today.tm_year)
        format = "%H:%M %-d %b";
    strftime(human.text, sizeof(human.text), format, &moment);
    return human;
}

bool human_parse_utc(const char *text, int64_t *out_time_us)
{
    struct tm moment = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &moment) : NULL;
    int64_t fraction_us = 0;

    if (!rest)
        return false;
    if (*rest == '.') {
        int64_t place = US_PER_SECOND / 10;

        for (rest++; *rest >= '0' && *rest <= '9'; rest++, place /= 10)
            fraction_us += (*rest - '0') * place;
    }
    if (strcmp(rest, "Z") != 0)
        return false;
    *out_time_us = (int64_t)timegm(&moment) * US_PER_SECOND + fraction_us;
    return true;
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t human_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += begins_character(*text);
    return width;
}

int human_field(const char *text, size_t columns)
{
    return (int)(columns + strlen(text) - human_width(text));
}

/* Control characters of ASCII and of Latin 1 (C2 80 to C2 9F) become '?'. */
static void copy_harmless(const char *text, char *out_text, size_t size)
{
    size_t length = 0;

    for (; *text && length + 1 < size; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == 0xc2 && (unsigned char)text[1] >= 0x80 &&
            (unsigned char)text[1] < 0xa0) {
            byte = '?';
            text++;
        }
        out_text[length++] = (char)(byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
    out_text[length] = '\0';
}

/* The place of the n-th character. */
static char *character_at(char *text, size_t count)
{
    while (*text && (count || !begins_character(*text))) {
        count -= begins_character(*text);
        text++;
        while (!begins_character(*text))
            text++;
    }
    return text;
}

void human_fit(const char *text, size_t columns, bool unicode, char *out_text,
               size_t size)
{
    const char *dots = unicode ? "…" : "..";
    size_t width;
    size_t kept;
    char *head;
    char *tail;

    copy_harmless(text, out_text, size);
    width = human_width(out_text);
    if (width <= columns || columns < 3)
        return;
    kept = columns - human_width(dots);
    tail = character_at(out_text, width - kept / 2);
    head = character_at(out_text, kept - kept / 2);
    if ((size_t)(tail - head) < strlen(dots))
        return;
    memmove(head + strlen(dots), tail, strlen(tail) + 1);
    for (; *dots; dots++)
        *head++ = *dots;
}
