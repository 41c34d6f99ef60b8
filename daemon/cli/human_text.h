/*
 * Human text: numbers, times and sizes as a person reads them.
 *
 * Results go into a struct human, to be used inside an expression:
 * printf("%s rows", human_count(rows).text). Pure, except that local time follows TZ.
 */
#ifndef DAEMON_CLI_HUMAN_TEXT_H
#define DAEMON_CLI_HUMAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct human {
    char text[48];
};

struct human human_count(int64_t number);     /* "1 120 000" */
struct human human_duration(double seconds);  /* "0.4 s", "26 min", "3 h 28 min" */
struct human human_stopwatch(double seconds); /* "1:12", "2:01:40" */
struct human human_size(int64_t size_bytes);  /* "121 MiB" */
struct human human_time(int64_t time_us);     /* "12:40:31", local */

/* "12:40:31 today", "23:10:02 yesterday", "09:11 12 Nov", local. */
struct human human_moment(int64_t time_us, int64_t now_us);

/* RFC 3339 in UTC, as in our documents; false when it is something else. */
bool human_parse_utc(const char *text, int64_t *out_time_us);

/* Columns on a terminal: characters of UTF-8, each taken for one column. */
size_t human_width(const char *text);

/* For printf("%-*s", human_field(text, 40), text): the field in bytes that is so many
 * columns wide on a terminal. */
int human_field(const char *text, size_t columns);

/*
 * Writes text into out_text without what could steer a terminal, and cut in its middle
 * to `columns` (at least 3) with ".." or "…".
 */
void human_fit(const char *text, size_t columns, bool unicode, char *out_text,
               size_t size);

#endif
