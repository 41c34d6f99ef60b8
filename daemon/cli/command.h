/*
 * Command: what `tidemark` can do, and what one call of it was asked for.
 *
 * command_table lists all commands; main.c reads the command line, loads the
 * configuration where the command needs it, and runs it. A command prints its results to
 * stdout and everything else to stderr, and returns the exit status.
 */
#ifndef DAEMON_CLI_COMMAND_H
#define DAEMON_CLI_COMMAND_H

#include "daemon/config.h"
#include "lib/control/control_protocol.h"

#include <stdbool.h>
#include <stddef.h>

enum command_option {
    OPTION_QUIET = 1 << 0,
    OPTION_TIMEOUT = 1 << 1,
    OPTION_FIX_SQL = 1 << 2,
    OPTION_DRY_RUN = 1 << 3,
    OPTION_CONNINFO = 1 << 4,
    OPTION_CACHE = 1 << 5,
    OPTION_ALL = 1 << 6,
    OPTION_YES = 1 << 7,
    OPTION_TO = 1 << 8,
    OPTION_MESSAGE = 1 << 9,
    OPTION_BUILT_IN = 1 << 10,
    OPTION_AUTOGENERATE = 1 << 11,
    OPTION_OUT = 1 << 12,
};

struct invocation {
    const struct command *command;
    const struct config *config; /* NULL for a command that needs none */
    struct config_request request;
    const char *operand;  /* TABLE of resync, COMMAND of help; NULL: not given */
    const char *second;   /* KEY of explain, ID of rejected; NULL: not given */
    const char *timeout;  /* as given; NULL: none */
    const char *conninfo; /* of init */
    const char *cache;    /* of init */
    const char *to;       /* REVISION of migrate; NULL: all */
    const char *message;  /* of revision */
    const char *out;      /* DIR of models */
    bool json, quiet, fix_sql, dry_run, all, yes, built_in, autogenerate;
    bool help; /* --help stands for the command help */
};

struct command {
    const char *name;
    const char *operand;   /* its name in the usage line; NULL: takes none */
    const char *second;    /* name of a second operand; NULL: none */
    bool operand_optional; /* both */
    bool needs_config;
    unsigned int options; /* of enum command_option; every command takes -c and --json */
    const char *summary;  /* one line for the list */
    const char *help;     /* paragraphs for `tidemark help COMMAND` */
    enum exit_status (*run)(const struct invocation *invocation);
};

extern const struct command command_table[];
extern const size_t command_count;

/* NULL: unknown. */
const struct command *command_find(const char *name);

/* A name near it, or NULL. */
const char *command_suggest(const char *name);

enum exit_status command_init(const struct invocation *invocation);
enum exit_status command_config(const struct invocation *invocation);
enum exit_status command_sync(const struct invocation *invocation);
enum exit_status command_resync(const struct invocation *invocation);
enum exit_status command_status(const struct invocation *invocation);
enum exit_status command_outbox(const struct invocation *invocation);
enum exit_status command_rejected(const struct invocation *invocation);
enum exit_status command_conflicts(const struct invocation *invocation);
enum exit_status command_explain(const struct invocation *invocation);
enum exit_status command_models(const struct invocation *invocation);
enum exit_status command_wait(const struct invocation *invocation);
enum exit_status command_watch(const struct invocation *invocation);
enum exit_status command_pause(const struct invocation *invocation);
enum exit_status command_resume(const struct invocation *invocation);
enum exit_status command_doctor(const struct invocation *invocation);
enum exit_status command_lint(const struct invocation *invocation);
enum exit_status command_migrate(const struct invocation *invocation);
enum exit_status command_downgrade(const struct invocation *invocation);
enum exit_status command_revision(const struct invocation *invocation);
enum exit_status command_history(const struct invocation *invocation);
enum exit_status command_check(const struct invocation *invocation);
enum exit_status command_init_data(const struct invocation *invocation);
enum exit_status command_bootstrap(const struct invocation *invocation);
enum exit_status command_version(const struct invocation *invocation);
enum exit_status command_help(const struct invocation *invocation);

#endif
