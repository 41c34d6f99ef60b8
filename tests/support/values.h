/* Values: short words for the values that tests write and expect. */
#ifndef TESTS_SUPPORT_VALUES_H
#define TESTS_SUPPORT_VALUES_H

#include "lib/model/value.h"

#include <string.h>

static inline struct value integer_value(int64_t integer)
{
    return (struct value){.type = VALUE_INTEGER, .integer = integer};
}

/* NULL: null. Borrowed. */
static inline struct value text_value(const char *text)
{
    if (!text)
        return (struct value){.type = VALUE_NULL};
    return (struct value){.type = VALUE_TEXT, .bytes = text, .size = strlen(text)};
}

#endif
