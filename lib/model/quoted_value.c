#include "lib/model/quoted_value.h"

#include "lib/base/hex.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any number that quote() prints. */
#define NUMBER_SIZE 64

static enum outcome malformed(const char *quoted, size_t size, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "not a quoted value: %.*s",
                     size > 100 ? 100 : (int)size, quoted);
}

static bool is_text(const char *quoted, size_t size, const char *text)
{
    return size == strlen(text) && memcmp(quoted, text, size) == 0;
}

static bool is_real(const char *number, double *out_real)
{
    char *end;

    if (number[strspn(number, "0123456789+-.eE")])
        return false;
    /* SQLite rounds twice, by way of long double, when it checks what quote() printed */
    *out_real = (double)strtold(number, &end);
    return end != number && !*end;
}

static bool is_integer(const char *number, int64_t *out_integer)
{
    const char *digits = number + (*number == '-');

    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    *out_integer = strtoll(number, NULL, 10);
    return errno == 0;
}

static bool parse_number(const char *quoted, size_t size, struct value *out_value)
{
    char number[NUMBER_SIZE];

    if (size == 0 || size >= sizeof(number) || memchr(quoted, '\0', size))
        return false;
    memcpy(number, quoted, size);
    number[size] = '\0';
    *out_value = (struct value){.type = VALUE_INTEGER};
    if (is_integer(number, &out_value->integer))
        return true;
    *out_value = (struct value){.type = VALUE_REAL};
    return is_real(number, &out_value->real);
}

/* The text between the outer quotes: every quote in it stands twice. */
static bool parse_text(const char *quoted, size_t size, struct buffer *bytes)
{
    const char *at = quoted + 1;
    const char *end = quoted + size - 1;

    while (at < end) {
        const char *quote = memchr(at, '\'', (size_t)(end - at));

        if (quote && (quote + 1 == end || quote[1] != '\''))
            return false;
        buffer_append(bytes, at, (size_t)((quote ? quote + 1 : end) - at));
        at = quote ? quote + 2 : end;
    }
    return true;
}

static bool is_between_quotes(const char *quoted, size_t size)
{
    return size >= 2 && quoted[0] == '\'' && quoted[size - 1] == '\'';
}

static bool parse(const char *quoted, size_t size, struct buffer *bytes,
                  struct value *out_value)
{
    *out_value = (struct value){0};
    if (is_text(quoted, size, "NULL"))
        return true;
    *out_value = (struct value){.type = VALUE_TEXT};
    if (is_between_quotes(quoted, size))
        return parse_text(quoted, size, bytes);
    *out_value = (struct value){.type = VALUE_BLOB};
    if (size >= 3 && quoted[0] == 'X' && is_between_quotes(quoted + 1, size - 1))
        return hex_read(bytes, quoted + 2, size - 3);
    *out_value = (struct value){.type = VALUE_REAL, .real = INFINITY};
    if (is_text(quoted, size, "Inf"))
        return true;
    out_value->real = -INFINITY;
    if (is_text(quoted, size, "-Inf"))
        return true;
    return parse_number(quoted, size, out_value);
}

enum outcome quoted_value_parse(const char *quoted, size_t size, struct buffer *bytes,
                                struct value *out_value, struct error *err)
{
    struct value value;

    buffer_clear(bytes);
    if (!parse(quoted, size, bytes, &value))
        return malformed(quoted, size, err);
    if (buffer_check(bytes, err) == FAILED)
        return FAILED;
    if (value.type == VALUE_TEXT || value.type == VALUE_BLOB) {
        value.bytes = bytes->data ? bytes->data : "";
        value.size = bytes->length;
    }
    *out_value = value;
    return OK;
}
