#include "lib/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum outcome error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;

    err->kind = kind;
    err->origin[0] = '\0';
    err->hint[0] = '\0';
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    return FAILED;
}

static enum error_kind kind_of_errno(int number)
{
    switch (number) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EPIPE:
    case ETIMEDOUT:
    case EINTR:
        return ERROR_TRANSIENT;
    default:
        return ERROR_SYSTEM;
    }
}

enum outcome error_set_errno(struct error *err, const char *format, ...)
{
    int number = errno;
    va_list args;
    int used;

    error_set(err, kind_of_errno(number), "%s", "");
    snprintf(err->origin, sizeof(err->origin), "errno %d", number);
    va_start(args, format);
    used = vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof(err->message))
        snprintf(err->message + used, sizeof(err->message) - (size_t)used, ": %s",
                 strerror(number));
    if (number == ENOSPC || number == EDQUOT)
        error_hint(err, "make room on that disk");
    return FAILED;
}

enum outcome error_out_of_memory(struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "out of memory");
}

enum outcome error_wrap(struct error *err, const char *format, ...)
{
    char cause[sizeof(err->message)];
    va_list args;
    int used;

    memcpy(cause, err->message, sizeof(cause));
    va_start(args, format);
    used = vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof(err->message))
        snprintf(err->message + used, sizeof(err->message) - (size_t)used, ": %s", cause);
    return FAILED;
}

enum outcome error_hint(struct error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return FAILED;
}

bool error_is_full_disk(const struct error *err)
{
    char no_space[sizeof(err->origin)];
    char no_quota[sizeof(err->origin)];

    snprintf(no_space, sizeof(no_space), "errno %d", ENOSPC);
    snprintf(no_quota, sizeof(no_quota), "errno %d", EDQUOT);
    return strcmp(err->origin, no_space) == 0 || strcmp(err->origin, no_quota) == 0 ||
           strcmp(err->origin, "SQLITE 13") == 0; /* SQLITE_FULL */
}

const char *error_kind_name(enum error_kind kind)
{
    static const char *const names[] = {
        [ERROR_NONE] = "none",         [ERROR_TRANSIENT] = "transient",
        [ERROR_CONFLICT] = "conflict", [ERROR_REJECTED] = "rejected",
        [ERROR_SCHEMA] = "schema",     [ERROR_AUTH] = "auth",
        [ERROR_INVALID] = "invalid",   [ERROR_CORRUPT] = "corrupt",
        [ERROR_SYSTEM] = "system",     [ERROR_INTERRUPTED] = "interrupted",
    };

    return names[kind];
}
