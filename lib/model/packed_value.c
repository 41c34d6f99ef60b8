#include "lib/model/packed_value.h"

#include <string.h>

void packed_value_append(struct buffer *packed, const struct value *value)
{
    char head[9] = {(char)value->type};

    switch (value->type) {
    case VALUE_NULL:
        buffer_append(packed, head, 1);
        break;
    case VALUE_INTEGER:
    case VALUE_REAL:
        memcpy(head + 1, &value->integer, 8); /* the same eight bytes as real */
        buffer_append(packed, head, 9);
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        memcpy(head + 1, &value->size, 8);
        buffer_append(packed, head, 9);
        buffer_append(packed, value->bytes, value->size);
        break;
    }
}

const char *packed_value_read(const char *at, struct value *out_value)
{
    *out_value = (struct value){.type = (enum value_type) * at++};
    switch (out_value->type) {
    case VALUE_NULL:
        break;
    case VALUE_INTEGER:
    case VALUE_REAL:
        memcpy(&out_value->integer, at, 8);
        at += 8;
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        memcpy(&out_value->size, at, 8);
        out_value->bytes = at + 8;
        at += 8 + out_value->size;
        break;
    }
    return at;
}
