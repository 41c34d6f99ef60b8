#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/migrate/data_run.h"
#include "lib/base/cleanup.h"

enum exit_status command_init_data(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    struct error err;
    enum outcome outcome = migration_screen_open(&screen, invocation, &err);

    if (outcome == OK) {
        migration_screen_use_data(&screen);
        outcome = data_run(&screen.config, &screen.observer, &err);
    }
    return migration_screen_conclude(&screen, outcome, "no file of data", &err);
}
