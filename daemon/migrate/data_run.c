#include "daemon/migrate/data_run.h"

#include "daemon/migrate/migration_folder.h"
#include "daemon/migrate/sql_execution.h"
#include "daemon/migrate/sql_refusal.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>

static void name_of(const struct folder_file *file, char *out_name, size_t size)
{
    snprintf(out_name, size, "%s.sql", file->name);
}

/* Before the first of them is run. */
static enum outcome check_file(const struct folder_file *file, struct error *err)
{
    char name[160];
    int statements;

    name_of(file, name, sizeof(name));
    return sql_script_check(name, sql_script_of(file->text), false, &statements, err);
}

/* A file under way, for the callbacks. */
struct file_run {
    struct migration_runner *runner;
    const struct folder_file *file;
};

static enum outcome run_script(void *context, struct error *err)
{
    const struct file_run *run = context;
    const struct sql_script script = sql_script_of(run->file->text);
    char name[160];

    name_of(run->file, name, sizeof(name));
    return sql_execution_script(run->runner->primary, name, &script, err);
}

static enum outcome attempt(void *context, struct error *err)
{
    struct file_run *run = context;

    return migration_runner_transact(run->runner, run_script, run, err);
}

static enum outcome run_file(struct migration_runner *runner,
                             const struct folder_file *file, struct error *err)
{
    struct file_run run = {runner, file};
    const struct migration_attempt once = {file->name, attempt, &run};
    int64_t started_us = clock_monotonic_us();

    if (runner->dry_run) {
        migration_runner_tell_sql(runner, file->name, file->text);
        return OK;
    }
    if (migration_runner_reset(runner, err) == FAILED ||
        migration_runner_insist(runner, &once, err) == FAILED)
        return FAILED;
    migration_runner_tell_done(runner, file->name, "loaded", started_us);
    return OK;
}

static enum outcome read_files(const struct migrate_config *config,
                               struct folder_files *out_files, struct error *err)
{
    enum outcome outcome = folder_files_read(config->directory, out_files, err);

    if (outcome != NOTHING || config->directory_may_be_missing)
        return outcome;
    error_set(err, ERROR_INVALID, "there is no folder %s", config->directory);
    return error_hint(err, "[migrations] data names it");
}

enum outcome data_run(const struct migrate_config *config,
                      const struct migrate_observer *observer, struct error *err)
{
    OWNED(folder_files_release) struct folder_files files = {0};
    OWNED(migration_runner_release) struct migration_runner runner = {0};
    enum outcome outcome = read_files(config, &files, err);

    if (outcome != OK || !files.count)
        return outcome == FAILED ? FAILED : NOTHING;
    for (size_t i = 0; i < files.count; i++)
        if (check_file(&files.files[i], err) == FAILED)
            return FAILED;
    if (migration_runner_open(&runner, config, observer, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < files.count; i++)
        if (run_file(&runner, &files.files[i], err) == FAILED)
            return FAILED;
    return OK;
}
