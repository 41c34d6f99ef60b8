#include "lib/repository/library_error.h"

#include <stdio.h>

static enum tide_error_kind kind_of(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return TIDE_ERROR_NONE;
    case ERROR_TRANSIENT:
        return TIDE_ERROR_BUSY;
    case ERROR_CONFLICT:
    case ERROR_REJECTED:
        return TIDE_ERROR_CONFLICT;
    case ERROR_INVALID:
        return TIDE_ERROR_MISUSE;
    case ERROR_SCHEMA:
        return TIDE_ERROR_SCHEMA;
    case ERROR_CORRUPT:
        return TIDE_ERROR_CORRUPT;
    case ERROR_AUTH:
    case ERROR_SYSTEM:
    case ERROR_INTERRUPTED:
        break;
    }
    return TIDE_ERROR_SYSTEM;
}

enum tide_result library_failed(const struct error *why, struct tide_error *err)
{
    if (!err)
        return TIDE_FAILED;
    err->kind = kind_of(why->kind);
    snprintf(err->message, sizeof(err->message), "%s", why->message);
    snprintf(err->hint, sizeof(err->hint), "%s", why->hint);
    return TIDE_FAILED;
}

enum tide_result library_result(enum outcome outcome, const struct error *why,
                                struct tide_error *err)
{
    if (outcome == FAILED)
        return library_failed(why, err);
    return outcome == OK ? TIDE_OK : TIDE_NOT_FOUND;
}
