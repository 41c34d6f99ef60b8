/*
 * Lint rule: what `tidemark lint` looks for, each with an id that never changes its
 * meaning, a sentence, and the safe version. What the doctor finds too has his id.
 */
#ifndef DAEMON_MIGRATE_LINT_RULE_H
#define DAEMON_MIGRATE_LINT_RULE_H

#include <stddef.h>

struct lint_rule {
    const char *id;
    const char *text; /* what is wrong, and why it matters */
    const char *cure; /* the safe version */
};

extern const struct lint_rule lint_rules[];
extern const size_t lint_rule_count;

/* length bytes of id; NULL: there is no such rule. */
const struct lint_rule *lint_rule_find(const char *id, size_t length);

#endif
