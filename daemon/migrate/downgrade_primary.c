#include "daemon/migrate/downgrade_primary.h"

#include "daemon/migrate/migration_plan.h"
#include "daemon/migrate/migration_run.h"
#include "daemon/migrate/sql_refusal.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE "base"

/* What is to be taken back, newest first. */
struct downgrade_plan {
    struct migration_file *files; /* made from their records */
    const struct migration_record **records;
    char **names;
    size_t count;
};

static void downgrade_plan_release(struct downgrade_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->names[i]);
    free(plan->names);
    free(plan->files);
    free(plan->records);
    *plan = (struct downgrade_plan){0};
}

static enum outcome check_record(const struct migration_record *record,
                                 const struct migration_file *file, struct error *err)
{
    if (record->state == MIGRATION_RUNNING || record->state == MIGRATION_FAILED) {
        error_set(err, ERROR_INVALID, "%s stopped after step %d of %d of its upgrade",
                  file->name, record->step, record->steps);
        return error_hint(err, "`tidemark migrate` goes on with it; or take the steps "
                               "that failed out of the file, migrate, then downgrade");
    }
    if (file->downgrade_steps)
        return OK;
    error_set(err, ERROR_INVALID, "%s has no way back: its downgrade section is empty",
              file->name);
    return error_hint(err, "write a new migration that undoes it");
}

static enum outcome add_record(struct downgrade_plan *plan,
                               const struct migration_record *record, struct error *err)
{
    struct migration_file *file = &plan->files[plan->count];
    char *name = NULL;

    if (asprintf(&name, "%s_%s", record->revision, record->description) < 0)
        return error_out_of_memory(err);
    plan->records[plan->count] = record;
    plan->names[plan->count++] = name;
    *file = (struct migration_file){
        .name = name,
        .description = record->description,
        .no_transaction = record->no_transaction,
        .downgrade = sql_script_of(record->downgrade),
    };
    snprintf(file->revision, sizeof(file->revision), "%s", record->revision);
    if (sql_script_check(name, file->downgrade, file->no_transaction,
                         &file->downgrade_steps, err) == FAILED)
        return FAILED;
    return check_record(record, file, err);
}

static bool is_base(const struct downgrade_request *request)
{
    return request->target && strcmp(request->target, BASE) == 0;
}

static bool stays(const struct downgrade_request *request,
                  const struct migration_record *record, size_t count)
{
    if (record->source == MIGRATION_BUILT_IN && !request->built_in)
        return true;
    if (!request->target)
        return count == 1;
    return migration_is_meant(request->target, record->revision, record->description);
}

/* The target must be one that is applied. */
static enum outcome check_target(const struct downgrade_request *request,
                                 const struct migration_history *history,
                                 struct error *err)
{
    if (request->built_in && !is_base(request)) {
        error_set(err, ERROR_INVALID,
                  "tidemark's own migrations are taken back as a whole");
        return error_hint(err, "tidemark downgrade base --builtin");
    }
    if (!request->target || is_base(request))
        return OK;
    for (size_t i = 0; i < history->count; i++) {
        const struct migration_record *record = &history->records[i];

        if (record->source == MIGRATION_PROJECT && migration_record_in_force(record) &&
            migration_is_meant(request->target, record->revision, record->description))
            return OK;
    }
    error_set(err, ERROR_INVALID, "no migration %s of the project is applied",
              request->target);
    return error_hint(err,
                      "`tidemark history` lists them; `base` takes all of them back");
}

static enum outcome make_plan(const struct migration_history *history,
                              const struct downgrade_request *request,
                              struct downgrade_plan *out_plan, struct error *err)
{
    OWNED(downgrade_plan_release) struct downgrade_plan plan = {0};

    plan.files = calloc(history->count + 1, sizeof(*plan.files));
    plan.records = calloc(history->count + 1, sizeof(*plan.records));
    plan.names = calloc(history->count + 1, sizeof(*plan.names));
    if (!plan.files || !plan.records || !plan.names)
        return error_out_of_memory(err);
    for (size_t i = history->count; i > 0; i--) {
        const struct migration_record *record = &history->records[i - 1];

        if (!migration_record_in_force(record))
            continue;
        if (stays(request, record, plan.count))
            break;
        if (add_record(&plan, record, err) == FAILED)
            return FAILED;
    }
    *out_plan = TAKE(plan);
    return OK;
}

static enum outcome run_plan(struct migration_runner *runner,
                             const struct downgrade_plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct migration_record *record = plan->records[i];
        const struct migration_task task = {
            .entry = {record->source, &plan->files[i], runner->host},
            .reverts = true,
            .partial = record->state == MIGRATION_REVERTING ? record : NULL};

        if (migration_run(runner, &task, err) == FAILED)
            return FAILED;
    }
    return OK;
}

/* An older table of records is brought up to date first. */
static enum outcome read_history(struct migration_runner *runner,
                                 struct migration_history *out_history, struct error *err)
{
    const struct sql *setup;

    if (migration_history_look(runner->primary, &setup, err) == FAILED ||
        migration_history_read(runner->primary, out_history, err) == FAILED)
        return FAILED;
    if (!setup || !out_history->count || runner->dry_run)
        return OK;
    return migration_history_set_up(runner->primary, setup, err);
}

enum outcome downgrade_primary(const struct migrate_config *config,
                               const struct downgrade_request *request,
                               const struct migrate_observer *observer, struct error *err)
{
    OWNED(migration_runner_release) struct migration_runner runner = {0};
    OWNED(migration_history_release) struct migration_history history = {0};
    OWNED(downgrade_plan_release) struct downgrade_plan plan = {0};
    enum outcome outcome = OK;

    if (migration_runner_open(&runner, config, observer, err) == FAILED ||
        read_history(&runner, &history, err) == FAILED ||
        check_target(request, &history, err) == FAILED ||
        make_plan(&history, request, &plan, err) == FAILED)
        return FAILED;
    if (!plan.count)
        return NOTHING;
    if (!config->dry_run && request->confirm)
        outcome = request->confirm(request->confirm_context,
                                   (const char *const *)plan.names, plan.count, err);
    return outcome == OK ? run_plan(&runner, &plan, err) : outcome;
}
