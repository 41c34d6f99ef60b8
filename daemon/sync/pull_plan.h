/* Pull plan: decides what a round does for each table. */
#ifndef DAEMON_SYNC_PULL_PLAN_H
#define DAEMON_SYNC_PULL_PLAN_H

#include "daemon/sync/pull.h"

/* Fills pull->plans from the state of the followed tables. */
MUST_CHECK enum outcome pull_plans_make(struct pull *pull, bool may_join,
                                        struct error *err);
void pull_plans_clear(struct pull *pull);

#endif
