/*
 * Migration screen: what the commands that change the primary's schema share: where they
 * connect, how long they wait, and what is said of each file.
 */
#ifndef DAEMON_CLI_MIGRATION_SCREEN_H
#define DAEMON_CLI_MIGRATION_SCREEN_H

#include "daemon/cli/command.h"
#include "daemon/migrate/migration_runner.h"

struct migration_screen {
    const struct invocation *invocation;
    struct migrate_config config;
    struct migrate_observer observer; /* its context is the screen: do not move it */
    int signal_fd;
    size_t done; /* files */
};

/* Fills it in from the settings and the options. directory is [migrations] directory. */
MUST_CHECK enum outcome migration_screen_open(struct migration_screen *screen,
                                              const struct invocation *invocation,
                                              struct error *err);
void migration_screen_close(struct migration_screen *screen); /* a zeroed one is fine */

/* The folder of [migrations] data instead. */
void migration_screen_use_data(struct migration_screen *screen);

/* The last word: the error, or that it is done; nothing_said: for outcome NOTHING. */
enum exit_status migration_screen_conclude(const struct migration_screen *screen,
                                           enum outcome outcome, const char *nothing_said,
                                           const struct error *err);

#endif
