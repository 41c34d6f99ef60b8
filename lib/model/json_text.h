/*
 * JSON text: the strings in the small JSON documents of our own tables, written and read
 * byte for byte. Text that is no UTF-8, or that holds NUL, comes back as it was; a JSON
 * library refuses both.
 *
 * Pure.
 */
#ifndef LIB_MODEL_JSON_TEXT_H
#define LIB_MODEL_JSON_TEXT_H

#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the string with its quotes; control characters as \u00XX. */
void json_text_append(struct buffer *json, const char *text, size_t size);

struct json_text_reader {
    const char *at;
    const char *end;
};

/* Skips white space and the symbol; false, and nothing is skipped but white space, when
 * something else stands there. */
bool json_text_take(struct json_text_reader *reader, char symbol);

/* Appends a string's content to text; false: no string. */
bool json_text_read(struct json_text_reader *reader, struct buffer *text);

/* Nothing but white space is left. */
bool json_text_is_at_end(struct json_text_reader *reader);

#endif
