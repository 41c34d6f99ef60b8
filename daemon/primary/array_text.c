#include "daemon/primary/array_text.h"

static void append_item(struct buffer *text, const char *item)
{
    buffer_append_text(text, "\"");
    for (; *item; item++) {
        if (*item == '"' || *item == '\\')
            buffer_append_text(text, "\\");
        buffer_append(text, item, 1);
    }
    buffer_append_text(text, "\"");
}

void array_text_append(struct buffer *text, const char *const *items, size_t count)
{
    buffer_append_text(text, "{");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(text, i ? "," : "");
        if (items[i])
            append_item(text, items[i]);
        else
            buffer_append_text(text, "NULL");
    }
    buffer_append_text(text, "}");
}
