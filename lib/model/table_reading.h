/*
 * Table reading: a table out of its fingerprint: what table_fingerprint_append() wrote,
 * read back. So a program that has nothing but the cache file knows the primary's types,
 * defaults, keys and references.
 */
#ifndef LIB_MODEL_TABLE_READING_H
#define LIB_MODEL_TABLE_READING_H

#include "lib/model/table.h"

/*
 * The fingerprint holds no mode, tracking, lockability, estimate or policy: those are
 * zero, and `fingerprint` is the text itself. ERROR_CORRUPT: not such a text.
 */
MUST_CHECK enum outcome table_reading(const char *fingerprint, struct table *out_table,
                                      struct error *err);

#endif
