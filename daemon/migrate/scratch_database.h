/*
 * Scratch database: empty databases on the primary's server, for trying out migrations.
 *
 * Named tidemark_scratch_<database's oid>_<key>_<letter>. Whoever made them holds an
 * advisory lock on the key while it lives, so that what a killed run left behind is told
 * from what is in use, and dropped by the next run. Where the role may make none, one
 * that was lent serves in their place (lent_database.h).
 *
 * Belongs to one thread; blocking.
 */
#ifndef DAEMON_MIGRATE_SCRATCH_DATABASE_H
#define DAEMON_MIGRATE_SCRATCH_DATABASE_H

#include "daemon/migrate/lent_database.h"
#include "daemon/migrate/migration_runner.h"
#include "daemon/primary/primary.h"

#include <stddef.h>

#define SCRATCH_LIMIT 2

struct scratch_database {
    char *name;
    char *drop;           /* the statement */
    struct primary *link; /* NULL: not connected */
};

struct scratch_server {
    struct primary_config config;
    struct primary *owner;     /* connected to the database that config leads to */
    struct lent_database lent; /* in place of the databases that would be made */
    char *key;
    struct scratch_database databases[SCRATCH_LIMIT];
    size_t count;
};

/* Connects, and drops what killed runs left behind. lent: conninfo of a database to use
 * instead of making any; NULL: none. ERROR_INVALID: a pooler, a hot standby; and what
 * lent_database_take() says. The configuration's text is borrowed. */
MUST_CHECK enum outcome scratch_server_open(struct scratch_server *out_server,
                                            const struct primary_config *config,
                                            const char *lent, struct error *err);

/* Makes one more (SCRATCH_LIMIT at most), with the encoding and the locale of the
 * configured database, and connects to it; a lent one is emptied, and the link that was
 * handed out before is gone. The link and what *out_config says belong to the server.
 * ERROR_AUTH: the role may not. */
MUST_CHECK enum outcome scratch_server_make(struct scratch_server *server,
                                            struct primary **out_link,
                                            struct primary_config *out_config,
                                            struct error *err);

/* A runner on a link of ours: it takes no lock, and nobody watches. Not to be released.
 */
struct migration_runner scratch_runner(struct primary *link);

/* Drops them, on a new connection if the old one is gone. A zeroed one is fine. */
void scratch_server_release(struct scratch_server *server);

#endif
