#include "daemon/primary/array_text.h"

#include <string.h>

static size_t length_of_plain(const char *bytes, size_t size)
{
    size_t length = 0;

    while (length < size && bytes[length] != '"' && bytes[length] != '\\')
        length++;
    return length;
}

void array_text_append_element(struct buffer *text, const char *bytes, size_t size)
{
    const char *end = bytes + size;

    buffer_append_text(text, "\"");
    while (bytes < end) {
        size_t plain = length_of_plain(bytes, (size_t)(end - bytes));

        buffer_append(text, bytes, plain);
        bytes += plain;
        if (bytes < end)
            buffer_append_format(text, "\\%c", *bytes++);
    }
    buffer_append_text(text, "\"");
}

void array_text_append(struct buffer *text, const char *const *items, size_t count)
{
    buffer_append_text(text, "{");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(text, i ? "," : "");
        if (items[i])
            array_text_append_element(text, items[i], strlen(items[i]));
        else
            buffer_append_text(text, "NULL");
    }
    buffer_append_text(text, "}");
}
