#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/cli/report.h"
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

static void print_findings(const json_t *findings)
{
    const json_t *one;
    size_t i;

    json_array_foreach(findings, i, one)
        printf("%-44s  %s\n", json_string_value(json_object_get(one, "name")),
               json_string_value(json_object_get(one, "problem")));
}

/* Takes the reference. */
static enum exit_status conclude(const struct invocation *invocation, json_t *findings)
{
    size_t count = json_array_size(findings);
    enum exit_status status = count ? EXIT_NEEDS_PERSON : EXIT_DONE;

    if (!invocation->json) {
        print_findings(findings);
        if (count)
            fprintf(stderr, "%zu to be looked at\n", count);
        else
            fprintf(stderr, "the primary is as the files say\n");
        json_decref(findings);
        return status;
    }
    if (report_document(json_pack("{s:i, s:s, s:b, s:o}", "v", 1, "kind", "check", "ok",
                                  count == 0, "findings", findings)) != EXIT_DONE)
        return EXIT_FAILED;
    return status;
}

enum exit_status command_check(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    OWNED(migration_survey_release) struct migration_survey survey = {0};
    struct error err;
    json_t *findings;

    if (migration_screen_open(&screen, invocation, &err) == FAILED ||
        migration_survey_make(&screen.config, &survey, &err) == FAILED)
        return report_error(invocation->json, &err);
    findings = find_problems(&survey);
    if (!findings) {
        error_out_of_memory(&err);
        return report_error(invocation->json, &err);
    }
    return conclude(invocation, findings);
}
