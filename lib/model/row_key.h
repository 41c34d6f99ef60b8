/*
 * Row key: the primary key of one row as text, for our own tables and for asking
 * the primary: a JSON array of strings in the primary's spelling.
 */
#ifndef LIB_MODEL_ROW_KEY_H
#define LIB_MODEL_ROW_KEY_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

/* Appends the JSON array; key columns are never null. */
void row_key_append(struct buffer *json, const struct value *key, size_t count);

/* Splits it again: count texts, to be freed with row_key_free(). ERROR_CORRUPT: not such
 * an array. */
MUST_CHECK enum outcome row_key_parse(const char *json, size_t count, char ***out_texts,
                                      struct error *err);
void row_key_free(char **texts, size_t count);

/* The key columns out of a whole row, in key order. */
void row_key_pick(const struct table *table, const struct value *row,
                  struct value *out_key);

#endif
