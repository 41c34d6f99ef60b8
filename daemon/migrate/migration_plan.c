#include "daemon/migrate/migration_plan.h"

#include "lib/base/text_distance.h"

#include <stdlib.h>
#include <string.h>

#define DAY_LENGTH 8
#define NUMBER_AT (DAY_LENGTH + 1)

/* The record at this place is of another revision than the file, or there is no file. */
static enum outcome explain_misfit(const struct migration_file *file /* NULL: none */,
                                   const struct migration_record *record,
                                   struct error *err)
{
    if (file && strcmp(file->revision, record->revision) < 0) {
        error_set(err, ERROR_INVALID, "%s was skipped: the later %s_%s is applied",
                  file->name, record->revision, record->description);
        return error_hint(err, "give it a revision after the applied ones");
    }
    error_set(err, ERROR_INVALID, "%s_%s is applied on the primary, but its file is gone",
              record->revision, record->description);
    if (record->source == MIGRATION_BUILT_IN)
        return error_hint(err, "a newer tidemark applied it: use that one");
    return error_hint(err, "restore the file ([migrations] directory says where it is "
                           "looked for), or take it back: tidemark downgrade");
}

/* Most likely it is the wrong folder: nobody loses all of them. */
static enum outcome explain_no_files(const struct migration_history *history,
                                     struct error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < history->count; i++)
        count += history->records[i].source == MIGRATION_PROJECT &&
                 migration_record_in_force(&history->records[i]);
    error_set(err, ERROR_INVALID,
              "%zu of the project's migrations are applied on the primary, and none of "
              "their files is here",
              count);
    return error_hint(err, "run it where the project is, or set [migrations] directory");
}

/* The steps that are done must be the ones that the file still begins with. */
static enum outcome check_steps_done(const struct migration_file *file,
                                     const struct migration_record *record,
                                     struct error *err)
{
    struct sql_script before = sql_script_of(record->upgrade);
    struct sql_script now = file->upgrade;
    struct sql_statement was, is;

    for (int step = 1; step <= record->step; step++) {
        if (sql_script_next(&before, &was, err) != OK ||
            sql_script_next(&now, &is, err) != OK || was.length != is.length ||
            memcmp(was.text, is.text, was.length) != 0) {
            error_set(err, ERROR_INVALID, "%s: step %d was edited after it was run",
                      file->name, step);
            return error_hint(err,
                              "restore its first %d statements; the others may be "
                              "corrected",
                              record->step);
        }
    }
    return OK;
}

static enum outcome check_partial(const struct migration_file *file,
                                  const struct migration_record *record,
                                  struct error *err)
{
    if (record->state == MIGRATION_REVERTING) {
        error_set(err, ERROR_INVALID, "%s is half taken back: step %d of %d is done",
                  file->name, record->step, record->steps);
        return error_hint(err, "tidemark downgrade goes on with it");
    }
    if (!file->no_transaction) {
        error_set(err, ERROR_INVALID,
                  "%s stopped after step %d of %d, and has no line \"-- no-transaction\" "
                  "any more",
                  file->name, record->step, record->steps);
        return error_hint(err, "put the line back");
    }
    return check_steps_done(file, record, err);
}

static enum outcome check_applied(const struct migration_file *file,
                                  const struct migration_record *record,
                                  struct error *err)
{
    if (strcmp(file->checksum, record->checksum) == 0)
        return OK;
    if (strcmp(file->description, record->description) != 0) {
        error_set(err, ERROR_INVALID, "%s is not what was applied as %s: that was %s_%s",
                  file->name, file->revision, record->revision, record->description);
        return error_hint(err, "restore that file, as from the other branch, and give "
                               "this one the next free number");
    }
    error_set(err, ERROR_INVALID,
              "%s was edited after it was applied: checksum %.12s now, %.12s then",
              file->name, file->checksum, record->checksum);
    return error_hint(err, "restore its text; changes go into a new file");
}

enum outcome migration_plan_make(const struct migration_files *files,
                                 const struct migration_history *history,
                                 struct migration_plan *out_plan, struct error *err)
{
    struct migration_plan plan = {0};

    for (size_t i = 0; i < history->count; i++) {
        const struct migration_record *record = &history->records[i];
        const struct migration_file *file =
            plan.applied < files->count ? &files->files[plan.applied] : NULL;

        if (record->source != files->source || !migration_record_in_force(record))
            continue;
        if (!files->count)
            return explain_no_files(history, err);
        if (!file || plan.partial || strcmp(file->revision, record->revision) != 0)
            return explain_misfit(file, record, err);
        if (record->state != MIGRATION_APPLIED) {
            if (check_partial(file, record, err) == FAILED)
                return FAILED;
            plan.partial = record;
        } else {
            if (check_applied(file, record, err) == FAILED)
                return FAILED;
            plan.applied++;
        }
    }
    *out_plan = plan;
    return OK;
}

static long number_of(const struct migration_file *file)
{
    return strtol(file->revision + NUMBER_AT, NULL, 10);
}

/* The number of the day's last file so far; 0: it is the day's first. */
static long number_before(const struct migration_file *before,
                          const struct migration_file *file)
{
    bool same_day = before && memcmp(before->revision, file->revision, DAY_LENGTH) == 0;

    return same_day ? number_of(before) : 0;
}

bool migration_file_follows(const struct migration_file *before,
                            const struct migration_file *file)
{
    return number_of(file) == number_before(before, file) + 1;
}

static enum outcome check_neighbours(const struct migration_file *before /* NULL: none */,
                                     const struct migration_file *file, struct error *err)
{
    if (migration_file_follows(before, file))
        return OK;
    if (before && strcmp(before->revision, file->revision) == 0) {
        error_set(err, ERROR_INVALID, "%s and %s have the same revision", before->name,
                  file->name);
        return error_hint(err,
                          "rename the one that is not applied anywhere yet to %.8s_%04ld",
                          file->revision, number_of(file) + 1);
    }
    error_set(err, ERROR_INVALID, "%s: there is no %.8s_%04ld before it", file->name,
              file->revision, number_before(before, file) + 1);
    return error_hint(err, "a file is missing: restore it, or give this one that number");
}

enum outcome migration_files_check(const struct migration_files *files, struct error *err)
{
    for (size_t i = 0; i < files->count; i++)
        if (check_neighbours(i ? &files->files[i - 1] : NULL, &files->files[i], err) ==
            FAILED)
            return FAILED;
    return OK;
}

bool migration_is_meant(const char *text, const char *revision, const char *description)
{
    size_t length = strlen(revision);

    if (strncmp(text, revision, length) != 0)
        return false;
    return !text[length] ||
           (text[length] == '_' && strcmp(text + length + 1, description) == 0);
}

enum outcome migration_files_through(const struct migration_files *files,
                                     const char *revision, size_t *out_count,
                                     struct error *err)
{
    const char *nearest = NULL;

    for (size_t i = 0; i < files->count; i++) {
        const struct migration_file *file = &files->files[i];

        if (migration_is_meant(revision, file->revision, file->description)) {
            *out_count = i + 1;
            return OK;
        }
        if (!nearest && text_distance(revision, file->revision) <= 2)
            nearest = file->revision;
    }
    error_set(err, ERROR_INVALID, "there is no migration %s", revision);
    if (nearest)
        return error_hint(err, "did you mean %s?", nearest);
    return error_hint(err, "`tidemark history` lists them");
}
