/* Array text: PostgreSQL's text form of a one-dimensional array, for parameters:
 * {"a","b"}. */
#ifndef DAEMON_PRIMARY_ARRAY_TEXT_H
#define DAEMON_PRIMARY_ARRAY_TEXT_H

#include "lib/base/buffer.h"

#include <stddef.h>

/* NULL items become NULL elements. */
void array_text_append(struct buffer *text, const char *const *items, size_t count);

/* One element without its comma, for arrays that are put together one by one; bytes may
 * hold anything but NUL. */
void array_text_append_element(struct buffer *text, const char *bytes, size_t size);

#endif
