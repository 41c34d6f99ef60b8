#include "lib/model/value.h"

#include <math.h>
#include <string.h>

static void append_real(struct buffer *text, double real)
{
    if (isnan(real))
        buffer_append_text(text, "NaN");
    else if (isinf(real))
        buffer_append_text(text, real < 0 ? "-Infinity" : "Infinity");
    else
        buffer_append_format(text, "%.17g", real);
}

static void append_hex(struct buffer *text, const char *bytes, size_t size)
{
    buffer_append_text(text, "\\x");
    for (size_t i = 0; i < size; i++)
        buffer_append_format(text, "%02x", (unsigned char)bytes[i]);
}

void value_append_text(struct buffer *text, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        break;
    case VALUE_INTEGER:
        buffer_append_format(text, "%lld", (long long)value->integer);
        break;
    case VALUE_REAL:
        append_real(text, value->real);
        break;
    case VALUE_TEXT:
        buffer_append(text, value->bytes, value->size);
        break;
    case VALUE_BLOB:
        append_hex(text, value->bytes, value->size);
        break;
    }
}

bool value_is_identical(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_INTEGER:
    case VALUE_REAL:
        return memcmp(&a->integer, &b->integer, sizeof(a->integer)) == 0;
    case VALUE_TEXT:
    case VALUE_BLOB:
        return a->size == b->size &&
               (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
    }
    return false;
}
