/*
 * Lint findings: what broke which rule where, and the allowances that let it.
 *
 *   tidemark: allow TM306 the table is empty
 *
 * stands in a line comment of a migration file, or in the COMMENT ON an object of the
 * database. The reason is not optional.
 */
#ifndef DAEMON_MIGRATE_LINT_FINDINGS_H
#define DAEMON_MIGRATE_LINT_FINDINGS_H

#include "daemon/migrate/lint_rule.h"
#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>

struct lint_finding {
    const struct lint_rule *rule;
    char *place; /* "public.orders.placed_at", "20261122_0001_x, line 7" */
};

struct lint_findings {
    struct lint_finding *items;
    size_t count;
    size_t allowed; /* findings that were let pass */
    bool failed;    /* out of memory: not complete */
};

/* id: one of lint_rules. */
PRINTF_LIKE(3, 4)
void lint_findings_add(struct lint_findings *findings, const char *id, const char *format,
                       ...);

/* Does the text, to its end or `end` (NULL: none), allow breaking the rule? */
bool lint_is_allowed(const char *text, const char *end, const char *id);

/* The next allowance in the text that has no reason or names no rule; NULL: none. */
const char *lint_bad_allowance(const char *text, const char *end);

void lint_findings_release(struct lint_findings *findings); /* a zeroed one is fine */

#endif
