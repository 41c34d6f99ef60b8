#include "daemon/migrate/migration_history.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "migration_history.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const source_names[] = {
    [MIGRATION_BUILT_IN] = "tidemark",
    [MIGRATION_PROJECT] = "project",
};

static const char *const state_names[] = {
    [MIGRATION_APPLIED] = "applied",   [MIGRATION_RUNNING] = "running",
    [MIGRATION_FAILED] = "failed",     [MIGRATION_REVERTING] = "reverting",
    [MIGRATION_REVERTED] = "reverted",
};

#define STATE_COUNT (sizeof(state_names) / sizeof(state_names[0]))

const char *migration_source_name(enum migration_source source)
{
    return source_names[source];
}

const char *migration_state_name(enum migration_state state)
{
    return state_names[state];
}

static enum outcome look(struct primary *primary, bool *out_exists, bool *out_current,
                         struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(primary, &migration_history_sql.shape, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    *out_exists = primary_result_bool(result, 0, 0);
    *out_current = primary_result_bool(result, 0, 1);
    return OK;
}

enum outcome migration_history_look(struct primary *primary, const struct sql **out_setup,
                                    struct error *err)
{
    bool exists, current;

    if (look(primary, &exists, &current, err) == FAILED)
        return FAILED;
    *out_setup = current ? NULL : &migration_history_sql.prepare;
    return OK;
}

enum outcome migration_history_set_up(struct primary *primary, const struct sql *setup,
                                      struct error *err)
{
    if (primary_run_text(primary, setup->name, setup->text, err) == OK)
        return OK;
    if (err->kind == ERROR_AUTH)
        error_hint(err, "schema tidemark is the owner's affair: name the connection of a "
                        "role that may create it in [migrations] conninfo");
    return FAILED;
}

static enum migration_state state_of(const char *name)
{
    size_t state = 0;

    while (state < STATE_COUNT - 1 && strcmp(state_names[state], name) != 0)
        state++;
    return (enum migration_state)state;
}

static struct migration_record record_of(const struct primary_result *result, size_t row)
{
    struct migration_record record = {
        .source = strcmp(primary_result_text(result, row, 0),
                         source_names[MIGRATION_BUILT_IN]) == 0
                      ? MIGRATION_BUILT_IN
                      : MIGRATION_PROJECT,
        .revision = primary_result_text(result, row, 1),
        .description = primary_result_text(result, row, 2),
        .checksum = primary_result_text(result, row, 3),
        .upgrade = primary_result_text(result, row, 4),
        .downgrade = primary_result_text(result, row, 5),
        .state = state_of(primary_result_text(result, row, 6)),
        .no_transaction = !primary_result_bool(result, row, 7),
        .step = (int)primary_result_int(result, row, 8),
        .steps = (int)primary_result_int(result, row, 9),
        .step_begun = primary_result_bool(result, row, 10),
        .started_at = primary_result_text(result, row, 11),
        .finished_at = primary_result_text(result, row, 12),
        .applied_by = primary_result_text(result, row, 13),
        .host = primary_result_text(result, row, 14),
        .version = primary_result_text(result, row, 15),
        .error = primary_result_text(result, row, 16),
    };

    return record;
}

enum outcome migration_history_read(struct primary *primary,
                                    struct migration_history *out_history,
                                    struct error *err)
{
    OWNED(migration_history_release) struct migration_history history = {0};
    bool exists, current;
    size_t count;

    if (look(primary, &exists, &current, err) == FAILED ||
        (exists && primary_query(primary, &migration_history_sql.read, NULL, 0,
                                 &history.result, err) == FAILED))
        return FAILED;
    count = history.result ? primary_result_rows(history.result) : 0;
    history.records = calloc(count + 1, sizeof(*history.records));
    if (!history.records)
        return error_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        history.records[history.count++] = record_of(history.result, i);
    *out_history = TAKE(history);
    return OK;
}

void migration_history_release(struct migration_history *history)
{
    free(history->records);
    if (history->result)
        primary_result_free(&history->result);
    *history = (struct migration_history){0};
}

bool migration_record_in_force(const struct migration_record *record)
{
    switch (record->state) {
    case MIGRATION_REVERTED:
        return false;
    case MIGRATION_RUNNING:
    case MIGRATION_FAILED:
        return record->step > 0 || record->step_begun;
    default:
        return true;
    }
}

#define RECORD_PARAMETERS 8

/* The parameters of the queries that write a whole record. */
struct record_parameters {
    struct buffer upgrade;
    struct buffer downgrade;
    const char *values[RECORD_PARAMETERS + 2];
};

static void record_parameters_release(struct record_parameters *parameters)
{
    buffer_release(&parameters->upgrade);
    buffer_release(&parameters->downgrade);
}

static enum outcome fill_parameters(struct record_parameters *parameters,
                                    const struct migration_entry *entry,
                                    struct error *err)
{
    const struct migration_file *file = entry->file;

    buffer_append(&parameters->upgrade, file->upgrade.at,
                  (size_t)(file->upgrade.end - file->upgrade.at));
    buffer_append(&parameters->downgrade, file->downgrade.at,
                  (size_t)(file->downgrade.end - file->downgrade.at));
    if (buffer_check(&parameters->upgrade, err) == FAILED ||
        buffer_check(&parameters->downgrade, err) == FAILED)
        return FAILED;
    parameters->values[0] = source_names[entry->source];
    parameters->values[1] = file->revision;
    parameters->values[2] = file->description;
    parameters->values[3] = file->checksum;
    parameters->values[4] = parameters->upgrade.data;
    parameters->values[5] = parameters->downgrade.data;
    parameters->values[6] = TIDEMARK_VERSION;
    parameters->values[7] = entry->host;
    return OK;
}

enum outcome migration_history_record(struct primary *primary,
                                      const struct migration_entry *entry,
                                      struct error *err)
{
    OWNED(record_parameters_release) struct record_parameters parameters = {0};

    if (fill_parameters(&parameters, entry, err) == FAILED)
        return FAILED;
    return primary_run(primary, &migration_history_sql.record, parameters.values,
                       RECORD_PARAMETERS, err);
}

enum outcome migration_history_revert(struct primary *primary,
                                      const struct migration_entry *entry,
                                      struct error *err)
{
    const char *const parameters[] = {source_names[entry->source], entry->file->revision,
                                      entry->host, TIDEMARK_VERSION};

    return primary_run(primary, &migration_history_sql.revert, parameters, 4, err);
}

enum outcome migration_history_as_text(struct primary *primary,
                                       const struct migration_entry *entry, bool reverts,
                                       struct primary_result **out_result,
                                       struct error *err)
{
    OWNED(record_parameters_release) struct record_parameters parameters = {0};
    const char *const reverting[] = {source_names[entry->source], entry->file->revision,
                                     entry->host, TIDEMARK_VERSION};

    if (reverts)
        return primary_query(primary, &migration_history_sql.revert_as_text, reverting, 4,
                             out_result, err);
    if (fill_parameters(&parameters, entry, err) == FAILED)
        return FAILED;
    parameters.values[RECORD_PARAMETERS] = entry->file->no_transaction ? "false" : "true";
    return primary_query(primary, &migration_history_sql.record_as_text,
                         parameters.values, RECORD_PARAMETERS + 1, out_result, err);
}

static enum outcome begin_upgrade(struct primary *primary,
                                  const struct migration_entry *entry, const char *steps,
                                  const char *done, struct error *err)
{
    OWNED(record_parameters_release) struct record_parameters parameters = {0};

    if (fill_parameters(&parameters, entry, err) == FAILED)
        return FAILED;
    parameters.values[RECORD_PARAMETERS] = steps;
    parameters.values[RECORD_PARAMETERS + 1] = done;
    return primary_run(primary, &migration_history_sql.begin_steps, parameters.values,
                       RECORD_PARAMETERS + 2, err);
}

enum outcome migration_history_begin_steps(struct primary *primary,
                                           const struct migration_entry *entry,
                                           bool reverts, int done, struct error *err)
{
    char step[12];
    char steps[12];
    const char *const reverting[] = {source_names[entry->source],
                                     entry->file->revision,
                                     steps,
                                     step,
                                     entry->host,
                                     TIDEMARK_VERSION};

    snprintf(step, sizeof(step), "%d", done);
    snprintf(steps, sizeof(steps), "%d",
             reverts ? entry->file->downgrade_steps : entry->file->upgrade_steps);
    if (reverts)
        return primary_run(primary, &migration_history_sql.begin_reverting, reverting, 6,
                           err);
    return begin_upgrade(primary, entry, steps, step, err);
}

enum outcome migration_history_step_begins(struct primary *primary,
                                           const struct migration_entry *entry,
                                           struct error *err)
{
    const char *const parameters[] = {source_names[entry->source], entry->file->revision};

    return primary_run(primary, &migration_history_sql.step_begins, parameters, 2, err);
}

enum outcome migration_history_step_is_done(struct primary *primary,
                                            const struct migration_entry *entry, int done,
                                            struct error *err)
{
    char step[12];
    const char *const parameters[] = {source_names[entry->source], entry->file->revision,
                                      step};

    snprintf(step, sizeof(step), "%d", done);
    return primary_run(primary, &migration_history_sql.step_is_done, parameters, 3, err);
}

enum outcome migration_history_step_failed(struct primary *primary,
                                           const struct migration_entry *entry,
                                           const char *message, bool left_something,
                                           struct error *err)
{
    const char *const parameters[] = {source_names[entry->source], entry->file->revision,
                                      message, left_something ? "true" : "false"};

    return primary_run(primary, &migration_history_sql.step_failed, parameters, 4, err);
}

enum outcome migration_history_finish_steps(struct primary *primary,
                                            const struct migration_entry *entry,
                                            struct error *err)
{
    const char *const parameters[] = {source_names[entry->source], entry->file->revision};

    return primary_run(primary, &migration_history_sql.finish_steps, parameters, 2, err);
}
