#include "daemon/migrate/migration_replay.h"

#include "daemon/migrate/migrate_primary.h"

enum outcome migration_replay(void *context, const struct primary_config *scratch,
                              bool project, struct error *err)
{
    const struct migration_replay *replay = context;
    struct migrate_config config = *replay->config;

    config.primary = *scratch;
    config.dry_run = false;
    if (!project)
        config.directory = NULL;
    return migrate_primary(&config, project ? replay->to : NULL, NULL, err) == FAILED
               ? FAILED
               : OK;
}
