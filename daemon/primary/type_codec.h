/*
 * Type codec: PostgreSQL's binary wire format into values as the cache holds them
 * (value_append_text() is the way back).
 *
 * Formats: the _send functions in src/backend/utils/adt of PostgreSQL 15. Pure; no I/O.
 */
#ifndef DAEMON_PRIMARY_TYPE_CODEC_H
#define DAEMON_PRIMARY_TYPE_CODEC_H

#include "lib/base/buffer.h"
#include "lib/model/column_codec.h"
#include "lib/model/value.h"

#include <stddef.h>

/*
 * Decodes one non-null field of `size` bytes as it came over the wire for this codec.
 * out_value's bytes point into the field itself where that is possible, else into text
 * appended to scratch, whose memory must not move while the row is in use: scratch has at
 * least type_codec_scratch_bytes(codec, size) bytes reserved by the caller. FAILED
 * (ERROR_CORRUPT) when the bytes are not of that format.
 */
MUST_CHECK enum outcome type_codec_decode(enum column_codec codec, const char *field,
                                          size_t size, struct buffer *scratch,
                                          struct value *out_value, struct error *err);

/* Upper bound of what decoding such a field appends to scratch; 0 for most. */
size_t type_codec_scratch_bytes(enum column_codec codec, size_t size);

#endif
