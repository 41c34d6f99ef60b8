/*
 * autogenerate_once CONNINFO MIGRATIONS SCHEMA: one run of autogenerate, its sections on
 * stdout as a migration file. Exit status: 0, 3 when there is no difference, 1.
 */
#include "daemon/migrate/autogenerate.h"
#include "daemon/migrate/migration_replay.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    OWNED(autogenerate_result_release) struct autogenerate_result result = {0};
    struct autogenerate_config config = {.primary = {.application = "autogenerate_once",
                                                     .connect_timeout_ms = 10000,
                                                     .silence_timeout_ms = 60000,
                                                     .lock_timeout_ms = 10000,
                                                     .interrupt_fd = -1}};
    struct migrate_config migrations = {.lock_wait_ms = 10000};
    struct migration_replay replay = {.config = &migrations};
    struct error err;
    enum outcome outcome;

    if (argc != 4)
        return 2;
    config.primary.conninfo = argv[1];
    migrations.directory = argv[2];
    config.replay = migration_replay;
    config.replay_context = &replay;
    config.schema = argv[3];
    outcome = autogenerate(&config, &result, &err);
    if (outcome == FAILED) {
        fprintf(stderr, "%s\n-> %s\n", err.message, err.hint);
        return 1;
    }
    if (outcome == NOTHING)
        return 3;
    fputs(result.lines, stderr);
    printf("-- upgrade\n%s-- downgrade\n%s", result.upgrade, result.downgrade);
    return 0;
}
