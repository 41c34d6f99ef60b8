#include "lib/store/column_json.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/value.h"
#include "lib/store/value_binding.h"

#include <math.h>
#include <stdbool.h>

#define REPLACEMENT "\xef\xbf\xbd"

static json_t *replaced(const struct value *value)
{
    OWNED(buffer_release) struct buffer text = {0};

    for (size_t i = 0; i < value->size; i++)
        if ((unsigned char)value->bytes[i] < 0x80)
            buffer_append(&text, value->bytes + i, 1);
        else
            buffer_append_text(&text, REPLACEMENT);
    return text.failed ? NULL : json_stringn(text.data ? text.data : "", text.length);
}

static json_t *spelled(const struct value *value)
{
    OWNED(buffer_release) struct buffer text = {0};

    value_append_text(&text, value);
    return text.failed ? NULL : json_stringn(text.data ? text.data : "", text.length);
}

/* So that memory running out is not taken for bad text. */
static bool is_ascii(const struct value *value)
{
    size_t i = 0;

    while (i < value->size && (unsigned char)value->bytes[i] < 0x80)
        i++;
    return i == value->size;
}

static json_t *text_json(const struct value *value)
{
    json_t *text = json_stringn(value->bytes ? value->bytes : "", value->size);

    return text || is_ascii(value) ? text : replaced(value);
}

json_t *column_json_of(const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        return json_null();
    case VALUE_INTEGER:
        return json_integer(value->integer);
    case VALUE_REAL:
        return isfinite(value->real) ? json_real(value->real) : spelled(value);
    case VALUE_TEXT:
        return text_json(value);
    case VALUE_BLOB:
        return spelled(value);
    }
    return NULL;
}

json_t *column_json(const struct statement *statement, int column)
{
    struct value value;

    value_read(statement, column, &value);
    return column_json_of(&value);
}

json_t *column_json_parsed(const struct statement *statement, int column)
{
    const char *text = statement_column_text(statement, column);
    json_t *parsed = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    return parsed ? parsed : json_null();
}
