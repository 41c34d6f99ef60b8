#include "daemon/migrate/autogenerate.h"

#include "daemon/migrate/schema_compare.h"
#include "daemon/migrate/schema_proof.h"
#include "daemon/migrate/schema_rename.h"
#include "daemon/migrate/schema_source.h"
#include "daemon/migrate/scratch_database.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "autogenerate.sql.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* All that one run needs and finds. */
struct workshop {
    const struct autogenerate_config *config;
    struct scratch_server server;
    struct primary *history; /* scratch: what the files make */
    struct folder_files source;
    struct schema from;    /* of history */
    struct schema renamed; /* of history, with the renames done */
    struct schema to;      /* of desired */
    struct schema_renames renames;
};

static void workshop_release(struct workshop *workshop)
{
    schema_release(&workshop->from);
    schema_release(&workshop->renamed);
    schema_release(&workshop->to);
    schema_renames_release(&workshop->renames);
    folder_files_release(&workshop->source);
    scratch_server_release(&workshop->server);
}

void autogenerate_result_release(struct autogenerate_result *result)
{
    free(result->lines);
    free(result->upgrade);
    free(result->downgrade);
    *result = (struct autogenerate_result){0};
}

static enum outcome read_schema(struct primary *link, const struct schema *only,
                                struct schema *out_schema, struct error *err)
{
    enum outcome outcome;

    if (primary_begin_reading(link, err) == FAILED)
        return FAILED;
    outcome = schema_read(link, only, out_schema, err);
    primary_end_reading(link);
    return outcome;
}

/* ---- the two schemas ---- */

/* A scratch database in which the migrations have run. */
static enum outcome replay(struct workshop *workshop, bool project,
                           struct primary **out_link, struct error *err)
{
    struct primary_config config;

    if (scratch_server_make(&workshop->server, out_link, &config, err) == FAILED)
        return FAILED;
    if (workshop->config->replay(workshop->config->replay_context, &config, project,
                                 err) == FAILED)
        return error_wrap(err, "the migrations do not run in an empty database");
    return OK;
}

static enum outcome read_history(struct workshop *workshop, struct error *err)
{
    if (replay(workshop, true, &workshop->history, err) == FAILED)
        return FAILED;
    return read_schema(workshop->history, NULL, &workshop->from, err);
}

/* Schema tidemark is there already, so that schema.sql can track tables. */
static enum outcome read_desired(struct workshop *workshop, struct error *err)
{
    struct primary *desired;

    if (replay(workshop, false, &desired, err) == FAILED ||
        schema_source_load(&workshop->source, desired, err) == FAILED)
        return FAILED;
    return read_schema(desired, NULL, &workshop->to, err);
}

/* ---- renames ---- */

static enum outcome declare_renames(struct workshop *workshop, struct error *err)
{
    for (size_t i = 0; i < workshop->source.count; i++)
        if (schema_renames_declared(&workshop->renames, workshop->history,
                                    workshop->source.files[i].name,
                                    workshop->source.files[i].text, err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome rename_and_read(struct workshop *workshop, struct error *err)
{
    enum outcome outcome;

    if (declare_renames(workshop, err) == FAILED ||
        schema_read(workshop->history, NULL, &workshop->renamed, err) == FAILED)
        return FAILED;
    outcome = schema_renames_alike(&workshop->renames, workshop->history,
                                   &workshop->renamed, &workshop->to, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    schema_release(&workshop->renamed);
    return schema_read(workshop->history, NULL, &workshop->renamed, err);
}

/* The server renames in whatever mentions a name; then all is rolled back. */
static enum outcome try_renames(struct workshop *workshop, struct error *err)
{
    struct error ignored;
    enum outcome outcome;

    if (primary_run(workshop->history, &autogenerate_sql.begin, NULL, 0, err) == FAILED)
        return FAILED;
    outcome = rename_and_read(workshop, err);
    if (primary_run(workshop->history, &autogenerate_sql.roll_back, NULL, 0,
                    outcome == FAILED ? &ignored : err) == FAILED)
        return FAILED;
    return outcome;
}

/* ---- the two directions ---- */

static enum outcome prove_upgrade(struct workshop *workshop, char **out_text,
                                  struct error *err)
{
    const struct schema_proof proof = {
        .link = workshop->history,
        .direction = "upgrade",
        .first = workshop->renames.upgrade.data,
        .from = &workshop->renamed,
        .to = &workshop->to,
        .expected = &workshop->to,
    };

    return schema_proof_run(&proof, out_text, err);
}

static enum outcome prove_downgrade(struct workshop *workshop, char **out_text,
                                    struct error *err)
{
    const struct schema_proof proof = {
        .link = workshop->history,
        .direction = "downgrade",
        .last = workshop->renames.downgrade.data,
        .from = &workshop->to,
        .to = &workshop->renamed,
        .expected = &workshop->from,
    };

    return schema_proof_run(&proof, out_text, err);
}

/* What a person reads: the renames, then what else differs. */
static enum outcome list_differences(struct workshop *workshop, char **out_lines,
                                     struct error *err)
{
    OWNED(buffer_release) struct buffer lines = {0};
    const char *rename = workshop->renames.upgrade.data;

    while (rename && *rename) {
        size_t length = strcspn(rename, ";\n");

        buffer_append_format(&lines, "> %.*s\n", (int)length, rename);
        rename += length + strspn(rename + length, ";\n");
    }
    if (schema_compare_lines(&workshop->renamed, &workshop->to, &lines, err) == FAILED ||
        buffer_check(&lines, err) == FAILED)
        return FAILED;
    if (!lines.length)
        return NOTHING;
    *out_lines = buffer_take(&lines);
    return *out_lines ? OK : error_out_of_memory(err);
}

static enum outcome open_server(struct workshop *workshop, struct error *err)
{
    return scratch_server_open(&workshop->server, &workshop->config->primary,
                               workshop->config->lent, err);
}

/* The history last: its database is the one that is worked in. */
static enum outcome generate(struct workshop *workshop,
                             struct autogenerate_result *result, struct error *err)
{
    enum outcome outcome;

    if (schema_source_read(&workshop->source, workshop->config->schema, err) == FAILED ||
        open_server(workshop, err) == FAILED || read_desired(workshop, err) == FAILED ||
        read_history(workshop, err) == FAILED || try_renames(workshop, err) == FAILED)
        return FAILED;
    outcome = list_differences(workshop, &result->lines, err);
    if (outcome != OK)
        return outcome;
    if (prove_upgrade(workshop, &result->upgrade, err) == FAILED)
        return FAILED;
    return prove_downgrade(workshop, &result->downgrade, err);
}

enum outcome autogenerate(const struct autogenerate_config *config,
                          struct autogenerate_result *out_result, struct error *err)
{
    OWNED(workshop_release) struct workshop workshop = {.config = config};
    OWNED(autogenerate_result_release) struct autogenerate_result result = {0};
    int64_t start_us = clock_monotonic_us();
    enum outcome outcome = generate(&workshop, &result, err);

    if (outcome != OK)
        return outcome;
    result.duration_us = clock_monotonic_us() - start_us;
    *out_result = TAKE(result);
    return OK;
}

/* ---- drift ---- */

static enum outcome compare_live(struct workshop *workshop, char **out_lines,
                                 struct error *err)
{
    OWNED(buffer_release) struct buffer lines = {0};
    enum outcome outcome;

    schema_leave_out(&workshop->from, SCHEMA_GRANT);
    if (read_schema(workshop->server.owner, &workshop->from, &workshop->to, err) ==
        FAILED)
        return FAILED;
    schema_leave_out(&workshop->to, SCHEMA_GRANT);
    outcome = schema_compare_lines(&workshop->from, &workshop->to, &lines, err);
    if (outcome != OK)
        return outcome;
    *out_lines = buffer_take(&lines);
    return *out_lines ? OK : error_out_of_memory(err);
}

enum outcome autogenerate_drift(const struct autogenerate_config *config,
                                char **out_lines, struct error *err)
{
    OWNED(workshop_release) struct workshop workshop = {.config = config};

    if (open_server(&workshop, err) == FAILED || read_history(&workshop, err) == FAILED)
        return FAILED;
    return compare_live(&workshop, out_lines, err);
}
