#include "daemon/migrate/migrate_primary.h"

#include "daemon/migrate/migration_file.h"
#include "daemon/migrate/migration_run.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "migrate_primary.sql.h"
#include "primary_migrations.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILE_COUNT (sizeof(primary_migrations) / sizeof(*primary_migrations) - 1)
#define POLL_US (200 * US_PER_MS)
#define TABLE_LOCK_TIMEOUT_MS 2000
/* An index over a large table may take hours without a word; a dead peer is noticed by
 * TCP's own keepalive. */
#define SILENCE_TIMEOUT_MS (24 * 60 * 60 * 1000)

static void free_link(struct primary **primary)
{
    primary_free(*primary);
}

static enum outcome parse_files(struct migration_file files[static FILE_COUNT],
                                struct error *err)
{
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (migration_file_parse(&files[i], primary_migrations[i].name,
                                 primary_migrations[i].text, err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome connect_as_owner(const struct migrate_config *config,
                                     struct primary **out_primary, struct error *err)
{
    OWNED(free_link) struct primary *primary = NULL;
    struct primary_config link = config->primary;
    struct primary_info info;

    link.lock_timeout_ms = TABLE_LOCK_TIMEOUT_MS;
    link.silence_timeout_ms = SILENCE_TIMEOUT_MS;
    if (primary_new(&primary, &link, err) == FAILED ||
        primary_connect(primary, err) == FAILED)
        return FAILED;
    primary_describe(primary, &info);
    if (info.in_recovery) {
        error_set(err, ERROR_INVALID, "%s:%s is a hot standby: nothing can be migrated",
                  info.host, info.port);
        return error_hint(err, "connect to the primary itself");
    }
    if (info.transaction_pooler) {
        error_set(err, ERROR_INVALID,
                  "%s:%s is a transaction pooler: the runner's lock needs a session",
                  info.host, info.port);
        return error_hint(err, "use the server's direct port for migrations");
    }
    *out_primary = TAKE(primary);
    return OK;
}

/* Says who holds the runner's lock; NOTHING: it was released meanwhile. */
static enum outcome describe_holder(struct migration_run *run, struct buffer *reason,
                                    struct error *err)
{
    OWNED(primary_result_free) struct primary_result *holder = NULL;

    if (primary_query(run->primary, &migrate_primary_sql.lock_holder, NULL, 0, &holder,
                      err) == FAILED)
        return FAILED;
    if (primary_result_rows(holder) == 0)
        return NOTHING;
    buffer_append_format(
        reason, "another runner is at work: pid %s, user %s, application \"%s\"",
        primary_result_text(holder, 0, 0), primary_result_text(holder, 0, 1),
        primary_result_text(holder, 0, 2));
    return buffer_check(reason, err);
}

/* OK: it is ours. NOTHING: somebody has it, see reason. */
static enum outcome try_lock(struct migration_run *run, struct buffer *reason,
                             struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(run->primary, &migrate_primary_sql.try_lock, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    if (primary_result_bool(result, 0, 0))
        return OK;
    buffer_clear(reason);
    return describe_holder(run, reason, err) == FAILED ? FAILED : NOTHING;
}

/* Ends with the session. */
static enum outcome take_lock(struct migration_run *run, struct error *err)
{
    OWNED(buffer_release) struct buffer reason = {0};
    int64_t deadline_us = clock_monotonic_us() + run->lock_wait_us;
    bool told = false;
    enum outcome outcome;

    while ((outcome = try_lock(run, &reason, err)) == NOTHING) {
        if (clock_monotonic_us() >= deadline_us) {
            error_set(err, ERROR_TRANSIENT, "%s",
                      reason.length ? reason.data : "another runner holds the lock");
            return error_hint(err, "wait for it to end, then try again");
        }
        if (!told && reason.length && run->observer->waiting)
            run->observer->waiting(run->observer->context, "lock", reason.data);
        told = told || reason.length;
        if (primary_wait(run->primary, -1, POLL_US, err) == FAILED)
            return FAILED;
    }
    return outcome;
}

static enum outcome history_exists(struct primary *primary, bool *out_exists,
                                   struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(primary, &migrate_primary_sql.history_exists, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    *out_exists = primary_result_bool(result, 0, 0);
    return OK;
}

/* Makes the table of records when it is missing; a dry run shows how, and goes on
 * without. */
static enum outcome prepare_history(struct migration_run *run, bool *out_exists,
                                    struct error *err)
{
    const struct sql *create = &migrate_primary_sql.create_history;

    if (history_exists(run->primary, out_exists, err) == FAILED)
        return FAILED;
    if (*out_exists)
        return OK;
    if (run->dry_run) {
        if (run->observer->sql)
            run->observer->sql(run->observer->context, "history", create->text);
        return OK;
    }
    *out_exists = true;
    return primary_run_text(run->primary, create->name, create->text, err);
}

static enum outcome compare_with_history(struct primary *primary,
                                         const struct migration_file *files,
                                         size_t *out_applied, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    struct migration_record records[FILE_COUNT + 1];
    size_t count;

    if (primary_query(primary, &migrate_primary_sql.read_history, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    /* one more than there are files is enough to see that a file is gone */
    count = primary_result_rows(result);
    count = count > FILE_COUNT + 1 ? FILE_COUNT + 1 : count;
    for (size_t i = 0; i < count; i++)
        records[i] =
            (struct migration_record){.revision = primary_result_text(result, i, 0),
                                      .description = primary_result_text(result, i, 1),
                                      .checksum = primary_result_text(result, i, 2)};
    return migration_files_compare(files, FILE_COUNT, records, count, out_applied, err);
}

static enum outcome run_pending(struct migration_run *run,
                                const struct migration_file *files, struct error *err)
{
    bool history = false;
    size_t applied = 0;

    if (prepare_history(run, &history, err) == FAILED ||
        (history && compare_with_history(run->primary, files, &applied, err) == FAILED))
        return FAILED;
    if (applied == FILE_COUNT)
        return NOTHING;
    for (size_t i = applied; i < FILE_COUNT; i++) {
        enum outcome outcome = run->dry_run ? migration_run_show(run, &files[i], err)
                                            : migration_run_apply(run, &files[i], err);

        if (outcome == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome migrate_primary(const struct migrate_config *config,
                             const struct migrate_observer *observer, struct error *err)
{
    static const struct migrate_observer nobody = {0};
    OWNED(free_link) struct primary *primary = NULL;
    struct migration_file files[FILE_COUNT];
    struct migration_run run = {.observer = observer ? observer : &nobody,
                                .dry_run = config->dry_run,
                                .lock_wait_us = config->lock_wait_ms * US_PER_MS};

    if (parse_files(files, err) == FAILED ||
        connect_as_owner(config, &primary, err) == FAILED)
        return FAILED;
    run.primary = primary;
    if (!config->dry_run && take_lock(&run, err) == FAILED)
        return FAILED;
    return run_pending(&run, files, err);
}

const char *migrate_newest_name(void)
{
    return primary_migrations[FILE_COUNT - 1].name;
}
