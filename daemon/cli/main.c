#include "daemon/cli/command_line.h"
#include "daemon/cli/report.h"
#include "daemon/observe/log.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void config_drop(struct config **config)
{
    config_free(*config);
}

static enum exit_status run(struct invocation *invocation)
{
    OWNED(config_drop) struct config *config = NULL;
    const struct command *command = invocation->command;
    struct error err;

    if (invocation->help) {
        invocation->operand = command ? command->name : NULL;
        return command_help(invocation);
    }
    if (command->needs_config &&
        config_load(&config, &invocation->request, &err) == FAILED)
        return report_error(invocation->json, &err);
    invocation->config = config;
    return command->run(invocation);
}

int main(int argc, char **argv)
{
    struct invocation invocation = {0};
    struct error err;

    setlocale(LC_CTYPE, "");
    setenv("TIDEMARK_LOG", "error", 0); /* what else an engine of ours does, we show */
    log_start();
    database_configure_process();
    signal(SIGPIPE, SIG_DFL); /* a closed pipe ends us quietly, whoever started us */
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    invocation.request.environment = environ;
    invocation.request.is_root = geteuid() == 0;
    if (command_line_parse(argc, argv, &invocation, &err) == FAILED)
        return (int)report_error(invocation.json, &err);
    return (int)report_close(invocation.json, run(&invocation));
}
