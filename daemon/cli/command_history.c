#include "daemon/cli/command.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/cli/report.h"
#include "daemon/cli/survey_document.h"
#include "daemon/migrate/migration_survey.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>
#include <string.h>

static void print_line(const struct migration_line *line)
{
    const struct migration_record *record = line->record;
    bool pending = strcmp(line->state, "pending") == 0;
    int64_t finished_us;
    char name[128];

    snprintf(name, sizeof(name), "%s_%s", line->revision, line->description);
    printf("%-*s  %-9s", human_field(name, 44), name, line->state);
    if (record && !pending && record->finished_at &&
        human_parse_utc(record->finished_at, &finished_us))
        printf("  %s by %s%s%s", human_moment(finished_us, clock_now_us()).text,
               record->applied_by, record->host[0] ? " on " : "", record->host);
    if (record && !pending && !record->finished_at)
        printf("  step %d of %d is done", record->step, record->steps);
    if (line->problem)
        printf("  %s", line->problem);
    printf("\n");
    if (record && record->error)
        printf("    %s\n", record->error);
}

static void print_source(const struct migration_survey *survey,
                         enum migration_source source, const char *title)
{
    bool any = false;

    for (size_t i = 0; i < survey->count; i++) {
        if (survey->lines[i].source != source)
            continue;
        if (!any)
            printf("%s\n", title);
        any = true;
        print_line(&survey->lines[i]);
    }
}

enum exit_status command_history(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    OWNED(migration_survey_release) struct migration_survey survey = {0};
    struct error err;

    if (migration_screen_open(&screen, invocation, &err) == FAILED ||
        migration_survey_make(&screen.config, &survey, &err) == FAILED)
        return report_error(invocation->json, &err);
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:o}", "v", 1, "kind", "history",
                                         "migrations", survey_document(&survey)));
    print_source(&survey, MIGRATION_BUILT_IN, "tidemark");
    print_source(&survey, MIGRATION_PROJECT, "the project");
    return EXIT_DONE;
}
