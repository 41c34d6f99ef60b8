/*
 * Wire row: the fields of one row as they came over the wire in binary format, and
 * their decoding into values of the cache.
 */
#ifndef DAEMON_PRIMARY_WIRE_ROW_H
#define DAEMON_PRIMARY_WIRE_ROW_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

#include <stddef.h>
#include <stdint.h>

/* PostgreSQL's own limit on columns of a table, and one more for the delta's operation.
 */
#define WIRE_ROW_FIELD_LIMIT 1601

struct wire_field {
    const char *bytes; /* borrowed from the message; not NUL-terminated */
    int32_t size;      /* -1: null */
};

/*
 * Decodes as many fields as the table has columns. values has room for as many; their
 * bytes are valid until the message is freed or scratch is used again. ERROR_CORRUPT
 * names table and column.
 */
MUST_CHECK enum outcome wire_row_decode(const struct table *table,
                                        const struct wire_field *fields,
                                        struct buffer *scratch, struct value *values,
                                        struct error *err);

/* The same for a row of key columns only, in key order. */
MUST_CHECK enum outcome wire_row_decode_key(const struct table *table,
                                            const struct wire_field *fields,
                                            struct buffer *scratch, struct value *values,
                                            struct error *err);

#endif
