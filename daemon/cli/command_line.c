#include "daemon/cli/command_line.h"

#include "lib/base/text_distance.h"

#include <stdio.h>
#include <string.h>

struct option {
    const char *name;
    const char *letter; /* the short form, or NULL */
    const char *help;
    size_t offset;       /* in struct invocation */
    unsigned int option; /* of enum command_option; 0: every command takes it */
    bool has_value;
};

#define PLACE(member) offsetof(struct invocation, member)

static const struct option options[] = {
    {"--config", "-c", "-c, --config FILE   read this configuration", PLACE(request.path),
     0, true},
    {"--json", NULL, "--json              for programs: JSON on stdout", PLACE(json), 0,
     false},
    {"--help", "-h", "-h, --help          this text", PLACE(help), 0, false},
    {"--quiet", "-q", "-q, --quiet         one line, for prompts and scripts",
     PLACE(quiet), OPTION_QUIET, false},
    {"--timeout", NULL, "--timeout D         give up after D (10s, 2min): exit status 75",
     PLACE(timeout), OPTION_TIMEOUT, true},
    {"--fix-sql", NULL,
     "--fix-sql           print only the SQL that cures what was found", PLACE(fix_sql),
     OPTION_FIX_SQL, false},
    {"--dry-run", NULL, "--dry-run           change nothing, print the SQL",
     PLACE(dry_run), OPTION_DRY_RUN, false},
    {"--all", NULL, "--all               all of them", PLACE(all), OPTION_ALL, false},
    {"--yes", NULL, "--yes               do not ask", PLACE(yes), OPTION_YES, false},
    {"--conninfo", NULL,
     "--conninfo TEXT     how to reach the primary, without a password", PLACE(conninfo),
     OPTION_CONNINFO, true},
    {"--cache", NULL, "--cache FILE        the SQLite file to keep", PLACE(cache),
     OPTION_CACHE, true},
    {"--to", NULL, "--to REVISION       no further than this migration", PLACE(to),
     OPTION_TO, true},
    {"--message", "-m", "-m, --message TEXT  what the migration does", PLACE(message),
     OPTION_MESSAGE, true},
    {"--autogenerate", NULL,
     "--autogenerate      write what [migrations] schema wants and the files do not make",
     PLACE(autogenerate), OPTION_AUTOGENERATE, false},
    {"--out", NULL, "--out DIR           the folder to write into", PLACE(out),
     OPTION_OUT, true},
    {"--builtin", NULL, "--builtin           tidemark's own migrations too",
     PLACE(built_in), OPTION_BUILT_IN, false},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

const char *command_line_option_help(size_t index, unsigned int *out_option)
{
    if (index >= OPTION_COUNT)
        return NULL;
    *out_option = options[index].option;
    return options[index].help;
}

/* The option that argument names, as far as its '='. */
static const struct option *find_option(const char *argument)
{
    size_t length = strcspn(argument, "=");

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];

        if (strlen(option->name) == length &&
            strncmp(option->name, argument, length) == 0)
            return option;
        if (option->letter && strncmp(option->letter, argument, 2) == 0 &&
            (option->has_value || !argument[2]))
            return option;
    }
    return NULL;
}

static enum outcome refuse_option(const char *argument, struct error *err)
{
    const char *words[OPTION_COUNT];
    const char *nearest;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        words[i] = options[i].name;
    nearest = text_nearest(argument, words, OPTION_COUNT);
    if (nearest)
        return error_set(err, ERROR_INVALID, "unknown option '%s'; did you mean '%s'?",
                         argument, nearest);
    return error_set(err, ERROR_INVALID, "unknown option '%s'", argument);
}

/* *index moves when the value is the next argument. */
static enum outcome take_option(const struct option *option, char *const *argv,
                                int *index, struct invocation *invocation,
                                struct error *err)
{
    const char *argument = argv[*index];
    const char *equals = strchr(argument, '=');
    void *place = (char *)invocation + option->offset;
    bool is_long = argument[1] == '-';

    if (!option->has_value) {
        if (equals)
            return error_set(err, ERROR_INVALID, "%s takes no value", option->name);
        *(bool *)place = true;
        return OK;
    }
    if (is_long && equals)
        *(const char **)place = equals + 1;
    else if (!is_long && argument[2])
        *(const char **)place = argument + 2;
    else if (argv[*index + 1])
        *(const char **)place = argv[++*index];
    else
        return error_set(err, ERROR_INVALID, "%s needs a value", option->name);
    return OK;
}

static enum outcome take_word(const char *word, struct invocation *invocation,
                              struct error *err)
{
    const char *nearest;

    if (invocation->command && !invocation->operand) {
        invocation->operand = word;
        return OK;
    }
    if (invocation->command && invocation->command->second && !invocation->second) {
        invocation->second = word;
        return OK;
    }
    if (invocation->command)
        return error_set(err, ERROR_INVALID, "unexpected '%s'", word);
    invocation->command = command_find(word);
    if (invocation->command)
        return OK;
    nearest = command_suggest(word);
    if (nearest)
        return error_set(err, ERROR_INVALID, "unknown command '%s'; did you mean '%s'?",
                         word, nearest);
    error_set(err, ERROR_INVALID, "unknown command '%s'", word);
    return error_hint(err, "`tidemark help` lists the commands");
}

static enum outcome require_operands(const struct invocation *invocation,
                                     struct error *err)
{
    const struct command *command = invocation->command;
    const char *second = command->second ? command->second : "";
    const char *missing = !invocation->operand  ? command->operand
                          : !invocation->second ? command->second
                                                : NULL;

    if (command->operand_optional || !missing)
        return OK;
    error_set(err, ERROR_INVALID, "'%s' needs a %s", command->name, missing);
    return error_hint(err, "tidemark %s %s%s%s", command->name, command->operand,
                      *second ? " " : "", second);
}

/* Does the command take what was given? */
static enum outcome check(const struct invocation *invocation, unsigned int given,
                          struct error *err)
{
    const struct command *command = invocation->command;

    if (invocation->help)
        return OK;
    if (!command) {
        error_set(err, ERROR_INVALID, "which command?");
        return error_hint(err, "`tidemark help` lists the commands");
    }
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].option & given & ~command->options)
            return error_set(err, ERROR_INVALID, "'%s' takes no %s", command->name,
                             options[i].name);
    if (invocation->operand && !command->operand)
        return error_set(err, ERROR_INVALID, "'%s' takes no '%s'", command->name,
                         invocation->operand);
    return require_operands(invocation, err);
}

/* One argument; *index moves when it takes the next one too. */
static enum outcome take_argument(char *const *argv, int *index, unsigned int *given,
                                  struct invocation *invocation, struct error *err)
{
    const char *argument = argv[*index];
    const struct option *option = find_option(argument);

    if (argument[0] != '-' || !argument[1])
        return take_word(argument, invocation, err);
    if (!invocation->command && strcmp(argument, "--version") == 0)
        return take_word("version", invocation, err);
    if (!option)
        return refuse_option(argument, err);
    *given |= option->option;
    return take_option(option, argv, index, invocation, err);
}

static enum outcome take_arguments(int argc, char *const *argv,
                                   struct invocation *invocation, unsigned int *given,
                                   struct error *err)
{
    bool words_only = false;

    for (int i = 1; i < argc; i++) {
        enum outcome outcome = OK;

        if (!words_only && strcmp(argv[i], "--") == 0)
            words_only = true;
        else if (words_only)
            outcome = take_word(argv[i], invocation, err);
        else
            outcome = take_argument(argv, &i, given, invocation, err);
        if (outcome == FAILED)
            return FAILED;
    }
    return OK;
}

/* Where no better advice was given. */
static enum outcome point_to_help(const struct command *command, struct error *err)
{
    if (err->hint[0] || strstr(err->message, "did you mean"))
        return FAILED;
    if (!command)
        return error_hint(err, "`tidemark help` lists the commands");
    return error_hint(err, "`tidemark help %s` says what it takes", command->name);
}

enum outcome command_line_parse(int argc, char *const *argv,
                                struct invocation *out_invocation, struct error *err)
{
    unsigned int given = 0;

    /* --json counts even behind the mistake: it says how to report it */
    for (int i = 1; i < argc; i++)
        out_invocation->json = out_invocation->json || strcmp(argv[i], "--json") == 0;
    if (take_arguments(argc, argv, out_invocation, &given, err) == FAILED ||
        check(out_invocation, given, err) == FAILED)
        return point_to_help(out_invocation->command, err);
    return OK;
}
