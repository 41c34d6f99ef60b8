#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/cli/report.h"
#include "daemon/migrate/autogenerate.h"
#include "daemon/migrate/migration_replay.h"
#include "daemon/migrate/revision_file.h"
#include "lib/base/cleanup.h"

#include <stdio.h>

static enum outcome create(const struct invocation *invocation,
                           const struct revision_text *text, char **out_path,
                           struct error *err)
{
    return revision_file_create(config_text(invocation->config, MIGRATIONS_DIRECTORY),
                                invocation->message, text, out_path, err);
}

/* NOTHING: schema.sql wants nothing that the files do not make. */
static enum outcome create_from_schema(const struct invocation *invocation,
                                       struct autogenerate_result *out_result,
                                       char **out_path, struct error *err)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    struct migration_replay replay = {.config = &screen.config};
    struct autogenerate_config config = {
        .schema = config_text(invocation->config, MIGRATIONS_SCHEMA),
        .replay = migration_replay,
        .replay_context = &replay,
    };
    enum outcome outcome;

    if (migration_screen_open(&screen, invocation, err) == FAILED)
        return FAILED;
    config.primary = screen.config.primary;
    config.lent = screen.config.scratch;
    outcome = autogenerate(&config, out_result, err);
    if (outcome != OK)
        return outcome;
    return create(invocation,
                  &(struct revision_text){out_result->upgrade, out_result->downgrade},
                  out_path, err);
}

static enum outcome check_message(const struct invocation *invocation, struct error *err)
{
    char description[REVISION_DESCRIPTION_SIZE];

    if (invocation->message)
        return revision_description(invocation->message, description, err);
    error_set(err, ERROR_INVALID, "what does the migration do?");
    return error_hint(err, "tidemark revision -m \"add user preferences table\"");
}

static enum exit_status conclude(const struct invocation *invocation, const char *path,
                                 const char *lines)
{
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:b, s:s?, s:s?}", "v", 1, "kind",
                                         "result", "ok", 1, "file", path, "differences",
                                         lines));
    if (!path) {
        fprintf(stderr, "no differences: no file is needed\n");
        return EXIT_DONE;
    }
    if (lines)
        fputs(lines, stderr);
    printf("%s\n", path);
    fprintf(stderr, lines ? "proved in both directions; read it, then: tidemark migrate\n"
                          : "write both of its sections, then: tidemark migrate\n");
    return EXIT_DONE;
}

enum exit_status command_revision(const struct invocation *invocation)
{
    OWNED(autogenerate_result_release) struct autogenerate_result result = {0};
    OWNED(text_free) char *path = NULL;
    enum outcome outcome;
    struct error err;

    outcome = check_message(invocation, &err);
    if (outcome == OK)
        outcome = invocation->autogenerate
                      ? create_from_schema(invocation, &result, &path, &err)
                      : create(invocation, NULL, &path, &err);
    return outcome == FAILED ? report_error(invocation->json, &err)
                             : conclude(invocation, path, result.lines);
}
