#include "daemon/migrate/migration_survey.h"

#include "daemon/migrate/migration_folder.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static bool is_in_force(const struct migration_record *record)
{
    return record && migration_record_in_force(record);
}

static const char *problem_of(const struct migration_line *line)
{
    if (!is_in_force(line->record))
        return NULL;
    if (line->record->state == MIGRATION_REVERTING)
        return "half taken back: `tidemark downgrade` goes on with it";
    if (line->record->state != MIGRATION_APPLIED)
        return "stopped in the middle: `tidemark migrate` goes on with it";
    if (!line->file)
        return "its file is gone";
    if (strcmp(line->file->checksum, line->record->checksum) == 0)
        return NULL;
    return strcmp(line->file->description, line->record->description) == 0
               ? "edited after it was applied"
               : "another file was applied under this number";
}

static struct migration_line line_of(enum migration_source source,
                                     const struct migration_file *file,
                                     const struct migration_record *record)
{
    struct migration_line line = {
        .source = source,
        .revision = file ? file->revision : record->revision,
        .description = file ? file->description : record->description,
        .state = file && !is_in_force(record) ? "pending"
                                              : migration_state_name(record->state),
        .record = record,
        .file = file,
    };

    line.problem = problem_of(&line);
    return line;
}

/* Where `migrate` would not begin. */
static void mark_gap(struct migration_line *line, const struct migration_files *files)
{
    const struct migration_file *before =
        line->file > files->files ? line->file - 1 : NULL;

    if (!line->file || line->problem || is_in_force(line->record) ||
        migration_file_follows(before, line->file))
        return;
    line->problem = before && strcmp(before->revision, line->file->revision) == 0
                        ? "another file has this number too"
                        : "a number is left out before it";
}

/* The two lists are in the same order: the smaller revision of both comes next. */
static void merge(struct migration_survey *survey, const struct migration_files *files)
{
    const struct migration_history *history = &survey->history;
    size_t file = 0;
    size_t record = 0;

    for (;;) {
        const struct migration_file *next = NULL;
        const struct migration_record *done = NULL;
        int order;

        while (record < history->count &&
               history->records[record].source != files->source)
            record++;
        if (file < files->count)
            next = &files->files[file];
        if (record < history->count)
            done = &history->records[record];
        if (!next && !done)
            return;
        order = !next ? 1 : !done ? -1 : strcmp(next->revision, done->revision);
        survey->lines[survey->count] =
            line_of(files->source, order <= 0 ? next : NULL, order >= 0 ? done : NULL);
        mark_gap(&survey->lines[survey->count++], files);
        file += order <= 0;
        record += order >= 0;
    }
}

/* A pending file before an applied one would never be run. */
static void mark_skipped(struct migration_survey *survey, enum migration_source source)
{
    bool later_applied = false;

    for (size_t i = survey->count; i > 0; i--) {
        struct migration_line *line = &survey->lines[i - 1];

        if (line->source != source)
            continue;
        if (is_in_force(line->record))
            later_applied = true;
        else if (later_applied && line->file)
            line->problem = "skipped: a later one is applied";
    }
}

enum outcome migration_survey_make(const struct migrate_config *config,
                                   struct migration_survey *out_survey, struct error *err)
{
    OWNED(migration_survey_release) struct migration_survey survey = {0};
    OWNED(migration_runner_release) struct migration_runner runner = {0};
    struct migrate_config looking = *config;
    size_t count;

    looking.dry_run = true; /* takes no lock */
    if (migrate_sources_load(config, &survey.sources, err) == FAILED ||
        migration_runner_open(&runner, &looking, NULL, err) == FAILED ||
        migration_history_read(runner.primary, &survey.history, err) == FAILED)
        return FAILED;
    count = survey.history.count + survey.sources.files[MIGRATION_BUILT_IN].count +
            survey.sources.files[MIGRATION_PROJECT].count;
    survey.lines = calloc(count + 1, sizeof(*survey.lines));
    if (!survey.lines)
        return error_out_of_memory(err);
    for (size_t i = 0; i < 2; i++) {
        merge(&survey, &survey.sources.files[i]);
        mark_skipped(&survey, survey.sources.files[i].source);
    }
    *out_survey = TAKE(survey);
    return OK;
}

void migration_survey_release(struct migration_survey *survey)
{
    free(survey->lines);
    migration_history_release(&survey->history);
    migrate_sources_release(&survey->sources);
    *survey = (struct migration_survey){0};
}

const char *migration_survey_head(const struct migration_survey *survey)
{
    const char *head = NULL;

    for (size_t i = 0; i < survey->count; i++)
        if (survey->lines[i].source == MIGRATION_PROJECT && survey->lines[i].record &&
            survey->lines[i].record->state == MIGRATION_APPLIED)
            head = survey->lines[i].revision;
    return head;
}
