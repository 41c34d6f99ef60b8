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

/*
 * The one spelling of a key: doubles as row_key_append() spells them, NOCASE text in
 * lower case, RTRIM text without blanks behind. The capture triggers spell doubles and
 * control characters in their own way. text need not be UTF-8. ERROR_CORRUPT: no array of
 * as many strings as the table's key has columns.
 */
MUST_CHECK enum outcome row_key_canonical(const struct table *table, const char *text,
                                          char **out_key, struct error *err);
/* The same for text in which a NUL may stand, as a trigger may have written it. */
MUST_CHECK enum outcome row_key_canonical_bytes(const struct table *table,
                                                const char *text, size_t size,
                                                char **out_key, struct error *err);

/* Appends the one spelling of such a text; its values pass through `bytes`. */
MUST_CHECK enum outcome row_key_respell(struct buffer *json, const struct table *table,
                                        const char *text, size_t size,
                                        struct buffer *bytes, struct error *err);

/* The same out of values, in key order; never null. */
void row_key_append_canonical(struct buffer *json, const struct table *table,
                              const struct value *key);

/* The same out of values for any columns of the table. */
void row_key_append_columns(struct buffer *json, const struct table *table,
                            const int *columns, const struct value *values, size_t count);

/* The values of a canonical key, typed as the cache holds them; bytes are in `bytes`,
 * which is cleared first. A text where a number belongs stays a text. */
MUST_CHECK enum outcome row_key_values(const struct table *table, const char *key,
                                       struct buffer *bytes, struct value *out_values,
                                       struct error *err);

/* The key columns out of a whole row, in key order. */
void row_key_pick(const struct table *table, const struct value *row,
                  struct value *out_key);

#endif
