/*
 * Migration replay: the migrations run anew in a scratch database, to see what schema the
 * files make.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_REPLAY_H
#define DAEMON_MIGRATE_MIGRATION_REPLAY_H

#include "daemon/migrate/migration_runner.h"

struct migration_replay {
    const struct migrate_config *config; /* whose folder, and how long to wait */
    const char *to;                      /* the last revision of the project; NULL: all */
};

/*
 * Runs tidemark's own migrations where `scratch` leads to, and with `project` those of
 * the folder. context: a struct migration_replay. Fits autogenerate_config.replay.
 */
MUST_CHECK enum outcome migration_replay(void *context,
                                         const struct primary_config *scratch,
                                         bool project, struct error *err);

#endif
