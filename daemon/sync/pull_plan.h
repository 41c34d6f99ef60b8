/* Pull plan: decides what a round does for each table. */
#ifndef DAEMON_SYNC_PULL_PLAN_H
#define DAEMON_SYNC_PULL_PLAN_H

#include "daemon/sync/pull.h"

/* Fills pull->plans from the state of the followed tables. */
MUST_CHECK enum outcome pull_plans_make(struct pull *pull, bool may_join,
                                        struct error *err);
void pull_plans_clear(struct pull *pull);

/* The parameters of the refetch query: a text[] for each key column; out_texts has room,
 * freed by the caller. */
MUST_CHECK enum outcome pull_plan_refetch_params(const struct pull_plan *plan,
                                                 char **out_texts, struct error *err);

#endif
