/*
 * Lint step: what one statement of a migration does that can hurt.
 *
 * Looks at words, not at a parse tree: what stands in a DO block or a function is not
 * seen. Pure.
 */
#ifndef DAEMON_MIGRATE_LINT_STEP_H
#define DAEMON_MIGRATE_LINT_STEP_H

#include "daemon/migrate/sql_words.h"
#include "lib/base/buffer.h"

/* A statement may be longer; what comes after so many words is not looked at. */
#define LINT_WORD_LIMIT 2000

struct lint_statement {
    struct sql_word words[LINT_WORD_LIMIT];
    size_t count;
};

/* A string is one word: its first quote. */
void lint_statement_split(struct lint_statement *out_statement,
                          const struct sql_statement *statement);

/*
 * Calls found() with the id of each rule that the statement breaks. new_tables: a line
 * each, with the names of tables that are new; a table that the statement makes is added.
 */
void lint_step(const struct lint_statement *statement, struct buffer *new_tables,
               void (*found)(void *context, const char *id), void *context);

#endif
