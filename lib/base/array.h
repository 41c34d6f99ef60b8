/*
 * Array: one that grows at its end, an element at a time.
 *
 *     struct name { struct item *items; size_t count; };
 *
 *     if (array_room(&name->items, name->count, err) == FAILED)
 *         return FAILED;
 *     name->items[name->count++] = item;
 *
 * What room there is need not be kept: it follows from the count, which may go down too.
 * So every element of such an array must have been added in this way, from NULL on; one
 * that was made with calloc() or copied has other room. free() ends it.
 */
#ifndef LIB_BASE_ARRAY_H
#define LIB_BASE_ARRAY_H

#include "lib/base/error.h"

#include <stddef.h>

/*
 * Makes room for one more element behind `count`. array: the address of the pointer to
 * the first element (NULL at first), which may move. FAILED: out of memory, and nothing
 * has changed.
 */
#define array_room(array, count, err)                                                    \
    array_grow((array), (count), sizeof(**(array)), (err))

/* array: as above, of a pointer to elements of that size. */
MUST_CHECK enum outcome array_grow(void *array, size_t count, size_t element_bytes,
                                   struct error *err);

#endif
