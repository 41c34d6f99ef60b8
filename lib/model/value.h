/*
 * Value: one column of one row, as SQLite holds it.
 *
 * Bytes are borrowed: they belong to the message, arena or statement that the value came
 * from.
 */
#ifndef LIB_MODEL_VALUE_H
#define LIB_MODEL_VALUE_H

#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type { VALUE_NULL = 0, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB };

struct value {
    enum value_type type;
    union {
        int64_t integer;
        double real;
        const char *bytes; /* TEXT: UTF-8, not NUL-terminated; BLOB: raw */
    };
    size_t size; /* of bytes */
};

/*
 * The value in the primary's spelling, to be cast there to the column's type: integers in
 * decimal, doubles with 17 digits, blobs as \x…. Null appends nothing.
 */
void value_append_text(struct buffer *text, const struct value *value);

/* Whether two values are the same to the last bit and of the same storage class. */
bool value_is_identical(const struct value *a, const struct value *b);

#endif
