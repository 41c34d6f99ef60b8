#include "daemon/migrate/sql_script.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Where a statement may end: depth 0 of both. */
struct nesting {
    int parentheses;
    int blocks; /* BEGIN ATOMIC … END, and CASE … END inside */
    bool after_begin;
};

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_part(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c) || c == '$';
}

static bool starts_with(const struct sql_script *script, const char *at, const char *text)
{
    size_t length = strlen(text);

    return (size_t)(script->end - at) >= length && memcmp(at, text, length) == 0;
}

/* Each end_of_… returns the first character after the thing that starts at `at`, or NULL
 * when it never ends. */

static const char *end_of_line_comment(const struct sql_script *script, const char *at)
{
    const char *newline = memchr(at, '\n', (size_t)(script->end - at));

    return newline ? newline : script->end;
}

static const char *end_of_block_comment(const struct sql_script *script, const char *at)
{
    int depth = 0;

    while (at < script->end) {
        if (starts_with(script, at, "/*")) {
            depth++;
            at += 2;
        } else if (starts_with(script, at, "*/")) {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return NULL;
}

/* A doubled quote reads as two strings side by side, which ends at the same place. */
static const char *end_of_quote(const struct sql_script *script, const char *at,
                                bool escapes)
{
    char quote = *at++;

    for (; at < script->end; at++) {
        if (escapes && *at == '\\')
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return NULL;
}

/* $$ or $tag$; the same pointer when `at` starts neither. */
static const char *end_of_dollar_quote(const struct sql_script *script, const char *at)
{
    const char *tag_end = at + 1;
    size_t tag_length;

    if (tag_end < script->end && is_word_start(*tag_end))
        while (tag_end < script->end && is_word_part(*tag_end) && *tag_end != '$')
            tag_end++;
    if (tag_end >= script->end || *tag_end != '$')
        return at;
    tag_length = (size_t)(tag_end + 1 - at);
    for (const char *end = tag_end + 1; end + tag_length <= script->end; end++)
        if (memcmp(end, at, tag_length) == 0)
            return end + tag_length;
    return NULL;
}

static bool is_word(const char *at, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(at, word, length) == 0;
}

static const char *end_of_word(const struct sql_script *script, const char *at,
                               struct nesting *nesting)
{
    const char *end = at;
    size_t length;

    while (end < script->end && is_word_part(*end))
        end++;
    length = (size_t)(end - at);
    if (length == 1 && (*at == 'e' || *at == 'E') && end < script->end && *end == '\'')
        return end_of_quote(script, end, true);
    if ((nesting->after_begin && is_word(at, length, "atomic")) ||
        (nesting->blocks && is_word(at, length, "case")))
        nesting->blocks++;
    else if (nesting->blocks && is_word(at, length, "end"))
        nesting->blocks--;
    nesting->after_begin = is_word(at, length, "begin");
    return end;
}

static const char *end_of_token(const struct sql_script *script, const char *at,
                                struct nesting *nesting)
{
    const char *end;

    if (starts_with(script, at, "--"))
        return end_of_line_comment(script, at);
    if (starts_with(script, at, "/*"))
        return end_of_block_comment(script, at);
    if (*at == '\'' || *at == '"')
        return end_of_quote(script, at, false);
    if (*at == '$') {
        end = end_of_dollar_quote(script, at);
        return end == at ? at + 1 : end;
    }
    if (is_word_part(*at))
        return end_of_word(script, at, nesting);
    if (*at == '(')
        nesting->parentheses++;
    else if (*at == ')')
        nesting->parentheses--;
    return at + 1;
}

static void move_to(struct sql_script *script, const char *to)
{
    for (; script->at < to; script->at++)
        script->line += *script->at == '\n';
}

static enum outcome fail_without_end(const struct sql_script *script, const char *at,
                                     struct error *err)
{
    struct sql_script opening = *script;

    move_to(&opening, at);
    return error_set(err, ERROR_INVALID, "line %d: a quote or comment never ends",
                     opening.line);
}

static enum outcome skip_space(struct sql_script *script, struct error *err)
{
    while (script->at < script->end) {
        const char *at = script->at;
        struct nesting ignored = {0};

        if (isspace((unsigned char)*at) || *at == ';')
            at++;
        else if (starts_with(script, at, "--") || starts_with(script, at, "/*"))
            at = end_of_token(script, at, &ignored);
        else
            return OK;
        if (!at)
            return fail_without_end(script, script->at, err);
        move_to(script, at);
    }
    return NOTHING;
}

struct sql_script sql_script_of(const char *text)
{
    return (struct sql_script){.at = text, .end = text + strlen(text), .line = 1};
}

enum outcome sql_script_next(struct sql_script *script,
                             struct sql_statement *out_statement, struct error *err)
{
    struct nesting nesting = {0};
    enum outcome outcome = skip_space(script, err);
    const char *at = script->at;

    if (outcome != OK)
        return outcome;
    while (at < script->end && (*at != ';' || nesting.parentheses || nesting.blocks)) {
        const char *end = end_of_token(script, at, &nesting);

        if (!end)
            return fail_without_end(script, at, err);
        at = end;
    }
    *out_statement = (struct sql_statement){
        .text = script->at, .length = (size_t)(at - script->at), .line = script->line};
    move_to(script, at);
    return OK;
}

enum outcome sql_script_next_remark(struct sql_script *script,
                                    struct sql_statement *out_remark, struct error *err)
{
    struct nesting nesting = {0};
    const char *at = script->at;

    while (at < script->end) {
        bool starts_line = at == script->at || at[-1] == '\n';
        bool is_outside = !nesting.parentheses && !nesting.blocks;
        const char *end = end_of_token(script, at, &nesting);

        if (!end)
            return fail_without_end(script, at, err);
        if (starts_line && is_outside && starts_with(script, at, "--")) {
            move_to(script, at);
            *out_remark = (struct sql_statement){
                .text = at, .length = (size_t)(end - at), .line = script->line};
            move_to(script, end < script->end ? end + 1 : end);
            return OK;
        }
        at = end;
    }
    move_to(script, script->end);
    return NOTHING;
}

int sql_statement_line(const struct sql_statement *statement, size_t position)
{
    int line = statement->line;
    size_t characters = 0;

    for (size_t i = 0; i < statement->length; i++) {
        bool starts_character = ((unsigned char)statement->text[i] & 0xC0) != 0x80;

        characters += starts_character;
        if (position && characters == position && starts_character)
            return line;
        line += statement->text[i] == '\n';
    }
    return statement->line;
}
