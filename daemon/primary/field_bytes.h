/*
 * Field bytes: the numbers in a field of the binary wire format (big endian), and the
 * text that decoding a field appends to scratch.
 *
 * Inline, because they run for every field of every row. The caller has checked the
 * field's size before it loads from it.
 */
#ifndef DAEMON_PRIMARY_FIELD_BYTES_H
#define DAEMON_PRIMARY_FIELD_BYTES_H

#include "lib/base/buffer.h"
#include "lib/model/value.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t load_uint16(const char *bytes)
{
    uint16_t number;

    memcpy(&number, bytes, sizeof(number));
    return __builtin_bswap16(number);
}

static inline uint32_t load_uint32(const char *bytes)
{
    uint32_t number;

    memcpy(&number, bytes, sizeof(number));
    return __builtin_bswap32(number);
}

static inline uint64_t load_uint64(const char *bytes)
{
    uint64_t number;

    memcpy(&number, bytes, sizeof(number));
    return __builtin_bswap64(number);
}

static inline struct value integer_value(int64_t integer)
{
    return (struct value){.type = VALUE_INTEGER, .integer = integer};
}

static inline struct value real_value(double real)
{
    return (struct value){.type = VALUE_REAL, .real = real};
}

static inline struct value text_value(const char *bytes, size_t size)
{
    return (struct value){.type = VALUE_TEXT, .bytes = bytes, .size = size};
}

/* Of a string literal. */
#define LITERAL_VALUE(literal) text_value(literal, sizeof(literal) - 1)

/* Where the next text starts, with room for size bytes that the caller has reserved. */
static inline char *scratch_begin(const struct buffer *scratch, size_t size)
{
    assert(scratch->data && scratch->capacity - scratch->length > size);
    return scratch->data + scratch->length;
}

/* Keeps what was written from scratch_begin() up to end, and yields it. */
static inline struct value scratch_end(struct buffer *scratch, const char *end)
{
    const char *start = scratch->data + scratch->length;
    size_t size = (size_t)(end - start);

    scratch->length += size;
    scratch->data[scratch->length] = '\0';
    return text_value(start, size);
}

/* "00" to "99", two characters each. */
extern const char digit_pairs[201];

static inline char *put_two_digits(char *end, unsigned int number)
{
    memcpy(end, digit_pairs + 2 * (size_t)number, 2);
    return end + 2;
}

static inline char *put_four_digits(char *end, unsigned int number)
{
    return put_two_digits(put_two_digits(end, number / 100), number % 100);
}

#endif
