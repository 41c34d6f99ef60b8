/*
 * Table fingerprint: what of a table shapes its rows in the cache, as text.
 *
 * Two readings of an unchanged catalog give the same text; it differs as soon as a
 * name, type, key, index, default, scope … differs. One line per item, readable, so that
 * a comparison of two shows what changed. Row estimates are not in it.
 */
#ifndef LIB_MODEL_TABLE_FINGERPRINT_H
#define LIB_MODEL_TABLE_FINGERPRINT_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

/* table->fingerprint itself is not read. */
void table_fingerprint_append(struct buffer *text, const struct table *table);

#endif
