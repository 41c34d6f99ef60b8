/* SHA-256 (FIPS 180-4) of bytes in memory, as lower-case hexadecimal text. */
#ifndef LIB_BASE_SHA256_H
#define LIB_BASE_SHA256_H

#include <stddef.h>

#define SHA256_TEXT_SIZE 65 /* with the NUL */

void sha256_text(const void *bytes, size_t size, char out_text[static SHA256_TEXT_SIZE]);

#endif
