#include "lib/db/text_function.h"

#include "lib/base/cleanup.h"

#include <sqlite3.h>

static void call(sqlite3_context *sqlite, int count, sqlite3_value **arguments)
{
    OWNED(buffer_release) struct buffer result = {0};
    const struct text_function *function =
        sqlite3_value_pointer(arguments[0], TEXT_FUNCTION_POINTER);
    const char *text = (const char *)sqlite3_value_text(arguments[2]);
    size_t size = (size_t)sqlite3_value_bytes(arguments[2]);

    (void)count;
    if (!function)
        sqlite3_result_error(sqlite, "tide_text() was given no function", -1);
    else if (function->call(function->context, sqlite3_value_int64(arguments[1]), text,
                            size, &result) != OK)
        sqlite3_result_null(sqlite);
    else if (result.failed)
        sqlite3_result_error_nomem(sqlite);
    else
        sqlite3_result_text64(sqlite, result.data ? result.data : "", result.length,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
}

int text_function_register(struct sqlite3 *handle)
{
    return sqlite3_create_function(
        handle, "tide_text", 3, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, call, NULL, NULL);
}
