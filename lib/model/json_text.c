#include "lib/model/json_text.h"

#include "lib/base/hex.h"

#include <stdint.h>
#include <string.h>

static bool wants_escape(unsigned char byte)
{
    return byte == '"' || byte == '\\' || byte < 0x20;
}

void json_text_append(struct buffer *json, const char *text, size_t size)
{
    size_t done = 0;

    buffer_append(json, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (!wants_escape(byte))
            continue;
        buffer_append(json, text + done, i - done);
        if (byte < 0x20)
            buffer_append_format(json, "\\u%04x", byte);
        else
            buffer_append_format(json, "\\%c", byte);
        done = i + 1;
    }
    buffer_append(json, text + done, size - done);
    buffer_append(json, "\"", 1);
}

static void skip_white_space(struct json_text_reader *reader)
{
    while (reader->at < reader->end && *reader->at && strchr(" \t\r\n", *reader->at))
        reader->at++;
}

bool json_text_take(struct json_text_reader *reader, char symbol)
{
    skip_white_space(reader);
    if (reader->at == reader->end || *reader->at != symbol)
        return false;
    reader->at++;
    return true;
}

bool json_text_is_at_end(struct json_text_reader *reader)
{
    skip_white_space(reader);
    return reader->at == reader->end;
}

static bool read_unit(struct json_text_reader *reader, uint32_t *out_unit)
{
    uint32_t unit = 0;

    if (reader->end - reader->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*reader->at++);

        if (digit < 0)
            return false;
        unit = unit * 16 + (uint32_t)digit;
    }
    *out_unit = unit;
    return true;
}

static void append_utf8(struct buffer *text, uint32_t point)
{
    if (point < 0x80) {
        buffer_append(text, (char[]){(char)point}, 1);
    } else if (point < 0x800) {
        buffer_append(
            text, (char[]){(char)(0xc0 | point >> 6), (char)(0x80 | (point & 63))}, 2);
    } else if (point < 0x10000) {
        buffer_append(text,
                      (char[]){(char)(0xe0 | point >> 12),
                               (char)(0x80 | (point >> 6 & 63)),
                               (char)(0x80 | (point & 63))},
                      3);
    } else {
        buffer_append(
            text,
            (char[]){(char)(0xf0 | point >> 18), (char)(0x80 | (point >> 12 & 63)),
                     (char)(0x80 | (point >> 6 & 63)), (char)(0x80 | (point & 63))},
            4);
    }
}

/* What follows \u; a surrogate without its other half stands for itself. */
static bool read_code_point(struct json_text_reader *reader, struct buffer *text)
{
    uint32_t point;
    uint32_t low;

    if (!read_unit(reader, &point))
        return false;
    if (point >= 0xd800 && point < 0xdc00 && reader->end - reader->at >= 6 &&
        memcmp(reader->at, "\\u", 2) == 0) {
        struct json_text_reader ahead = {reader->at + 2, reader->end};

        if (read_unit(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            reader->at = ahead.at;
        }
    }
    append_utf8(text, point);
    return true;
}

static bool read_escape(struct json_text_reader *reader, struct buffer *text)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    const char *found;
    char name;

    if (reader->at == reader->end || !*reader->at)
        return false;
    name = *reader->at++;
    if (name == 'u')
        return read_code_point(reader, text);
    found = strchr(names, name);
    if (!found)
        return false;
    buffer_append(text, &bytes[found - names], 1);
    return true;
}

bool json_text_read(struct json_text_reader *reader, struct buffer *text)
{
    if (!json_text_take(reader, '"'))
        return false;
    while (reader->at < reader->end && *reader->at != '"') {
        const char *from = reader->at;

        while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\')
            reader->at++;
        buffer_append(text, from, (size_t)(reader->at - from));
        if (reader->at < reader->end && *reader->at == '\\') {
            reader->at++;
            if (!read_escape(reader, text))
                return false;
        }
    }
    return json_text_take(reader, '"');
}
