#include "lib/base/json_failure.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_LIMIT 2048 /* jansson's own */

struct scan {
    const char *at;
    const char *end;
    int depth;
};

static bool scan_value(struct scan *scan);

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4))
        scan->at++;
}

static bool take(struct scan *scan, char wanted)
{
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != wanted)
        return false;
    scan->at++;
    return true;
}

static bool scan_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end && *scan->at != '"') {
        if ((unsigned char)*scan->at < 0x20)
            return false;
        if (*scan->at++ != '\\')
            continue;
        if (scan->at == scan->end || !strchr("\"\\/bfnrtu", *scan->at))
            return false;
        scan->at++;
    }
    return take(scan, '"');
}

/* A number or one of the three words, as far as its letters go. */
static bool scan_word(struct scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end &&
           (isalnum((unsigned char)*scan->at) || memchr("+-.", *scan->at, 3)))
        scan->at++;
    return scan->at > start;
}

static bool scan_members(struct scan *scan, char last, bool named)
{
    if (++scan->depth > DEPTH_LIMIT)
        return false;
    scan->at++;
    if (!take(scan, last)) {
        do {
            if (named && (!scan_string(scan) || !take(scan, ':')))
                return false;
            if (!scan_value(scan))
                return false;
        } while (take(scan, ','));
        if (!take(scan, last))
            return false;
    }
    scan->depth--;
    return true;
}

static bool scan_value(struct scan *scan)
{
    skip_space(scan);
    if (scan->at == scan->end)
        return false;
    switch (*scan->at) {
    case '{':
        return scan_members(scan, '}', true);
    case '[':
        return scan_members(scan, ']', false);
    case '"':
        return scan_string(scan);
    default:
        return scan_word(scan);
    }
}

static bool is_whole(const char *text, size_t size)
{
    struct scan scan = {.at = text, .end = text + size};

    if (!scan_value(&scan))
        return false;
    skip_space(&scan);
    return scan.at == scan.end;
}

bool json_failure_is_memory(const char *text, size_t size, const json_error_t *why)
{
    if (!why->text[0]) /* nor did it set a code then */
        return true;
    switch (json_error_code(why)) {
    case json_error_out_of_memory:
        return true;
    case json_error_unknown:
    case json_error_invalid_syntax:
    case json_error_premature_end_of_input:
    case json_error_end_of_input_expected:
        return is_whole(text, size);
    default:
        return false;
    }
}
