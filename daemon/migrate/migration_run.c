#include "daemon/migrate/migration_run.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"
#include "migrate_primary.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_US US_PER_SECOND
#define RECORD_PARAMETERS 6

/* The parameters of migrate_primary_sql.record. */
struct record_parameters {
    struct buffer upgrade;
    struct buffer downgrade;
    const char *values[RECORD_PARAMETERS];
};

static void record_parameters_release(struct record_parameters *parameters)
{
    buffer_release(&parameters->upgrade);
    buffer_release(&parameters->downgrade);
}

static void append_section(struct buffer *text, const struct sql_script *section)
{
    buffer_append(text, section->at, (size_t)(section->end - section->at));
}

static enum outcome fill_parameters(struct record_parameters *parameters,
                                    const struct migration_file *file, struct error *err)
{
    append_section(&parameters->upgrade, &file->upgrade);
    append_section(&parameters->downgrade, &file->downgrade);
    if (buffer_check(&parameters->upgrade, err) == FAILED ||
        buffer_check(&parameters->downgrade, err) == FAILED)
        return FAILED;
    parameters->values[0] = file->revision;
    parameters->values[1] = file->description;
    parameters->values[2] = file->checksum;
    parameters->values[3] = parameters->upgrade.data;
    parameters->values[4] = parameters->downgrade.data ? parameters->downgrade.data : "";
    parameters->values[5] = TIDEMARK_VERSION;
    return OK;
}

/* "statement 3 (create table tidemark.device (…)": its first line, cut short. */
static void name_statement(const struct sql_statement *statement, int number, char *what,
                           size_t size)
{
    const char *newline = memchr(statement->text, '\n', statement->length);
    size_t length = newline ? (size_t)(newline - statement->text) : statement->length;

    snprintf(what, size, "statement %d, \"%.*s%s\"", number,
             (int)(length > 60 ? 60 : length), statement->text,
             newline || length > 60 ? " …" : "");
}

static enum outcome run_statement(struct primary *primary,
                                  const struct migration_file *file,
                                  const struct sql_statement *statement, int number,
                                  struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    char what[128];

    buffer_append(&text, statement->text, statement->length);
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    name_statement(statement, number, what, sizeof(what));
    if (primary_run_text(primary, what, text.data, err) == OK)
        return OK;
    return error_wrap(err, "%s, line %d", file->name,
                      primary_is_connected(primary)
                          ? sql_statement_line(statement, primary_error_position(primary))
                          : statement->line);
}

static enum outcome run_upgrade(struct primary *primary,
                                const struct migration_file *file, struct error *err)
{
    struct sql_script script = file->upgrade;
    struct sql_statement statement;
    enum outcome outcome;
    int number = 0;

    while ((outcome = sql_script_next(&script, &statement, err)) == OK)
        if (run_statement(primary, file, &statement, ++number, err) == FAILED)
            return FAILED;
    return outcome;
}

static enum outcome run_in_transaction(struct primary *primary,
                                       const struct migration_file *file,
                                       struct error *err)
{
    OWNED(record_parameters_release) struct record_parameters parameters = {0};

    if (fill_parameters(&parameters, file, err) == FAILED ||
        primary_run(primary, &migrate_primary_sql.begin, NULL, 0, err) == FAILED ||
        run_upgrade(primary, file, err) == FAILED)
        return FAILED;
    fault_point("migrate.upgraded");
    if (primary_run(primary, &migrate_primary_sql.record, parameters.values,
                    RECORD_PARAMETERS, err) == FAILED)
        return error_wrap(err, "%s", file->name);
    fault_point("migrate.recorded");
    return primary_run(primary, &migrate_primary_sql.commit, NULL, 0, err);
}

static enum outcome attempt(struct primary *primary, const struct migration_file *file,
                            struct error *err)
{
    struct error ignored;

    if (run_in_transaction(primary, file, err) == OK)
        return OK;
    if (primary_is_connected(primary) &&
        primary_run(primary, &migrate_primary_sql.roll_back, NULL, 0, &ignored) == FAILED)
        primary_close(primary);
    return FAILED;
}

static bool lacked_a_lock(const struct error *err)
{
    return strcmp(err->origin, "SQLSTATE 55P03") == 0;
}

enum outcome migration_run_apply(struct migration_run *run,
                                 const struct migration_file *file, struct error *err)
{
    int64_t start_us = clock_monotonic_us();

    while (attempt(run->primary, file, err) == FAILED) {
        if (!lacked_a_lock(err))
            return FAILED;
        if (clock_monotonic_us() - start_us >= run->lock_wait_us)
            return error_hint(err, "see pg_locks for who holds it, then try again; "
                                   "nothing is half done");
        if (run->observer->waiting)
            run->observer->waiting(run->observer->context, file->name, err->message);
        if (primary_wait(run->primary, -1, RETRY_US, err) == FAILED)
            return FAILED;
    }
    if (run->observer->applied)
        run->observer->applied(run->observer->context, file->name,
                               clock_monotonic_us() - start_us);
    return OK;
}

enum outcome migration_run_show(struct migration_run *run,
                                const struct migration_file *file, struct error *err)
{
    OWNED(record_parameters_release) struct record_parameters parameters = {0};
    OWNED(primary_result_free) struct primary_result *record = NULL;
    OWNED(buffer_release) struct buffer text = {0};

    if (fill_parameters(&parameters, file, err) == FAILED ||
        primary_query(run->primary, &migrate_primary_sql.record_as_text,
                      parameters.values, RECORD_PARAMETERS, &record, err) == FAILED)
        return FAILED;
    append_section(&text, &file->upgrade);
    buffer_append_format(&text, "%s\n", primary_result_text(record, 0, 0));
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    if (run->observer->sql)
        run->observer->sql(run->observer->context, file->name, text.data);
    return OK;
}
