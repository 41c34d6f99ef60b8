/*
 * Numeric codec: a numeric of the wire (digits in base 10000, as numeric_send writes it)
 * as the cache holds it: exact text, or a number that SQLite can compute with.
 *
 * The field is untrusted: what is not a numeric is FAILED (ERROR_CORRUPT). Pure.
 */
#ifndef DAEMON_PRIMARY_NUMERIC_CODEC_H
#define DAEMON_PRIMARY_NUMERIC_CODEC_H

#include "lib/base/buffer.h"
#include "lib/model/value.h"

#include <stddef.h>

/*
 * The longest text: a sign, 131072 digits, a point, 16383 digits, and a byte to spare. A
 * field of ten bytes may need it, for the wire leaves out zeros on both ends.
 */
#define NUMERIC_CODEC_SCRATCH_BYTES 147458

/* TEXT exactly as the primary spells it: "-0.0100", "NaN", "Infinity". */
MUST_CHECK enum outcome numeric_codec_text(const char *field, size_t size,
                                           struct buffer *scratch,
                                           struct value *out_value, struct error *err);

/*
 * INTEGER when there is no fraction, else the REAL nearest to it; the exact text for NaN,
 * the infinities and what neither an int64_t nor 15 digits can hold.
 */
MUST_CHECK enum outcome numeric_codec_short(const char *field, size_t size,
                                            struct buffer *scratch,
                                            struct value *out_value, struct error *err);

/* The nearest REAL, infinities included; TEXT 'NaN'. */
MUST_CHECK enum outcome numeric_codec_real(const char *field, size_t size,
                                           struct buffer *scratch,
                                           struct value *out_value, struct error *err);

#endif
