/*
 * Push outcomes: rows of a push that did not simply arrive: conflicts with what lost, and
 * rows that are to be read again. Kept outside the cache's own tables until all of them
 * are filed in one transaction.
 *
 * Belongs to the thread of the database.
 */
#ifndef LIB_STORE_PUSH_OUTCOMES_H
#define LIB_STORE_PUSH_OUTCOMES_H

#include "lib/store/conflict_log.h"

#include <stdint.h>

struct push_outcomes;

MUST_CHECK enum outcome push_outcomes_new(struct push_outcomes **out_outcomes,
                                          struct database *db, struct error *err);
void push_outcomes_free(struct push_outcomes *outcomes); /* NULL is fine */

/* A row that is to be read again. A later outcome of the same row takes its place. */
MUST_CHECK enum outcome push_outcomes_add_refetch(struct push_outcomes *outcomes,
                                                  int64_t ordinal, const char *table,
                                                  const char *row_key, struct error *err);
/* A conflict, which is to be read again too. */
MUST_CHECK enum outcome push_outcomes_add_conflict(struct push_outcomes *outcomes,
                                                   int64_t ordinal,
                                                   const struct conflict *conflict,
                                                   struct error *err);

/* Of the rows from … to: they are sent again. */
MUST_CHECK enum outcome push_outcomes_forget(struct push_outcomes *outcomes, int64_t from,
                                             int64_t to, struct error *err);

/* Files all of them under that push; in the caller's transaction. */
MUST_CHECK enum outcome push_outcomes_file(struct push_outcomes *outcomes,
                                           const char *push_id, int64_t *out_conflicts,
                                           int64_t *out_refetched, struct error *err);

#endif
