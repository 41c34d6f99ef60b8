#include "daemon/migrate/migration_run.h"

#include "daemon/migrate/migration_steps.h"
#include "daemon/migrate/sql_execution.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"

#include <stdio.h>
#include <string.h>

struct sql_script migration_task_script(const struct migration_task *task)
{
    return task->reverts ? task->entry.file->downgrade : task->entry.file->upgrade;
}

void migration_task_name(const struct migration_task *task, char *out_name, size_t size)
{
    snprintf(out_name, size, "%s%s", task->entry.file->name,
             task->reverts ? " (downgrade)" : "");
}

/* A task under way, for the callbacks. */
struct task_run {
    struct migration_runner *runner;
    const struct migration_task *task;
};

static enum outcome run_and_record(void *context, struct error *err)
{
    const struct task_run *run = context;
    struct primary *primary = run->runner->primary;
    const struct migration_entry *entry = &run->task->entry;
    const struct sql_script script = migration_task_script(run->task);
    char name[160];

    migration_task_name(run->task, name, sizeof(name));
    if (sql_execution_script(primary, name, &script, err) == FAILED)
        return FAILED;
    fault_point("migrate.upgraded");
    if ((run->task->reverts ? migration_history_revert(primary, entry, err)
                            : migration_history_record(primary, entry, err)) == FAILED)
        return error_wrap(err, "%s", name);
    fault_point("migrate.recorded");
    return OK;
}

static enum outcome attempt(void *context, struct error *err)
{
    struct task_run *run = context;

    return migration_runner_transact(run->runner, run_and_record, run, err);
}

/* Of one that stopped in the middle, only what is still to be run. */
static enum outcome pass_over_done_steps(const struct migration_task *task,
                                         struct sql_script *script, struct buffer *text,
                                         struct error *err)
{
    int done = task->partial ? task->partial->step : 0;
    struct sql_statement statement;

    for (int step = 0; step < done; step++)
        if (sql_script_next(script, &statement, err) == FAILED)
            return FAILED;
    if (done)
        buffer_append_format(text, "-- the first %d of its steps are done\n", done);
    while (done && script->at < script->end &&
           (*script->at == ';' || *script->at == '\n'))
        script->at++;
    return OK;
}

static enum outcome show(struct migration_runner *runner,
                         const struct migration_task *task, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *record = NULL;
    OWNED(buffer_release) struct buffer text = {0};
    struct sql_script script = migration_task_script(task);

    if (migration_history_as_text(runner->primary, &task->entry, task->reverts, &record,
                                  err) == FAILED)
        return FAILED;
    if (task->entry.file->no_transaction)
        buffer_append_text(&text, "-- not in a transaction: each statement for itself\n");
    if (pass_over_done_steps(task, &script, &text, err) == FAILED)
        return FAILED;
    buffer_append(&text, script.at, (size_t)(script.end - script.at));
    buffer_append_format(&text, "%s\n", primary_result_text(record, 0, 0));
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    migration_runner_tell_sql(runner, task->entry.file->name, text.data);
    return OK;
}

static enum outcome run_whole(struct migration_runner *runner,
                              const struct migration_task *task, struct error *err)
{
    struct task_run run = {runner, task};
    const struct migration_attempt once = {task->entry.file->name, attempt, &run};
    char cure[sizeof(err->hint)];

    if (migration_runner_insist(runner, &once, err) == OK)
        return OK;
    if (err->kind != ERROR_TRANSIENT && err->kind != ERROR_INTERRUPTED)
        return FAILED;
    memcpy(cure, err->hint, sizeof(cure));
    return error_hint(err, "nothing is half done%s%s", cure[0] ? ". " : "", cure);
}

enum outcome migration_run(struct migration_runner *runner,
                           const struct migration_task *task, struct error *err)
{
    int64_t started_us = clock_monotonic_us();

    if (runner->dry_run)
        return show(runner, task, err);
    if (migration_runner_reset(runner, err) == FAILED ||
        (task->entry.file->no_transaction ? migration_steps_run(runner, task, err)
                                          : run_whole(runner, task, err)) == FAILED)
        return FAILED;
    migration_runner_tell_done(runner, task->entry.file->name,
                               task->reverts ? "reverted" : "applied", started_us);
    return OK;
}
