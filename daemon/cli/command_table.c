#include "daemon/cli/command.h"

#include "lib/base/text_distance.h"

#include <string.h>

const struct command command_table[] = {
    {.name = "init",
     .options = OPTION_CONNINFO | OPTION_CACHE,
     .summary = "write a commented configuration file",
     .help =
         "Writes the configuration file (-c FILE, else your own; the system's for root)\n"
         "with every setting, its default and what it is for. Never overwrites one.",
     .run = command_init},
    {.name = "config",
     .needs_config = true,
     .summary = "print every setting and where its value comes from",
     .help = "Prints every setting with its value, and whether that is the default, "
             "stands in\n"
             "the file (and in which line) or comes from the environment.",
     .run = command_config},
    {.name = "doctor",
     .needs_config = true,
     .options = OPTION_FIX_SQL,
     .summary = "look for trouble before there is any",
     .help = "Checks this machine, the cache, the network and the primary, and says for "
             "each\n"
             "finding what cures it. Exit status 3 when something must be mended.",
     .run = command_doctor},
    {.name = "migrate",
     .needs_config = true,
     .options = OPTION_DRY_RUN | OPTION_TO | OPTION_TIMEOUT,
     .summary = "bring the primary's schema up to date",
     .help = "Runs the migrations that are pending, as the role that owns the tables\n"
             "([migrations] conninfo, else [primary]): first tidemark's own (schema "
             "tidemark),\n"
             "then the project's files in [migrations] directory. Each file is one "
             "transaction.\n"
             "--timeout says how long to wait for somebody else's locks; 1 minute "
             "without it.",
     .run = command_migrate},
    {.name = "downgrade",
     .operand = "REVISION",
     .operand_optional = true,
     .needs_config = true,
     .options = OPTION_DRY_RUN | OPTION_YES | OPTION_BUILT_IN | OPTION_TIMEOUT,
     .summary = "take back the project's newest migration",
     .help =
         "Takes back the newest migration of the project, or all that came after "
         "REVISION;\n"
         "`base` takes all of them back. The text that was recorded when they were "
         "applied is\n"
         "run, so it works when the file is gone. Asks first, unless --yes is given.\n"
         "`base --builtin` also takes back tidemark's own, which ends all tracking.",
     .run = command_downgrade},
    {.name = "revision",
     .needs_config = true,
     .options = OPTION_MESSAGE | OPTION_AUTOGENERATE,
     .summary = "make the next migration file",
     .help = "Makes YYYYMMDD_####_<message>.sql in [migrations] directory, with an empty "
             "upgrade\n"
             "and downgrade section. --autogenerate fills them: it builds in scratch "
             "databases "
             "what\n"
             "the files make and what [migrations] schema (schema.sql) wants, and proves "
             "both\n"
             "directions before the file is written. The role needs CREATEDB for that,\n"
             "or an empty database of its own: [migrations] scratch.",
     .run = command_revision},
    {.name = "history",
     .needs_config = true,
     .summary = "list the migrations: applied, pending, by whom and when",
     .help = "Lists tidemark's own migrations and the project's, with their state.",
     .run = command_history},
    {.name = "check",
     .needs_config = true,
     .summary = "is the primary as the migration files say?",
     .help =
         "Compares the files with what was applied, and the live schema with what the "
         "files\n"
         "make (in a scratch database, as `revision --autogenerate` needs it). Exit "
         "status 3 when "
         "they\n"
         "differ.",
     .run = command_check},
    {.name = "lint",
     .needs_config = true,
     .summary = "is there something in the schema that will hurt?",
     .help =
         "Looks at the live schema and at the files that are pending; each rule has an "
         "id, a\n"
         "reason and the safe version. A comment with a reason lets a finding pass:\n"
         "-- tidemark: allow TM306 the table is empty\n"
         "above the statement, at the head of the file, or in COMMENT ON the object.\n"
         "Exit status 3 when something was found.",
     .run = command_lint},
    {.name = "init-data",
     .needs_config = true,
     .options = OPTION_DRY_RUN | OPTION_TIMEOUT,
     .summary = "run the project's files of data on the primary",
     .help =
         "Runs the files of [migrations] data in the order of their names, each in one\n"
         "transaction. They are run each time: write them so that they may be\n"
         "(INSERT … ON CONFLICT).",
     .run = command_init_data},
    {.name = "bootstrap",
     .needs_config = true,
     .options = OPTION_DRY_RUN | OPTION_TIMEOUT,
     .summary = "migrate, then init-data",
     .help = "Makes a new database ready: `tidemark migrate`, then `tidemark init-data`.",
     .run = command_bootstrap},
    {.name = "sync",
     .needs_config = true,
     .summary = "bring the cache up to date now",
     .help =
         "Sends local changes, then one full round, until the cache is caught up. The\n"
         "daemon does it if one runs, else this command does it itself. Stopping it is\n"
         "safe at any moment. Exit status: 0 caught up, 3 caught up but something needs\n"
         "you, 75 the primary cannot be reached or takes no changes now.",
     .run = command_sync},
    {.name = "status",
     .needs_config = true,
     .options = OPTION_QUIET,
     .summary = "is it working, and how fresh is what applications read",
     .help = "Exit status: 0 healthy (being offline is), 3 something needs a person.",
     .run = command_status},
    {.name = "outbox",
     .needs_config = true,
     .summary = "what waits for the primary",
     .help = "Lists the rows with local changes that the primary has not acknowledged "
             "yet.\n"
             "Needs neither the daemon nor the primary.",
     .run = command_outbox},
    {.name = "rejected",
     .operand = "show|retry|discard",
     .second = "ID",
     .operand_optional = true,
     .needs_config = true,
     .options = OPTION_ALL | OPTION_YES,
     .summary = "what the primary refused, and what to do about it",
     .help = "Without a verb: lists the changes that the primary refused. Others are not "
             "held\n"
             "up by them, and the cache shows the primary's values.\n"
             "show ID      why it was refused, and what it held\n"
             "retry ID     make the change again, once the cause is gone\n"
             "discard ID   forget it; what it held is written to a file first\n"
             "What was refused together (a unit of work, a row and its children) goes "
             "together.\n"
             "--all instead of ID: all of them. Exit status 3 while there are any.",
     .run = command_rejected},
    {.name = "conflicts",
     .operand = "show|mine|theirs",
     .second = "ID",
     .operand_optional = true,
     .needs_config = true,
     .summary = "what was changed on both sides, and what lost",
     .help =
         "Without a verb: lists the rows that were changed on both sides.\n"
         "show ID     base, local and remote values, and the rule that decided\n"
         "mine ID     make the local values that lost a new change\n"
         "theirs ID   leave the primary's values; with conflict = manual it waits for "
         "this",
     .run = command_conflicts},
    {.name = "explain",
     .operand = "TABLE",
     .second = "KEY",
     .needs_config = true,
     .summary = "where the values of one row came from",
     .help =
         "Shows the row as it is in the cache, its changes that wait, were refused or "
         "lost.\n"
         "KEY is the primary key; of several columns: '[\"a\", \"2\"]'.",
     .run = command_explain},
    {.name = "models",
     .needs_config = true,
     .options = OPTION_OUT,
     .summary = "write typed models of the tables, for C applications",
     .help =
         "Writes ENTITY.h and ENTITY.c for each table of the cache into DIR (models): a "
         "struct,\n"
         "its functions, and a check against the cache when an application opens it. To "
         "be\n"
         "compiled with libtidemark. Files that it did not write stay as they are.\n"
         "Needs neither the daemon nor the primary.",
     .run = command_models},
    {.name = "wait",
     .needs_config = true,
     .options = OPTION_TIMEOUT,
     .summary = "return when the cache is caught up",
     .help =
         "Returns when everything that was committed to the cache before the call has "
         "reached\n"
         "the primary, or was refused by it, and everything that was committed there "
         "can be\n"
         "read here. Needs the daemon.",
     .run = command_wait},
    {.name = "watch",
     .needs_config = true,
     .summary = "print one JSON line for each change set that arrives",
     .help =
         "For applications that want to refresh: each line names the tables that "
         "changed.\n"
         "Ends with Ctrl-C, or with status 75 when the daemon goes. Needs the daemon.",
     .run = command_watch},
    {.name = "resync",
     .operand = "TABLE",
     .operand_optional = true,
     .needs_config = true,
     .summary = "copy a table anew, or all of them",
     .help =
         "Copies the table anew beside the old one, which stays readable meanwhile.\n"
         "Without TABLE: every table, and the primary takes this cache for a new "
         "device:\n"
         "the way out when the cache was copied from another device or the primary was\n"
         "restored from a backup. Local changes are kept and sent.",
     .run = command_resync},
    {.name = "pause",
     .needs_config = true,
     .summary = "let the daemon rest; the cache stays readable",
     .help = "Until `tidemark resume`, or until the daemon starts again.",
     .run = command_pause},
    {.name = "resume",
     .needs_config = true,
     .summary = "let the daemon go on",
     .help = "Ends `tidemark pause`.",
     .run = command_resume},
    {.name = "version",
     .summary = "print the version",
     .help = "Prints the version of this program.",
     .run = command_version},
    {.name = "help",
     .operand = "COMMAND",
     .operand_optional = true,
     .summary = "explain a command",
     .help = "Lists the commands, or explains one.",
     .run = command_help},
};

const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

const char *command_suggest(const char *name)
{
    const char *names[sizeof(command_table) / sizeof(command_table[0])];

    for (size_t i = 0; i < command_count; i++)
        names[i] = command_table[i].name;
    return text_nearest(name, names, command_count);
}
