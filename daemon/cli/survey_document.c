#include "daemon/cli/survey_document.h"

#include <string.h>

static json_t *line_document(const struct migration_line *line)
{
    static const struct migration_record nobody = {0};
    bool pending = strcmp(line->state, "pending") == 0;
    const struct migration_record *record = pending ? &nobody : line->record;

    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:s?, s:i, s:i, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}",
        "source", migration_source_name(line->source), "revision", line->revision,
        "description", line->description, "name",
        json_sprintf("%s_%s", line->revision, line->description), "state", line->state,
        "problem", line->problem, "step", record->step, "steps", record->steps,
        "started_at", record->started_at, "finished_at", record->finished_at, "by",
        record->applied_by, "host", record->host, "version", record->version, "error",
        record->error);
}

json_t *survey_document(const struct migration_survey *survey)
{
    json_t *lines = json_array();

    for (size_t i = 0; i < survey->count; i++)
        if (json_array_append_new(lines, line_document(&survey->lines[i])) != 0) {
            json_decref(lines);
            return NULL;
        }
    return lines;
}
