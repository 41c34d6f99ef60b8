/*
 * Table selection: which tables and columns the configuration means.
 *
 * A pattern is a name or a glob (* ? [) and may be qualified: "sales.orders",
 * "sales.*". A leading ! excludes, whatever the order. A list with nothing but excludes
 * starts from everything, and so does an empty one. Case matters, as on the primary.
 */
#ifndef DAEMON_PRIMARY_TABLE_SELECTION_H
#define DAEMON_PRIMARY_TABLE_SELECTION_H

#include "daemon/primary/introspect.h"

#include <stdbool.h>

enum table_selection {
    TABLE_NOT_SELECTED,
    TABLE_SELECTED,         /* by a glob, or because nothing else is asked for */
    TABLE_SELECTED_BY_NAME, /* by a pattern without wildcards */
};

/* patterns may be NULL. */
enum table_selection table_selection_of(const char *const *patterns, const char *schema,
                                        const char *name);

/* Whether one pattern, without its !, means this table. */
bool table_selection_matches(const char *pattern, const char *schema, const char *name);

/* No wildcard in it. */
bool table_selection_is_name(const char *pattern);

/* The rule for a table, the qualified one first; NULL when there is none. */
const struct introspect_rule *table_selection_rule(const struct introspect_config *config,
                                                   const char *schema, const char *name);

enum column_selection {
    COLUMN_SELECTED,
    COLUMN_NOT_LISTED, /* there are includes, and none of them means this column */
    COLUMN_EXCLUDED,   /* by a pattern with ! */
};

enum column_selection column_selection_of(const char *const *patterns, const char *name);

/* The first name (no glob; ! or not) that is no column of the table; NULL: none. */
const char *column_selection_unknown(const char *const *patterns,
                                     const struct table *table);

#endif
