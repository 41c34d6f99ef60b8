#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/migrate/data_run.h"
#include "daemon/migrate/migrate_primary.h"
#include "lib/base/cleanup.h"

enum exit_status command_bootstrap(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    enum outcome migrated, loaded = NOTHING;
    struct error err;

    migrated = migration_screen_open(&screen, invocation, &err);
    if (migrated == OK)
        migrated = migrate_primary(&screen.config, NULL, &screen.observer, &err);
    if (migrated != FAILED) {
        migration_screen_use_data(&screen);
        loaded = data_run(&screen.config, &screen.observer, &err);
    }
    return migration_screen_conclude(
        &screen, migrated == FAILED || loaded == NOTHING ? migrated : loaded,
        "up to date", &err);
}
