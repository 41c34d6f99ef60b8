/*
 * SQL words: the words of a statement one after the other, as far as recognising its kind
 * needs them. Comments and white space are passed over. Pure; nothing is copied.
 */
#ifndef DAEMON_MIGRATE_SQL_WORDS_H
#define DAEMON_MIGRATE_SQL_WORDS_H

#include "daemon/migrate/sql_script.h"

#include <stdbool.h>

struct sql_words {
    const char *at;
    const char *end;
};

/* A word, a name with its quotes and its qualifiers (public."Order"), or one other
 * character; empty at the end. */
struct sql_word {
    const char *text;
    size_t length;
};

struct sql_words sql_words_of(const struct sql_statement *statement);
struct sql_word sql_words_next(struct sql_words *words);

/* Compares without case. */
bool sql_word_is(const struct sql_word *word, const char *text);

/* Passes over the word if it comes next. */
bool sql_words_skip(struct sql_words *words, const char *text);

#endif
