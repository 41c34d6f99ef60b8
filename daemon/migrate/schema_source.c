#include "daemon/migrate/schema_source.h"

#include "daemon/migrate/scratch_database.h"
#include "daemon/migrate/sql_execution.h"
#include "daemon/migrate/sql_refusal.h"
#include "lib/base/cleanup.h"

#include <string.h>
#include <sys/stat.h>

/* Blanks what pg_dump says to psql, so that lines keep their numbers. */
static void blank_psql_lines(char *text)
{
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "\\restrict", 9) == 0 || strncmp(line, "\\unrestrict", 11) == 0)
            memset(line, ' ', strcspn(line, "\r\n"));
    }
}

static enum outcome check_files(const struct folder_files *source, struct error *err)
{
    int statements;

    for (size_t i = 0; i < source->count; i++) {
        const struct folder_file *file = &source->files[i];

        blank_psql_lines(file->text);
        if (sql_script_check(file->name, sql_script_of(file->text), false, &statements,
                             err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome schema_source_read(struct folder_files *out_source, const char *path,
                                struct error *err)
{
    OWNED(folder_files_release) struct folder_files source = {0};
    struct stat status;
    enum outcome outcome = stat(path, &status) == 0 && S_ISDIR(status.st_mode)
                               ? folder_files_read(path, &source, err)
                               : folder_files_read_one(path, &source, err);

    if (outcome == FAILED)
        return FAILED;
    if (outcome == OK && source.count) {
        if (check_files(&source, err) == FAILED)
            return FAILED;
        *out_source = TAKE(source);
        return OK;
    }
    error_set(err, ERROR_INVALID, "%s: %s", path,
              outcome == OK ? "no .sql file in that folder" : "there is no such file");
    return error_hint(err, "write the schema as it should be there, or name another one "
                           "in [migrations] schema");
}

struct loading {
    struct primary *primary;
    const struct folder_file *file;
};

static enum outcome load(void *context, struct error *err)
{
    const struct loading *loading = context;
    const struct sql_script script = sql_script_of(loading->file->text);

    return sql_execution_script(loading->primary, loading->file->name, &script, err);
}

enum outcome schema_source_load(const struct folder_files *source,
                                struct primary *primary, struct error *err)
{
    struct migration_runner runner = scratch_runner(primary);

    for (size_t i = 0; i < source->count; i++) {
        struct loading loading = {.primary = primary, .file = &source->files[i]};

        if (migration_runner_transact(&runner, load, &loading, err) == FAILED ||
            migration_runner_reset(&runner, err) == FAILED)
            return FAILED;
    }
    return OK;
}
