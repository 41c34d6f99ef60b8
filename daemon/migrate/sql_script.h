/*
 * SQL script: the statements of a piece of SQL text, one by one.
 *
 * Knows what PostgreSQL's lexer knows about where a statement ends: quoted strings and
 * names, dollar quotes, nested comments, parentheses, BEGIN ATOMIC bodies. Pure; nothing
 * is copied or changed.
 */
#ifndef DAEMON_MIGRATE_SQL_SCRIPT_H
#define DAEMON_MIGRATE_SQL_SCRIPT_H

#include "lib/base/error.h"

#include <stddef.h>

struct sql_script {
    const char *at;  /* what is left; borrowed */
    const char *end; /* of the text */
    int line;        /* of `at`, in the file that the text comes from */
};

struct sql_statement {
    const char *text; /* points into the script; without the semicolon */
    size_t length;
    int line; /* of its first word */
};

/* All of a text that begins on line 1; borrowed. */
struct sql_script sql_script_of(const char *text);

/* NOTHING: there are no more. FAILED (ERROR_INVALID): a quote or comment never ends. */
MUST_CHECK enum outcome sql_script_next(struct sql_script *script,
                                        struct sql_statement *out_statement,
                                        struct error *err);

/*
 * The next line that is a comment and nothing else ("-- …" from its first character on):
 * one outside of quotes, other comments, parentheses and BEGIN ATOMIC bodies, where it
 * would be somebody's text. The script stands at the start of a line, and does so behind
 * the comment again. NOTHING: there are no more. FAILED as above.
 */
MUST_CHECK enum outcome sql_script_next_remark(struct sql_script *script,
                                               struct sql_statement *out_remark,
                                               struct error *err);

/* The line that the character at `position` (from 1, as PostgreSQL counts) stands on;
 * the statement's first line for 0 or one outside of it. */
int sql_statement_line(const struct sql_statement *statement, size_t position);

#endif
