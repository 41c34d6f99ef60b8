#include "daemon/migrate/lint.h"

#include "daemon/migrate/lint_file.h"
#include "daemon/migrate/lint_schema.h"
#include "daemon/migrate/migration_folder.h"
#include "daemon/migrate/migration_replay.h"
#include "daemon/migrate/migration_survey.h"
#include "daemon/migrate/scratch_database.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/cleanup.h"

#include <string.h>

struct linting {
    const struct migrate_config *config;
    const char *const *schemas;
    struct scratch_server server;
    struct migration_survey survey;
    struct schema live;
    struct schema coming; /* when the pending files have run */
    struct lint_findings findings;
};

static void linting_release(struct linting *linting)
{
    schema_release(&linting->live);
    schema_release(&linting->coming);
    migration_survey_release(&linting->survey);
    scratch_server_release(&linting->server);
    lint_findings_release(&linting->findings);
}

static enum outcome read_schema(struct primary *link, struct schema *out_schema,
                                struct error *err)
{
    enum outcome outcome;

    if (primary_begin_reading(link, err) == FAILED)
        return FAILED;
    outcome = schema_read(link, NULL, out_schema, err);
    primary_end_reading(link);
    return outcome;
}

static bool is_pending(const struct migration_line *line)
{
    return line->file && line->source == MIGRATION_PROJECT &&
           strcmp(line->state, "pending") == 0;
}

static const char *text_of(const struct migration_folder *folder,
                           const struct migration_file *file)
{
    return folder->texts.files[file - folder->files].text;
}

/* Whether there is any. */
static enum outcome lint_files(struct linting *linting, struct error *err)
{
    OWNED(buffer_release) struct buffer new_tables = {0};
    enum outcome outcome = NOTHING;

    for (size_t i = 0; i < linting->survey.count; i++) {
        const struct migration_line *line = &linting->survey.lines[i];

        if (!is_pending(line))
            continue;
        lint_file(line->file, text_of(linting->survey.sources.project, line->file),
                  &new_tables, &linting->findings);
        outcome = OK;
    }
    return buffer_check(&new_tables, err) == FAILED ? FAILED : outcome;
}

static enum outcome replay(struct linting *linting, struct error *err)
{
    struct migration_replay replay = {.config = linting->config};
    struct primary_config scratch;
    struct primary *link;

    if (scratch_server_make(&linting->server, &link, &scratch, err) == FAILED ||
        migration_replay(&replay, &scratch, true, err) == FAILED)
        return FAILED;
    return read_schema(link, &linting->coming, err);
}

/* Tables that do not exist yet. Files that fail in an empty database, and a role that may
 * make none, are for `revision --autogenerate` to complain of. */
static enum outcome lint_coming(struct linting *linting, struct error *err)
{
    const struct lint_schema_config config = {
        .schemas = linting->schemas, .except = &linting->live, .where = "pending: "};

    if (replay(linting, err) == FAILED)
        return err->kind == ERROR_TRANSIENT || err->kind == ERROR_INTERRUPTED ? FAILED
                                                                              : OK;
    lint_schema(&linting->coming, &config, &linting->findings);
    return OK;
}

static enum outcome lint_all(struct linting *linting, struct error *err)
{
    const struct lint_schema_config live = {.schemas = linting->schemas, .where = ""};
    enum outcome files;

    if (migration_survey_make(linting->config, &linting->survey, err) == FAILED ||
        migration_files_check(&linting->survey.sources.files[MIGRATION_PROJECT], err) ==
            FAILED ||
        scratch_server_open(&linting->server, &linting->config->primary,
                            linting->config->scratch, err) == FAILED ||
        read_schema(linting->server.owner, &linting->live, err) == FAILED)
        return FAILED;
    lint_schema(&linting->live, &live, &linting->findings);
    files = lint_files(linting, err);
    return files == OK ? lint_coming(linting, err) : files == FAILED ? FAILED : OK;
}

enum outcome lint(const struct migrate_config *config, const char *const *schemas,
                  struct lint_findings *out_findings, struct error *err)
{
    OWNED(linting_release)
    struct linting linting = {.config = config, .schemas = schemas};

    if (lint_all(&linting, err) == FAILED)
        return FAILED;
    if (linting.findings.failed)
        return error_out_of_memory(err);
    *out_findings = TAKE(linting.findings);
    return OK;
}
