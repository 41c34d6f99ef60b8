#include "daemon/status_line.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Room for a local time of day, or the date as well when it is another day. */
#define MOMENT_SIZE 32

/* "…T11:40:31.000000Z" as local time; false for what is no such time. */
static bool write_moment(const char *rfc3339, char out_text[static MOMENT_SIZE])
{
    struct tm parts = {0};
    struct tm today;
    time_t now = time(NULL);
    time_t moment;

    if (!rfc3339 || !strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &parts))
        return false;
    moment = timegm(&parts);
    if (!localtime_r(&moment, &parts) || !localtime_r(&now, &today))
        return false;
    if (parts.tm_yday == today.tm_yday && parts.tm_year == today.tm_year)
        return strftime(out_text, MOMENT_SIZE, "%H:%M:%S", &parts) > 0;
    return strftime(out_text, MOMENT_SIZE, "%Y-%m-%d %H:%M:%S", &parts) > 0;
}

/* 38400 as "38 400". */
static void append_number(struct buffer *line, json_int_t number)
{
    char digits[24];
    size_t length;

    snprintf(digits, sizeof digits, "%lld", (long long)number);
    length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            buffer_append(line, " ", 1);
        buffer_append(line, &digits[i], 1);
    }
}

static void append_duration(struct buffer *line, json_int_t seconds)
{
    if (seconds < 60)
        buffer_append_format(line, "%lld s", (long long)seconds);
    else if (seconds < 3600)
        buffer_append_format(line, "%lld min %lld s", (long long)seconds / 60,
                             (long long)seconds % 60);
    else
        buffer_append_format(line, "%lld h %lld min", (long long)seconds / 3600,
                             (long long)seconds % 3600 / 60);
}

static void append_progress(struct buffer *line, const json_t *progress)
{
    const char *table = text_at(progress, "table");
    json_int_t rows = json_integer_value(json_object_get(progress, "rows"));
    json_int_t expected = json_integer_value(json_object_get(progress, "rows_expected"));
    double rate = json_number_value(json_object_get(progress, "rows_per_s"));
    const json_t *left = json_object_get(progress, "eta_s");

    buffer_append_format(line, ": %s ", table ? table : "all tables");
    if (expected > 0 && rows <= expected) {
        buffer_append_format(line, "%lld %%", (long long)(rows * 100 / expected));
    } else {
        append_number(line, rows);
        buffer_append_text(line, " rows");
    }
    if (rate >= 1) {
        buffer_append_text(line, ", ");
        append_number(line, (json_int_t)rate);
        buffer_append_text(line, " rows/s");
    }
    if (json_is_number(left)) {
        buffer_append_text(line, ", ");
        append_duration(line, (json_int_t)json_number_value(left));
        buffer_append_text(line, " left");
    }
}

static void append_reason(struct buffer *line, const json_t *document)
{
    const char *reason = text_at(json_object_get(document, "reason"), "text");
    char moment[MOMENT_SIZE];

    if (reason)
        buffer_append_format(line, ": %s", reason);
    if (write_moment(text_at(document, "next_try"), moment))
        buffer_append_format(line, "%s next try at %s", reason ? "," : ":", moment);
}

static void append_freshness(struct buffer *line, const json_t *document)
{
    const json_t *tables = json_object_get(document, "tables");
    char moment[MOMENT_SIZE];
    size_t failed = 0;
    size_t index;
    const json_t *table;

    json_array_foreach(tables, index, table)
    {
        const char *state = text_at(table, "state");

        failed += state && strcmp(state, "failed") == 0;
    }
    buffer_append_format(line, ": %zu table%s", json_array_size(tables),
                         json_array_size(tables) == 1 ? "" : "s");
    if (failed > 0)
        buffer_append_format(line, ", %zu of them failed", failed);
    if (write_moment(text_at(document, "mark"), moment))
        buffer_append_format(line, ", complete up to %s", moment);
}

/* ", 14 pending, 1 rejected" */
static void append_changes(struct buffer *line, const json_t *document)
{
    static const char *const words[] = {"pending", "rejected"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const json_t *member = json_object_get(document, words[i]);
        json_int_t count = json_integer_value(json_object_get(member, "count"));

        if (count <= 0)
            continue;
        buffer_append_text(line, ", ");
        append_number(line, count);
        buffer_append_format(line, " %s", words[i]);
    }
}

/* Half a UTF-8 character at the end would make systemd drop the whole message. */
static void copy_whole_characters(char out_line[static STATUS_LINE_SIZE],
                                  const char *text, size_t length)
{
    if (length >= STATUS_LINE_SIZE) {
        length = STATUS_LINE_SIZE - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out_line, text, length);
    out_line[length] = '\0';
}

void status_line_write(const json_t *document, char out_line[static STATUS_LINE_SIZE])
{
    OWNED(buffer_release) struct buffer line = {0};
    const char *state = text_at(document, "state");
    const json_t *progress = json_object_get(document, "progress");

    buffer_append_text(&line, state ? state : "unknown");
    if (json_is_object(json_object_get(document, "reason")))
        append_reason(&line, document);
    else if (json_is_object(progress))
        append_progress(&line, progress);
    else
        append_freshness(&line, document);
    append_changes(&line, document);
    if (line.failed)
        buffer_clear(&line);
    copy_whole_characters(out_line, line.data ? line.data : "", line.length);
    for (char *byte = out_line; *byte; byte++) {
        if ((unsigned char)*byte < ' ')
            *byte = ' '; /* the message to systemd ends at a newline */
    }
}
