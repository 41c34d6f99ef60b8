/*
 * Buffer: bytes that grow, for building text and messages.
 *
 * Appending never fails by itself: running out of memory or past the limit
 * sets `failed`, and everything appended after that is dropped. Check once, at the end,
 * with buffer_check() or by looking at `failed`.
 *
 * data is NUL-terminated whenever it is not NULL; length does not count the NUL.
 */
#ifndef LIB_BASE_BUFFER_H
#define LIB_BASE_BUFFER_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The limit of a buffer that names none. */
#define BUFFER_DEFAULT_LIMIT ((size_t)1 << 30)

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit_bytes; /* 0: BUFFER_DEFAULT_LIMIT */
    bool failed;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_text(struct buffer *buffer, const char *text);
PRINTF_LIKE(2, 3)
void buffer_append_format(struct buffer *buffer, const char *format, ...);

/* Room for size more bytes, to be written by the caller at data + length; NULL on
 * failure. */
char *buffer_reserve(struct buffer *buffer, size_t size);

/* Forgets the content (and a failure), keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* OK, or FAILED with "out of memory". */
MUST_CHECK enum outcome buffer_check(const struct buffer *buffer, struct error *err);

/* The text itself, owned by the caller from now on (free()); NULL if anything failed. */
char *buffer_take(struct buffer *buffer);

void buffer_release(struct buffer *buffer); /* a zeroed one is fine */

#endif
