#include "daemon/cli/model_names.h"

#include "lib/base/array.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Of C23 and C++23, and lower-case macros of their headers and compilers. */
static const char *const taken[] = {
    "alignas",       "alignof",       "and",         "and_eq",     "asm",
    "assert",        "auto",          "bitand",      "bitor",      "bool",
    "break",         "case",          "catch",       "char",       "char8_t",
    "char16_t",      "char32_t",      "class",       "co_await",   "co_return",
    "co_yield",      "compl",         "complex",     "concept",    "const",
    "consteval",     "constexpr",     "constinit",   "const_cast", "continue",
    "decltype",      "default",       "delete",      "do",         "double",
    "dynamic_cast",  "else",          "enum",        "errno",      "explicit",
    "export",        "extern",        "false",       "float",      "for",
    "friend",        "goto",          "i386",        "if",         "imaginary",
    "inline",        "int",           "linux",       "long",       "mutable",
    "namespace",     "new",           "noexcept",    "not",        "not_eq",
    "nullptr",       "offsetof",      "operator",    "or",         "or_eq",
    "private",       "protected",     "public",      "register",   "restrict",
    "requires",      "return",        "short",       "signed",     "sizeof",
    "static",        "static_assert", "static_cast", "stderr",     "stdin",
    "stdout",        "struct",        "switch",      "template",   "this",
    "throw",         "thread_local",  "true",        "try",        "typedef",
    "typeid",        "typename",      "typeof",      "union",      "unix",
    "unsigned",      "using",         "virtual",     "void",       "volatile",
    "wchar_t",       "while",         "xor",         "xor_eq",     "reinterpret_cast",
    "typeof_unqual",
};

void model_names_release(struct model_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct model_names){0};
}

static bool is_given(const struct model_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static bool is_taken(const char *name)
{
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    return false;
}

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9');
}

static bool is_upper(char letter)
{
    return letter >= 'A' && letter <= 'Z';
}

/* Names that begin with "_", or have "__" in them, are the compiler's and its library's.
 */
static void append_joint(struct buffer *text)
{
    if (text->failed)
        return;
    if (!text->length)
        buffer_append_text(text, "n");
    if (text->data && text->data[text->length - 1] != '_')
        buffer_append_text(text, "_");
}

/* createdAt: created_at; what is no letter of C: _. */
static void append_snake(struct buffer *text, const char *name)
{
    if (*name >= '0' && *name <= '9' && !text->length)
        buffer_append_text(text, "n");
    for (const char *at = name; *at; at++) {
        char letter = is_letter(*at) ? (char)tolower((unsigned char)*at) : '_';

        if (at > name && is_upper(*at) && is_letter(at[-1]) && !is_upper(at[-1]))
            append_joint(text);
        if (letter == '_')
            append_joint(text);
        else
            buffer_append(text, &letter, 1);
    }
}

static enum outcome keep(struct model_names *names, struct buffer *name,
                         const char **out_name, struct error *err)
{
    char *kept;

    if (array_room(&names->items, names->count, err) == FAILED)
        return FAILED;
    kept = buffer_take(name);
    if (!kept)
        return error_out_of_memory(err);
    names->items[names->count++] = kept;
    *out_name = kept;
    return OK;
}

enum outcome model_names_give(struct model_names *names, const char *prefix,
                              const char *name, const char *suffix, const char **out_name,
                              struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    size_t length;

    buffer_append_text(&text, prefix);
    append_snake(&text, name);
    buffer_append_text(&text, suffix);
    if (!text.failed && is_taken(text.data))
        buffer_append_text(&text, "_");
    length = text.length;
    for (int number = 2; !text.failed && is_given(names, text.data); number++) {
        text.length = length;
        buffer_append_format(&text, text.data[length - 1] == '_' ? "%d" : "_%d", number);
    }
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    return keep(names, &text, out_name, err);
}

char *model_names_pascal(const char *snake)
{
    OWNED(buffer_release) struct buffer text = {0};
    bool starts = true;

    for (; *snake; snake++) {
        char letter = starts ? (char)toupper((unsigned char)*snake) : *snake;

        starts = *snake == '_';
        if (!starts)
            buffer_append(&text, &letter, 1);
    }
    return buffer_take(&text);
}
