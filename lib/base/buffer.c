#include "lib/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buffer_reserve(struct buffer *buffer, size_t size)
{
    size_t limit = buffer->limit_bytes ? buffer->limit_bytes : BUFFER_DEFAULT_LIMIT;
    size_t wanted = buffer->length + size + 1;
    size_t capacity = buffer->capacity ? buffer->capacity : 128;
    char *data;

    if (buffer->failed || size > limit || wanted > limit + 1) {
        buffer->failed = true;
        return NULL;
    }
    if (wanted <= buffer->capacity)
        return buffer->data + buffer->length;
    while (capacity < wanted)
        capacity *= 2;
    data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return NULL;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return data + buffer->length;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    char *end = buffer_reserve(buffer, size);

    if (!end)
        return;
    if (size)
        memcpy(end, bytes, size);
    buffer->length += size;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_list again;
    int size;
    char *end;

    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    end = size < 0 ? NULL : buffer_reserve(buffer, (size_t)size);
    if (end) {
        vsnprintf(end, (size_t)size + 1, format, again);
        buffer->length += (size_t)size;
    } else {
        buffer->failed = true;
    }
    va_end(again);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

enum outcome buffer_check(const struct buffer *buffer, struct error *err)
{
    if (buffer->failed)
        return error_out_of_memory(err);
    return OK;
}

char *buffer_take(struct buffer *buffer)
{
    char *data;

    if (!buffer->data)
        buffer_append(buffer, "", 0);
    if (buffer->failed)
        return NULL;
    data = buffer->data;
    *buffer = (struct buffer){.limit_bytes = buffer->limit_bytes};
    return data;
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}
