#include "daemon/cli/migration_screen.h"

#include "daemon/cli/human_text.h"
#include "daemon/cli/report.h"
#include "daemon/cli/signal_watch.h"
#include "lib/base/clock.h"

#include <limits.h>
#include <stdio.h>

#define LOCK_WAIT_MS 60000
#define NAME_COLUMNS 40

static double seconds(int64_t duration_us)
{
    return (double)duration_us / (double)US_PER_SECOND;
}

static void print_done(void *context, const char *name, const char *verb,
                       int64_t duration_us)
{
    struct migration_screen *screen = context;

    screen->done++;
    if (screen->invocation->json)
        report_document(json_pack("{s:i, s:s, s:s, s:s, s:f}", "v", 1, "kind",
                                  "migration", "name", name, "state", verb, "duration_s",
                                  seconds(duration_us)));
    else
        printf("%-*s  %s  %.2f s\n", human_field(name, NAME_COLUMNS), name, verb,
               seconds(duration_us));
    fflush(stdout);
}

static void print_sql(void *context, const char *name, const char *text)
{
    const struct migration_screen *screen = context;

    if (screen->invocation->json)
        report_document(json_pack("{s:i, s:s, s:s, s:s, s:s}", "v", 1, "kind",
                                  "migration", "name", name, "state", "pending", "sql",
                                  text));
    else
        printf("-- %s\n%s\n", name, text);
}

static void print_waiting(void *context, const char *name, const char *reason)
{
    const struct migration_screen *screen = context;

    if (screen->invocation->json)
        report_document(json_pack("{s:i, s:s, s:s, s:s, s:s}", "v", 1, "kind",
                                  "migration", "name", name, "state", "waiting", "reason",
                                  reason));
    else
        fprintf(stderr, "%-*s  waits: %s\n", human_field(name, NAME_COLUMNS), name,
                reason);
}

static enum outcome fill_config(struct migration_screen *screen, struct error *err)
{
    const struct config *settings = screen->invocation->config;
    struct migrate_config *config = &screen->config;
    int64_t lock_wait_us = LOCK_WAIT_MS * US_PER_MS;

    config_migrations_primary(settings, &config->primary);
    if (config_check_migrations(settings, err) == FAILED)
        return FAILED;
    if (screen->invocation->timeout &&
        setting_parse_duration(screen->invocation->timeout, &lock_wait_us, err) == FAILED)
        return error_wrap(err, "--timeout");
    if (lock_wait_us > INT_MAX * US_PER_MS)
        return error_set(err, ERROR_INVALID, "--timeout: 24 days at most");
    config->lock_wait_ms = (int)(lock_wait_us / US_PER_MS);
    config->dry_run = screen->invocation->dry_run;
    config->scratch = config_text(settings, MIGRATIONS_SCRATCH);
    config->directory = config_text(settings, MIGRATIONS_DIRECTORY);
    config->directory_may_be_missing =
        config_entry(settings, MIGRATIONS_DIRECTORY).origin == ORIGIN_DEFAULT;
    return OK;
}

enum outcome migration_screen_open(struct migration_screen *screen,
                                   const struct invocation *invocation, struct error *err)
{
    *screen = (struct migration_screen){
        .invocation = invocation,
        .signal_fd = -1,
        .observer = {.context = screen,
                     .done = print_done,
                     .sql = print_sql,
                     .waiting = print_waiting},
    };
    if (fill_config(screen, err) == FAILED ||
        signal_watch_open(&screen->signal_fd, err) == FAILED)
        return FAILED;
    screen->config.primary.application = "tidemark";
    screen->config.primary.interrupt_fd = screen->signal_fd;
    return OK;
}

void migration_screen_close(struct migration_screen *screen)
{
    if (screen->invocation)
        signal_watch_close(&screen->signal_fd);
    *screen = (struct migration_screen){0};
}

void migration_screen_use_data(struct migration_screen *screen)
{
    const struct config *settings = screen->invocation->config;

    screen->config.directory = config_text(settings, MIGRATIONS_DATA);
    screen->config.directory_may_be_missing =
        config_entry(settings, MIGRATIONS_DATA).origin == ORIGIN_DEFAULT;
}

enum exit_status migration_screen_conclude(const struct migration_screen *screen,
                                           enum outcome outcome, const char *nothing_said,
                                           const struct error *err)
{
    const struct invocation *invocation = screen->invocation;

    if (outcome == FAILED)
        return report_error(invocation->json, err);
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:b, s:b}", "v", 1, "kind", "result",
                                         "ok", 1, "changed", screen->done > 0));
    if (outcome == NOTHING)
        fprintf(stderr, "%s\n", nothing_said);
    return EXIT_DONE;
}
