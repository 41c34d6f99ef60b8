/*
 * Timestamp codec: a timestamptz of the wire (microseconds since 2000-01-01 UTC, as
 * timestamptz_send writes it) as the text that the cache holds.
 *
 * The years 0001 to 9999 become 27 characters that sort, YYYY-MM-DDTHH:MM:SS.ffffffZ.
 * What does not fit that is spelled as the primary does with TimeZone=UTC and
 * DateStyle=ISO: infinity, -infinity, years BC and past 9999. Pure.
 */
#ifndef DAEMON_PRIMARY_TIMESTAMP_CODEC_H
#define DAEMON_PRIMARY_TIMESTAMP_CODEC_H

#include "lib/base/buffer.h"
#include "lib/model/value.h"

#include <stdint.h>

/* The longest: "294276-12-31 23:59:59.999999+00", "4713-01-01 23:59:59.999999+00 BC". */
#define TIMESTAMP_CODEC_SCRATCH_BYTES 32

/*
 * Appends the text to scratch, which has room for TIMESTAMP_CODEC_SCRATCH_BYTES.
 * FAILED (ERROR_CORRUPT) outside the range that PostgreSQL can hold.
 */
MUST_CHECK enum outcome timestamp_codec_decode(int64_t wire_us, struct buffer *scratch,
                                               struct value *out_value,
                                               struct error *err);

#endif
