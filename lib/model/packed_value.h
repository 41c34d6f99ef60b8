/*
 * Packed value: a value as bytes, for keeping rows outside of a table for a while, on
 * this machine: its type, then 8 bytes or a size and bytes. Pure.
 */
#ifndef LIB_MODEL_PACKED_VALUE_H
#define LIB_MODEL_PACKED_VALUE_H

#include "lib/base/buffer.h"
#include "lib/model/value.h"

void packed_value_append(struct buffer *packed, const struct value *value);

/* Returns what lies behind it. Bytes are borrowed from the packed ones. */
const char *packed_value_read(const char *at, struct value *out_value);

#endif
