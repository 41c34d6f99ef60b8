/*
 * Zoned time: a timestamptz as applications give it, in the one spelling that the cache
 * has. Pure.
 */
#ifndef LIB_REPOSITORY_ZONED_TIME_H
#define LIB_REPOSITORY_ZONED_TIME_H

#include "lib/base/buffer.h"

/*
 * Appends the time as 27 characters in UTC: "2026-11-22 13:40:31.5+01" becomes
 * "2026-11-22T12:40:31.500000Z". Fractions beyond microseconds are rounded. infinity,
 * -infinity, years past 9999 and years BC are appended as they are, which is how the
 * primary spells them. ERROR_INVALID: not a time, or one without a zone.
 */
MUST_CHECK enum outcome zoned_time_append(struct buffer *text, const char *given,
                                          struct error *err);

#endif
