#include "daemon/migrate/migrate_primary.h"

#include "daemon/migrate/migration_folder.h"
#include "daemon/migrate/migration_run.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "primary_migrations.h"

#include <stdlib.h>

#define BUILT_IN_COUNT (sizeof(primary_migrations) / sizeof(*primary_migrations) - 1)

static enum outcome load_built_in(struct migrate_sources *sources, struct error *err)
{
    sources->built_in = calloc(BUILT_IN_COUNT, sizeof(*sources->built_in));
    if (!sources->built_in)
        return error_out_of_memory(err);
    for (size_t i = 0; i < BUILT_IN_COUNT; i++)
        if (migration_file_parse(&sources->built_in[i], primary_migrations[i].name,
                                 primary_migrations[i].text, err) == FAILED)
            return FAILED;
    sources->files[MIGRATION_BUILT_IN] =
        (struct migration_files){sources->built_in, BUILT_IN_COUNT, MIGRATION_BUILT_IN};
    return OK;
}

static enum outcome load_project(struct migrate_sources *sources,
                                 const struct migrate_config *config, struct error *err)
{
    enum outcome outcome;

    sources->files[MIGRATION_PROJECT].source = MIGRATION_PROJECT;
    if (!config->directory)
        return OK;
    sources->project = calloc(1, sizeof(*sources->project));
    if (!sources->project)
        return error_out_of_memory(err);
    outcome = migration_folder_read(config->directory, sources->project, err);
    if (outcome == NOTHING && !config->directory_may_be_missing) {
        error_set(err, ERROR_INVALID, "there is no folder %s", config->directory);
        return error_hint(err, "[migrations] directory names it; `tidemark revision -m "
                               "\"…\"` makes it");
    }
    if (outcome == FAILED)
        return FAILED;
    sources->files[MIGRATION_PROJECT].files = sources->project->files;
    sources->files[MIGRATION_PROJECT].count = sources->project->texts.count;
    return OK;
}

enum outcome migrate_sources_load(const struct migrate_config *config,
                                  struct migrate_sources *out_sources, struct error *err)
{
    OWNED(migrate_sources_release) struct migrate_sources sources = {0};

    if (load_built_in(&sources, err) == FAILED ||
        load_project(&sources, config, err) == FAILED)
        return FAILED;
    *out_sources = TAKE(sources);
    return OK;
}

void migrate_sources_release(struct migrate_sources *sources)
{
    free(sources->built_in);
    if (sources->project)
        migration_folder_release(sources->project);
    free(sources->project);
    *sources = (struct migrate_sources){0};
}

/* Makes or extends the table of records; a dry run shows how. */
static enum outcome prepare_history(struct migration_runner *runner, struct error *err)
{
    const struct sql *setup;

    if (migration_history_look(runner->primary, &setup, err) == FAILED)
        return FAILED;
    if (setup && runner->dry_run)
        migration_runner_tell_sql(runner, "history", setup->text);
    if (!setup || runner->dry_run)
        return OK;
    return migration_history_set_up(runner->primary, setup, err);
}

/* Runs what is pending, up to `through` files. */
static enum outcome run_source(struct migration_runner *runner,
                               const struct migration_files *files, size_t through,
                               struct error *err)
{
    OWNED(migration_history_release) struct migration_history history = {0};
    struct migration_plan plan;

    if (migration_history_read(runner->primary, &history, err) == FAILED ||
        migration_plan_make(files, &history, &plan, err) == FAILED)
        return FAILED;
    for (size_t i = plan.applied; i < through; i++) {
        const struct migration_task task = {
            .entry = {files->source, &files->files[i], runner->host},
            .partial = i == plan.applied ? plan.partial : NULL};

        if (migration_run(runner, &task, err) == FAILED)
            return FAILED;
    }
    return plan.applied < through ? OK : NOTHING;
}

static enum outcome run_sources(struct migration_runner *runner,
                                const struct migrate_sources *sources, const char *to,
                                struct error *err)
{
    const struct migration_files *built_in = &sources->files[MIGRATION_BUILT_IN];
    const struct migration_files *project = &sources->files[MIGRATION_PROJECT];
    size_t through = project->count;
    enum outcome ours, theirs;

    if ((to && migration_files_through(project, to, &through, err) == FAILED) ||
        prepare_history(runner, err) == FAILED)
        return FAILED;
    ours = run_source(runner, built_in, built_in->count, err);
    if (ours == FAILED || !sources->project)
        return ours;
    theirs = run_source(runner, project, through, err);
    return theirs == NOTHING ? ours : theirs;
}

enum outcome migrate_primary(const struct migrate_config *config, const char *to,
                             const struct migrate_observer *observer, struct error *err)
{
    OWNED(migrate_sources_release) struct migrate_sources sources = {0};
    OWNED(migration_runner_release) struct migration_runner runner = {0};

    if (migrate_sources_load(config, &sources, err) == FAILED ||
        migration_files_check(&sources.files[MIGRATION_PROJECT], err) == FAILED ||
        migration_runner_open(&runner, config, observer, err) == FAILED)
        return FAILED;
    return run_sources(&runner, &sources, to, err);
}

const char *migrate_newest_name(void)
{
    return primary_migrations[BUILT_IN_COUNT - 1].name;
}
