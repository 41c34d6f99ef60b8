#include "daemon/migrate/sql_words.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_name_part(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The first character after a comment that starts at `at`; the same pointer for none. */
static const char *end_of_comment(const char *at, const char *end)
{
    if (end - at >= 2 && memcmp(at, "--", 2) == 0) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        return newline ? newline : end;
    }
    if (end - at >= 2 && memcmp(at, "/*", 2) == 0) {
        const char *close = memmem(at + 2, (size_t)(end - at - 2), "*/", 2);

        return close ? close + 2 : end;
    }
    return at;
}

static void skip_space(struct sql_words *words)
{
    while (words->at < words->end) {
        const char *after = end_of_comment(words->at, words->end);

        if (after == words->at && !isspace((unsigned char)*words->at))
            return;
        words->at = after > words->at ? after : words->at + 1;
    }
}

/* "a ""quoted"" name" or a plain one; the same pointer when neither starts here. */
static const char *end_of_part(const char *at, const char *end)
{
    if (at < end && *at == '"') {
        for (at++; at < end; at++)
            if (*at == '"' && (at + 1 == end || at[1] != '"'))
                return at + 1;
            else if (*at == '"')
                at++;
        return end;
    }
    while (at < end && is_name_part(*at))
        at++;
    return at;
}

static const char *end_of_name(const char *at, const char *end)
{
    const char *after = end_of_part(at, end);

    while (after > at && after < end && *after == '.') {
        const char *part = end_of_part(after + 1, end);

        if (part == after + 1)
            break;
        after = part;
    }
    return after;
}

struct sql_words sql_words_of(const struct sql_statement *statement)
{
    return (struct sql_words){.at = statement->text,
                              .end = statement->text + statement->length};
}

struct sql_word sql_words_next(struct sql_words *words)
{
    struct sql_word word;
    const char *after;

    skip_space(words);
    after = end_of_name(words->at, words->end);
    if (after == words->at && words->at < words->end)
        after++;
    word = (struct sql_word){words->at, (size_t)(after - words->at)};
    words->at = after;
    return word;
}

bool sql_word_is(const struct sql_word *word, const char *text)
{
    return word->length == strlen(text) &&
           strncasecmp(word->text, text, word->length) == 0;
}

bool sql_words_skip(struct sql_words *words, const char *text)
{
    struct sql_words ahead = *words;
    struct sql_word word = sql_words_next(&ahead);

    if (!sql_word_is(&word, text))
        return false;
    *words = ahead;
    return true;
}
