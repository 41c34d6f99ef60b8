/*
 * Push settle: the rows that are written once it is decided how, without comparing
 * anything again: the look has locked them.
 */
#ifndef DAEMON_SYNC_PUSH_SETTLE_H
#define DAEMON_SYNC_PUSH_SETTLE_H

#include "daemon/sync/push_context.h"

enum push_settle_verb { SETTLE_UPDATE, SETTLE_DELETE, SETTLE_INSERT };

struct push_settle {
    int64_t ordinal;
    enum push_settle_verb verb;
    char *columns; /* of an update: '1' for each of the group's columns to be written */
};

struct push_settles {
    struct push_settle *items;
    size_t count;
};

/* columns is copied; NULL for what is no update. */
MUST_CHECK enum outcome push_settles_add(struct push_settles *settles, int64_t ordinal,
                                         enum push_settle_verb verb, const char *columns,
                                         struct error *err);
void push_settles_sort(struct push_settles *settles);    /* by ordinal */
void push_settles_release(struct push_settles *settles); /* a zeroed one is fine */

/* Writes them, and checks constraints. A row that is not written even now is refused.
 * Fails as push_decide() does. */
MUST_CHECK enum outcome push_settle_rows(struct push_context *context,
                                         const struct push_settles *settles,
                                         struct error *err);

#endif
