/*
 * Text distance: which known word did a person mean?
 *
 * Counts insertions, deletions, replacements and swaps of neighbours; ASCII case is
 * ignored. Pure.
 */
#ifndef LIB_BASE_TEXT_DISTANCE_H
#define LIB_BASE_TEXT_DISTANCE_H

#include <stddef.h>

/* Words longer than this are not compared. */
#define TEXT_DISTANCE_LIMIT 64

/* SIZE_MAX when either word is too long. */
size_t text_distance(const char *left, const char *right);

/*
 * The nearest of count words, or NULL when none is near: at most a third of the
 * letters wrong (at least one may be). Entries that are NULL are passed over.
 */
const char *text_nearest(const char *word, const char *const *words, size_t count);

#endif
