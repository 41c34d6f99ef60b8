#include "daemon/migrate/migration_runner.h"

#include "daemon/migrate/lock_watch.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "migration_runner.sql.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_US (200 * US_PER_MS)
#define RETRY_US US_PER_SECOND
/* A lock that was just given back is gone a moment later, as that of `migrate` is when
 * `bootstrap` goes on with the data: not worth a line. */
#define TELL_US (500 * US_PER_MS)
/* An index over a large table may take hours without a word; a dead peer is noticed by
 * TCP's own keepalive. */
#define SILENCE_TIMEOUT_MS (24 * 60 * 60 * 1000)

static const struct migrate_observer nobody = {0};

static void free_link(struct primary **primary)
{
    primary_free(*primary);
}

static enum outcome refuse_server(const struct primary_info *info, struct error *err)
{
    if (info->in_recovery) {
        error_set(err, ERROR_INVALID, "%s:%s is a hot standby: nothing can be migrated",
                  info->host, info->port);
        return error_hint(err, "connect to the primary itself");
    }
    if (!info->transaction_pooler)
        return OK;
    error_set(err, ERROR_INVALID,
              "%s:%s is a transaction pooler: the runner's lock needs a session",
              info->host, info->port);
    return error_hint(err, "use the server's direct port for migrations");
}

static struct primary_config owners_link(const struct migrate_config *config)
{
    struct primary_config link = config->primary;

    link.lock_timeout_ms = MIGRATION_LOCK_TIMEOUT_MS;
    link.silence_timeout_ms = SILENCE_TIMEOUT_MS;
    return link;
}

static enum outcome connect_as_owner(const struct migrate_config *config,
                                     struct primary **out_primary, struct error *err)
{
    OWNED(free_link) struct primary *primary = NULL;
    const struct primary_config link = owners_link(config);
    struct primary_info info;

    if (primary_new(&primary, &link, err) == FAILED ||
        primary_connect(primary, err) == FAILED)
        return FAILED;
    primary_describe(primary, &info);
    if (refuse_server(&info, err) == FAILED)
        return FAILED;
    *out_primary = TAKE(primary);
    return OK;
}

/* OK: it is ours. NOTHING: somebody has it; out_reason says who, or is empty when it was
 * released meanwhile. */
static enum outcome try_lock(struct migration_runner *runner, char *out_reason,
                             size_t size, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    OWNED(primary_result_free) struct primary_result *holder = NULL;

    if (primary_query(runner->primary, &migration_runner_sql.try_lock, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    if (primary_result_bool(result, 0, 0))
        return OK;
    if (primary_query(runner->primary, &migration_runner_sql.lock_holder, NULL, 0,
                      &holder, err) == FAILED)
        return FAILED;
    snprintf(out_reason, size, "%s",
             primary_result_rows(holder) ? primary_result_text(holder, 0, 0) : "");
    return NOTHING;
}

static enum outcome give_up_lock(const char *reason, struct error *err)
{
    error_set(err, ERROR_TRANSIENT, "%s",
              reason[0] ? reason : "another runner holds the lock");
    return error_hint(err, "wait for it to end, then try again");
}

static enum outcome take_lock(struct migration_runner *runner, struct error *err)
{
    int64_t start_us = clock_monotonic_us();
    char reason[256] = "";
    bool told = false;
    enum outcome outcome;

    while ((outcome = try_lock(runner, reason, sizeof(reason), err)) == NOTHING) {
        int64_t waited_us = clock_monotonic_us() - start_us;

        if (waited_us >= runner->lock_wait_us)
            return give_up_lock(reason, err);
        if (!told && reason[0] && waited_us >= TELL_US) {
            told = true;
            if (runner->observer->waiting)
                runner->observer->waiting(runner->observer->context, "lock", reason);
        }
        if (primary_wait(runner->primary, -1, POLL_US, err) == FAILED)
            return FAILED;
    }
    return outcome;
}

static enum outcome start_watch(struct migration_runner *runner,
                                const struct migrate_config *config, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const struct primary_config link = owners_link(config);
    const struct lock_watch_listener listener = {runner->observer->context,
                                                 runner->observer->waiting};

    if (primary_query(runner->primary, &migration_runner_sql.process, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    runner->watch =
        lock_watch_start(&link, (int)primary_result_int(result, 0, 0), listener);
    return OK;
}

enum outcome migration_runner_open(struct migration_runner *out_runner,
                                   const struct migrate_config *config,
                                   const struct migrate_observer *observer,
                                   struct error *err)
{
    OWNED(migration_runner_release)
    struct migration_runner runner = {
        .observer = observer ? observer : &nobody,
        .dry_run = config->dry_run,
        .lock_wait_us = config->lock_wait_ms * US_PER_MS,
    };

    if (gethostname(runner.host, sizeof(runner.host) - 1) < 0)
        runner.host[0] = '\0';
    if (connect_as_owner(config, &runner.primary, err) == FAILED)
        return FAILED;
    if (!config->dry_run && (take_lock(&runner, err) == FAILED ||
                             start_watch(&runner, config, err) == FAILED))
        return FAILED;
    *out_runner = TAKE(runner);
    return OK;
}

void migration_runner_release(struct migration_runner *runner)
{
    lock_watch_stop(runner->watch);
    primary_free(runner->primary);
    *runner = (struct migration_runner){0};
}

enum outcome migration_runner_reset(struct migration_runner *runner, struct error *err)
{
    const struct sql *reset = &migration_runner_sql.reset_session;

    if (primary_run_text(runner->primary, reset->name, reset->text, err) == FAILED)
        return FAILED;
    return primary_pin_session(runner->primary, err);
}

static bool lacked_a_lock(const struct error *err)
{
    return strcmp(err->origin, "SQLSTATE 55P03") == 0;
}

static enum outcome give_up(struct migration_runner *runner, struct error *err)
{
    char holder[200];

    lock_watch_last(runner->watch, holder, sizeof(holder));
    return error_hint(err, "%s; run the command again when it is gone",
                      holder[0] ? holder : "see pg_locks for who holds it");
}

enum outcome migration_runner_insist(struct migration_runner *runner,
                                     const struct migration_attempt *attempt,
                                     struct error *err)
{
    int64_t start_us = clock_monotonic_us();

    lock_watch_name(runner->watch, attempt->name);
    while (attempt->run(attempt->context, err) == FAILED) {
        if (!lacked_a_lock(err))
            return FAILED;
        if (clock_monotonic_us() - start_us >= runner->lock_wait_us)
            return give_up(runner, err);
        if (primary_wait(runner->primary, -1, RETRY_US, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome migration_runner_transact(struct migration_runner *runner,
                                       enum outcome (*run)(void *context,
                                                           struct error *err),
                                       void *context, struct error *err)
{
    struct primary *primary = runner->primary;
    struct error ignored;

    if (primary_run(primary, &migration_runner_sql.begin, NULL, 0, err) == FAILED)
        return FAILED;
    if (run(context, err) == OK &&
        primary_run(primary, &migration_runner_sql.commit, NULL, 0, err) == OK)
        return OK;
    if (primary_is_connected(primary) &&
        primary_run(primary, &migration_runner_sql.roll_back, NULL, 0, &ignored) ==
            FAILED)
        primary_close(primary);
    return FAILED;
}

void migration_runner_tell_done(const struct migration_runner *runner, const char *name,
                                const char *verb, int64_t started_us)
{
    if (runner->observer->done)
        runner->observer->done(runner->observer->context, name, verb,
                               clock_monotonic_us() - started_us);
}

void migration_runner_tell_sql(const struct migration_runner *runner, const char *name,
                               const char *text)
{
    if (runner->observer->sql)
        runner->observer->sql(runner->observer->context, name, text);
}
