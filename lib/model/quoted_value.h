/*
 * Quoted value: the text that SQLite's quote() makes of a value, as the capture triggers
 * keep it, read back. It is parsed here and never run as SQL: 3.40 prints infinities as
 * Inf and -Inf, which are no literals, and any program may have written it.
 *
 *   NULL   42   1.5   9.0e+999   Inf   -Inf   'it''s'   X'00ff'
 *
 * Pure.
 */
#ifndef LIB_MODEL_QUOTED_VALUE_H
#define LIB_MODEL_QUOTED_VALUE_H

#include "lib/base/buffer.h"
#include "lib/model/value.h"

/*
 * Text and blobs are unquoted into `bytes`, which is cleared first and must live as long
 * as the value. ERROR_CORRUPT: not such a text.
 */
MUST_CHECK enum outcome quoted_value_parse(const char *quoted, size_t size,
                                           struct buffer *bytes, struct value *out_value,
                                           struct error *err);

#endif
