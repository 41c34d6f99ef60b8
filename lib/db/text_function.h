/*
 * Text function: a C function that a statement of ours calls, for what SQL cannot say.
 *
 * In SQL it is tide_text(:function, number, text), its first argument bound with
 * statement_bind_function(). Views and triggers of applications cannot call it.
 */
#ifndef LIB_DB_TEXT_FUNCTION_H
#define LIB_DB_TEXT_FUNCTION_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct sqlite3;

struct text_function {
    /* Appends its result to an empty buffer. NOTHING: null. text may hold NUL bytes and
     * is NULL for null. */
    enum outcome (*call)(void *context, int64_t number, const char *text, size_t size,
                         struct buffer *out_text);
    void *context;
};

/* What sqlite3_bind_pointer() calls one. */
#define TEXT_FUNCTION_POINTER "tide_text_function"

/* Makes it known on the connection. Returns SQLite's code. */
int text_function_register(struct sqlite3 *handle);

#endif
