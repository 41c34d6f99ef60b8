/*
 * Change base: what the changed columns of a row held before: the `base` of an outbox
 * entry, a JSON object of column name to quoted value, in memory.
 *
 * Reading tolerates what JSON libraries refuse and a cache may hold: text that is no
 * UTF-8. Owns its text.
 */
#ifndef LIB_MODEL_CHANGE_BASE_H
#define LIB_MODEL_CHANGE_BASE_H

#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct change_base_item {
    char *column; /* name */
    char *quoted; /* as quoted_value.h reads it; NUL-terminated */
    size_t quoted_size;
};

struct change_base {
    struct change_base_item *items;
    size_t count;
};

/* NULL makes an empty one. ERROR_CORRUPT: no object of strings. */
MUST_CHECK enum outcome change_base_parse(struct change_base *out_base, const char *json,
                                          size_t size, struct error *err);
void change_base_append_json(struct buffer *json, const struct change_base *base);

/* Exact comparison of names; NULL when the column is not in it. */
const struct change_base_item *change_base_find(const struct change_base *base,
                                                const char *column);

/* Adds the columns of `later` that `base` does not have: the first base of a column wins.
 * Takes what it needs out of `later`, which still has to be released. */
MUST_CHECK enum outcome change_base_merge(struct change_base *base,
                                          struct change_base *later, struct error *err);
/* Another value for a column that is in it. */
MUST_CHECK enum outcome change_base_put(struct change_base *base, const char *column,
                                        const char *quoted, struct error *err);
void change_base_remove(struct change_base *base, const char *column);
void change_base_release(struct change_base *base); /* a zeroed one is fine */

#endif
