/*
 * Push verdict: what becomes of one row that was not written, told what the primary holds
 * (conflict_rule.h has the rules). Takes down the outcome, and what is to be written
 * after all.
 */
#ifndef DAEMON_SYNC_PUSH_VERDICT_H
#define DAEMON_SYNC_PUSH_VERDICT_H

#include "daemon/primary/wire_row.h"
#include "daemon/sync/push_context.h"
#include "daemon/sync/push_settle.h"

/* What a look says before the columns: number, comparisons, time of the last change. */
#define PUSH_LOOK_FIELDS 3

struct push_verdict {
    const struct staged_group *group;
    const struct staged_row *row;
    const struct value *remote; /* by column; NULL: the row is gone */
    const char *comparisons;    /* mirror_sql_push_look() */
    bool has_changed_us;
    int64_t changed_us; /* there */
};

int64_t push_verdict_ordinal(const struct wire_field *fields);

/* Takes the fields before the columns; they are borrowed. */
MUST_CHECK enum outcome push_verdict_read(struct push_verdict *verdict,
                                          const struct wire_field *fields,
                                          struct error *err);

MUST_CHECK enum outcome push_verdict_on_row(struct push_context *context,
                                            const struct push_verdict *verdict,
                                            struct push_settles *settles,
                                            struct error *err);
MUST_CHECK enum outcome push_verdict_on_gone(struct push_context *context,
                                             const struct push_verdict *verdict,
                                             struct push_settles *settles,
                                             struct error *err);

#endif
