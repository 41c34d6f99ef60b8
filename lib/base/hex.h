/* Hex: bytes out of hexadecimal digits, upper or lower case. Pure. */
#ifndef LIB_BASE_HEX_H
#define LIB_BASE_HEX_H

#include "lib/base/buffer.h"

/* -1: no hexadecimal digit. */
int hex_digit(char digit);

/* Appends the bytes; false: not pairs of digits. */
bool hex_read(struct buffer *bytes, const char *digits, size_t size);

#endif
