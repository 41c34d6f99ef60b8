#include "daemon/cli/command.h"
#include "daemon/cli/command_line.h"
#include "daemon/cli/report.h"

#include <stdio.h>

static void print_options(unsigned int options)
{
    unsigned int option;
    const char *text;

    for (size_t i = 0; (text = command_line_option_help(i, &option)); i++)
        if (!option || (option & options))
            printf("  %s\n", text);
}

static void print_command(const struct command *command)
{
    bool optional = command->operand_optional;

    printf("usage: tidemark [-c FILE] %s", command->name);
    if (command->operand)
        printf(optional ? " [%s" : " %s", command->operand);
    if (command->second)
        printf(" %s", command->second);
    printf("%s%s\n\n", command->operand && optional ? "]" : "",
           command->options ? " [options]" : "");
    printf("%s\n\n", command->help);
    print_options(command->options);
}

static void print_all(void)
{
    printf("tidemark keeps an SQLite file in step with a PostgreSQL database.\n\n"
           "usage: tidemark [-c FILE] COMMAND [options]\n\n");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-9s  %s\n", command_table[i].name, command_table[i].summary);
    printf("\n`tidemark help COMMAND` says more about one.\n\n"
           "Exit status: 0 done, 1 failed, 2 usage or configuration, 3 finished but "
           "something\n"
           "needs a person, 75 the primary (or the daemon) cannot be reached.\n");
}

static enum exit_status print_json(void)
{
    json_t *commands = json_array();

    for (size_t i = 0; i < command_count; i++)
        json_array_append_new(commands,
                              json_pack("{s:s, s:s}", "name", command_table[i].name,
                                        "summary", command_table[i].summary));
    return report_document(
        json_pack("{s:i, s:s, s:o}", "v", 1, "kind", "help", "commands", commands));
}

enum exit_status command_help(const struct invocation *invocation)
{
    const char *name = invocation->operand;
    const struct command *command = name ? command_find(name) : NULL;
    struct error err;

    if (invocation->json)
        return print_json();
    if (name && !command) {
        const char *nearest = command_suggest(name);

        error_set(&err, ERROR_INVALID,
                  nearest ? "unknown command '%s'; did you mean '%s'?"
                          : "unknown command '%s'",
                  name, nearest);
        return report_error(false, &err);
    }
    if (command)
        print_command(command);
    else
        print_all();
    return EXIT_DONE;
}

enum exit_status command_version(const struct invocation *invocation)
{
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:s}", "v", 1, "kind", "version",
                                         "version", TIDEMARK_VERSION));
    printf("tidemark " TIDEMARK_VERSION "\n");
    return EXIT_DONE;
}
