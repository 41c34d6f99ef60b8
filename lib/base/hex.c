#include "lib/base/hex.h"

int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool hex_read(struct buffer *bytes, const char *digits, size_t size)
{
    char *to = buffer_reserve(bytes, size / 2);

    if (size % 2)
        return false;
    for (size_t i = 0; to && i < size; i += 2) {
        int high = hex_digit(digits[i]);
        int low = hex_digit(digits[i + 1]);

        if (high < 0 || low < 0)
            return false;
        to[i / 2] = (char)(high * 16 + low);
    }
    if (to) {
        bytes->length += size / 2;
        bytes->data[bytes->length] = '\0';
    }
    return true;
}
