/*
 * JSON failure: why jansson did not take a text. It tells memory that ran out inside of a
 * string or a number as a mistake in the text; this looks at the text itself, without
 * memory. Pure.
 */
#ifndef LIB_BASE_JSON_FAILURE_H
#define LIB_BASE_JSON_FAILURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* After json_loadb() with JSON_DECODE_ANY has failed, and said why: was it memory? */
bool json_failure_is_memory(const char *text, size_t size, const json_error_t *why);

#endif
