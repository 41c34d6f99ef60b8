/* Column JSON: a value of the cache as JSON, for documents that people and programs read.
 */
#ifndef LIB_STORE_COLUMN_JSON_H
#define LIB_STORE_COLUMN_JSON_H

#include <jansson.h>

struct statement;
struct value;

/*
 * A new reference: null, integer, real, string. Blobs are "\x…" in hex, infinities
 * "Infinity" and "-Infinity"; bytes that are no UTF-8 become U+FFFD. NULL: out of memory.
 */
json_t *column_json(const struct statement *statement, int column);
json_t *column_json_of(const struct value *value);

/* Text that holds JSON; null when it holds something else. */
json_t *column_json_parsed(const struct statement *statement, int column);

#endif
