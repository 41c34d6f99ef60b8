/*
 * autogenerate_once CONNINFO MIGRATIONS SCHEMA: one run of autogenerate, for tests: its
 * sections on stdout as a migration file, what was found on stderr.
 * autogenerate_once CONNINFO MIGRATIONS: how the live schema has drifted, on stdout.
 *
 * LENT_DATABASE in the environment: the conninfo of a database to work in.
 *
 * Exit status: 0, 3 when there is no difference, 1.
 */
#include "daemon/migrate/autogenerate.h"
#include "daemon/migrate/migration_replay.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum outcome print_migration(const struct autogenerate_config *config,
                                    struct error *err)
{
    OWNED(autogenerate_result_release) struct autogenerate_result result = {0};
    enum outcome outcome = autogenerate(config, &result, err);

    if (outcome == OK) {
        fputs(result.lines, stderr);
        printf("-- upgrade\n%s-- downgrade\n%s", result.upgrade, result.downgrade);
    }
    return outcome;
}

static enum outcome print_drift(const struct autogenerate_config *config,
                                struct error *err)
{
    OWNED(text_free) char *lines = NULL;
    enum outcome outcome = autogenerate_drift(config, &lines, err);

    if (outcome == OK)
        fputs(lines, stdout);
    return outcome;
}

int main(int argc, char **argv)
{
    struct migrate_config migrations = {.lock_wait_ms = 10000};
    struct migration_replay replay = {.config = &migrations};
    struct autogenerate_config config = {
        .primary = {.application = "autogenerate_once",
                    .connect_timeout_ms = 10000,
                    .silence_timeout_ms = 60000,
                    .lock_timeout_ms = 10000,
                    .interrupt_fd = -1},
        .replay = migration_replay,
        .replay_context = &replay,
    };
    struct error err;
    enum outcome outcome;

    if (argc < 3 || argc > 4)
        return 2;
    config.primary.conninfo = argv[1];
    migrations.directory = argv[2];
    config.schema = argv[3];
    config.lent = getenv("LENT_DATABASE");
    outcome = argc == 4 ? print_migration(&config, &err) : print_drift(&config, &err);
    if (outcome == FAILED)
        fprintf(stderr, "%s\n-> %s\n", err.message, err.hint);
    return outcome == FAILED ? 1 : outcome == NOTHING ? 3 : 0;
}
