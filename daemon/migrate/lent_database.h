/*
 * Lent database: an empty database that the owner's role may fill and empty, for those
 * who may not create databases ([migrations] scratch).
 *
 * One schema is made in it after the other; in between, and at the end, it is emptied. So
 * it must be empty to begin with, belong to the role, and be on a server of the primary's
 * major version. While it is in use a comment on it says so, and the session holds an
 * advisory lock: what a killed run left behind is told from what is somebody's, and is
 * removed by the next run.
 *
 * Belongs to one thread; blocking.
 */
#ifndef DAEMON_MIGRATE_LENT_DATABASE_H
#define DAEMON_MIGRATE_LENT_DATABASE_H

#include "daemon/primary/primary.h"

struct lent_database {
    struct primary_config config; /* leads there; its text is borrowed */
    struct primary *keeper;       /* holds the lock; NULL: nothing was lent */
};

/*
 * Takes it for the schemas of `primary`, empty. ERROR_INVALID: it is not empty, of
 * another version, or the primary's own database. ERROR_AUTH: it belongs to another role.
 * ERROR_TRANSIENT: another run uses it.
 */
MUST_CHECK enum outcome lent_database_take(struct lent_database *out_lent,
                                           const struct primary_config *config,
                                           const struct primary *primary,
                                           struct error *err);

/* Drops everything in it. ERROR_INVALID names what cannot be dropped. */
MUST_CHECK enum outcome lent_database_empty(struct lent_database *lent,
                                            struct error *err);

/* Empties it and lets it go, on a new connection if the old one is gone. What cannot be
 * dropped is left to the next run. A zeroed one is fine. */
void lent_database_give_back(struct lent_database *lent);

#endif
