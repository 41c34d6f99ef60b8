#include "lib/base/array.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 4

/* It is always a power of two, and filled when the count is one. */
static bool is_full(size_t count)
{
    return count == 0 || (count >= FIRST_ROOM && (count & (count - 1)) == 0);
}

enum outcome array_grow(void *array, size_t count, size_t element_bytes,
                        struct error *err)
{
    void *elements;

    if (!is_full(count))
        return OK;
    /* a pointer of another type than void * may not be read through one */
    memcpy(&elements, array, sizeof(elements));
    elements = reallocarray(elements, count ? 2 * count : FIRST_ROOM, element_bytes);
    if (!elements)
        return error_out_of_memory(err);
    memcpy(array, &elements, sizeof(elements));
    return OK;
}
