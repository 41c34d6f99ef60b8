#include "daemon/migrate/schema_name.h"

#include <stdbool.h>
#include <stddef.h>

/* Up to a dot outside of quotes, or the end; returns where it stopped. */
static const char *unquote(const char *at, char part[static SCHEMA_NAME_SIZE])
{
    bool quoted = false;
    size_t length = 0;

    for (; *at && (quoted || *at != '.'); at++) {
        bool doubled = quoted && at[0] == '"' && at[1] == '"';

        if (*at == '"' && !doubled) {
            quoted = !quoted;
            continue;
        }
        at += doubled;
        if (length < SCHEMA_NAME_SIZE - 1)
            part[length++] = *at;
    }
    part[length] = '\0';
    return at;
}

void schema_name_first(const char *name, char out_part[static SCHEMA_NAME_SIZE])
{
    unquote(name, out_part);
}

void schema_name_last(const char *name, char out_part[static SCHEMA_NAME_SIZE])
{
    const char *at = unquote(name, out_part);

    while (*at)
        at = unquote(at + 1, out_part);
}
