/*
 * Push statement: one statement of a push and the rows that it is about, as the arrays
 * that it takes for parameters.
 *
 * Rows are added until it is full, it is sent, and takes the next ones. What it answers
 * is read with push_statement_read_ordinals() or, for a look, row by row.
 */
#ifndef DAEMON_SYNC_PUSH_STATEMENT_H
#define DAEMON_SYNC_PUSH_STATEMENT_H

#include "daemon/primary/primary_pipeline.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/staging.h"

#define PUSH_STATEMENT_ROWS ((size_t)5000)
#define PUSH_LOOK_ROWS ((size_t)1000) /* which are answered with whole rows */
#define PUSH_STATEMENT_BYTES ((size_t)4 << 20)

enum push_verb { PUSH_INSERT, PUSH_UPDATE, PUSH_DELETE, PUSH_LOOK, PUSH_VISIBLE };

struct push_statement {
    enum push_verb verb;
    struct mirror_push shape; /* its columns are the statement's own */
    size_t *columns;
    char *text;
    struct buffer *arrays; /* one for each parameter */
    size_t array_count;
    size_t row_count;
    struct buffer key_bytes;
};

/* columns of the shape are copied; the table is borrowed. */
MUST_CHECK enum outcome push_statement_init(struct push_statement *statement,
                                            enum push_verb verb,
                                            const struct mirror_push *shape,
                                            struct error *err);
void push_statement_release(struct push_statement *statement); /* a zeroed one is fine */

struct push_row {
    int64_t ordinal;
    const char *row_key;               /* canonical */
    const struct staged_value *values; /* one for each column of the shape */
    const size_t
        *positions; /* where in values each of them is; NULL: in the same order */
};

/* NOTHING: not added, for it holds a text with a NUL byte, which no parameter can. */
MUST_CHECK enum outcome push_statement_add(struct push_statement *statement,
                                           const struct push_row *row, struct error *err);
bool push_statement_is_full(const struct push_statement *statement);

/* Queues it, gives it to the network and empties it. */
MUST_CHECK enum outcome push_statement_send(struct push_statement *statement,
                                            struct primary_pipeline *pipeline,
                                            struct error *err);

/* Numbers of rows. */
struct push_ordinals {
    int64_t *items;
    size_t count;
};
MUST_CHECK enum outcome push_ordinals_add(struct push_ordinals *ordinals, int64_t ordinal,
                                          struct error *err);
void push_ordinals_sort(struct push_ordinals *ordinals);
void push_ordinals_release(struct push_ordinals *ordinals); /* a zeroed one is fine */

/* Moves to the answer of the next statement sent, and adds all numbers in it. The table's
 * name is in errors. */
MUST_CHECK enum outcome push_statement_read_ordinals(struct primary_pipeline *pipeline,
                                                     const struct table *table,
                                                     struct push_ordinals *ordinals,
                                                     struct error *err);

/* For statements without parameters and rows. */
MUST_CHECK enum outcome push_statement_send_text(struct primary_pipeline *pipeline,
                                                 const struct sql *sql,
                                                 struct error *err);
MUST_CHECK enum outcome push_statement_read_done(struct primary_pipeline *pipeline,
                                                 const struct sql *sql,
                                                 struct error *err);

#endif
