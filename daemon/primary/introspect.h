/*
 * Introspect: reads the primary's catalog and decides what can be mirrored, and how.
 *
 * Every table of the configured schemas that matches a pattern is either in
 * out_set->tables or, with a reason and a remedy, in out_set->refusals. Views,
 * materialized views, foreign tables and the partitions of a mirrored parent are passed
 * over unless a pattern without wildcards names them: then they are refused by name.
 */
#ifndef DAEMON_PRIMARY_INTROSPECT_H
#define DAEMON_PRIMARY_INTROSPECT_H

#include "lib/model/table.h"

struct primary;

/* [table NAME] of the configuration. Text is borrowed; NULL means: not set. */
struct introspect_rule {
    const char *table; /* "orders" or "sales.orders" */
    const char *scope;
    const char *const *columns; /* names or globs, ! excludes; NULL-terminated list */
    const char *const
        *as_real; /* numeric columns to mirror as REAL; NULL-terminated list */
    const char *updated_at;
    const char *deleted_at;
    const enum conflict_policy *conflict;
};

struct introspect_config {
    const char *const *schemas; /* NULL-terminated list */
    const char *const *tables;  /* names or globs, ! excludes; NULL-terminated list */
    const char *updated_at;     /* column names, where a rule does not say otherwise */
    const char *deleted_at;
    enum conflict_policy conflict;
    const struct introspect_rule *rules;
    size_t rule_count;
};

MUST_CHECK enum outcome introspect(struct primary *primary,
                                   const struct introspect_config *config,
                                   struct table_set *out_set, struct error *err);

#endif
