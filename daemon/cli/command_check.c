#include "daemon/cli/command.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/cli/report.h"
#include "daemon/migrate/autogenerate.h"
#include "daemon/migrate/migration_replay.h"
#include "daemon/migrate/migration_survey.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <string.h>

static json_t *finding(const struct migration_line *line, const char *problem)
{
    return json_pack("{s:s, s:o, s:s}", "source", migration_source_name(line->source),
                     "name", json_sprintf("%s_%s", line->revision, line->description),
                     "problem", problem);
}

/* What the files and the records say. A new reference; NULL: out of memory. */
static json_t *find_problems(const struct migration_survey *survey)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < survey->count; i++) {
        const struct migration_line *line = &survey->lines[i];
        const char *problem = line->problem;

        if (!problem && strcmp(line->state, "pending") == 0)
            problem = "pending: `tidemark migrate` applies it";
        if (problem && json_array_append_new(findings, finding(line, problem)) != 0) {
            json_decref(findings);
            return NULL;
        }
    }
    return findings;
}

static void print_finding(const char *name, const char *problem)
{
    printf("%-*s  %s\n", human_field(name, 44), name, problem);
}

static void print_findings(const json_t *findings)
{
    const json_t *one;
    size_t i;

    json_array_foreach(findings, i, one)
        print_finding(json_string_value(json_object_get(one, "name")),
                      json_string_value(json_object_get(one, "problem")));
}

/* Compares the live schema with what the applied files make. Where the files themselves
 * do not fit, or make nothing, there is nothing to compare with. NOTHING: they agree. */
static enum outcome find_drift(struct migration_screen *screen,
                               const struct migration_survey *survey, char **out_lines,
                               struct error *err)
{
    const struct migration_replay replay = {.config = &screen->config,
                                            .to = migration_survey_head(survey)};
    const struct autogenerate_config config = {
        .primary = screen->config.primary,
        .lent = screen->config.scratch,
        .replay = migration_replay,
        .replay_context = (void *)&replay,
    };

    if (!replay.to)
        return NOTHING;
    for (size_t i = 0; i < survey->count; i++)
        if (survey->lines[i].problem)
            return NOTHING;
    return autogenerate_drift(&config, out_lines, err);
}

/* Takes the reference. */
static enum exit_status conclude(const struct invocation *invocation, json_t *findings,
                                 const char *drift /* NULL: none */)
{
    size_t count = json_array_size(findings);
    bool ok = !count && !drift;

    if (invocation->json) {
        enum exit_status status = report_document(
            json_pack("{s:i, s:s, s:b, s:o, s:s?}", "v", 1, "kind", "check", "ok", ok,
                      "findings", findings, "drift", drift));

        return status != EXIT_DONE || ok ? status : EXIT_NEEDS_PERSON;
    }
    print_findings(findings);
    json_decref(findings);
    if (drift)
        printf(
            "the live schema is not what the files make (+ beyond them, - missing):\n%s",
            drift);
    if (ok)
        fprintf(stderr, "the primary is as the files say\n");
    return ok ? EXIT_DONE : EXIT_NEEDS_PERSON;
}

enum exit_status command_check(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    OWNED(migration_survey_release) struct migration_survey survey = {0};
    OWNED(text_free) char *drift = NULL;
    json_t *findings;
    struct error err;

    if (migration_screen_open(&screen, invocation, &err) == FAILED ||
        migration_survey_make(&screen.config, &survey, &err) == FAILED ||
        find_drift(&screen, &survey, &drift, &err) == FAILED)
        return report_error(invocation->json, &err);
    findings = find_problems(&survey);
    if (findings)
        return conclude(invocation, findings, drift);
    error_out_of_memory(&err);
    return report_error(invocation->json, &err);
}
