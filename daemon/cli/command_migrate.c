#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/migrate/migrate_primary.h"
#include "lib/base/cleanup.h"

enum exit_status command_migrate(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    struct error err;
    enum outcome outcome = migration_screen_open(&screen, invocation, &err);

    if (outcome == OK)
        outcome = migrate_primary(&screen.config, invocation->to, &screen.observer, &err);
    return migration_screen_conclude(&screen, outcome, "up to date", &err);
}
