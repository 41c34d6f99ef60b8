#include "daemon/cli/command.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/report.h"
#include "daemon/cli/signal_watch.h"
#include "daemon/migrate/migrate_primary.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>

#define LOCK_WAIT_MS 60000

static double seconds(int64_t duration_us)
{
    return (double)duration_us / (double)US_PER_SECOND;
}

static void print_applied(void *context, const char *name, int64_t duration_us)
{
    const struct invocation *invocation = context;

    if (invocation->json)
        report_document(json_pack("{s:i, s:s, s:s, s:s, s:f}", "v", 1, "kind",
                                  "migration", "name", name, "state", "applied",
                                  "duration_s", seconds(duration_us)));
    else
        printf("%-40s  ok  %.2f s\n", name, seconds(duration_us));
    fflush(stdout);
}

static void print_sql(void *context, const char *name, const char *text)
{
    const struct invocation *invocation = context;

    if (invocation->json)
        report_document(json_pack("{s:i, s:s, s:s, s:s, s:s}", "v", 1, "kind",
                                  "migration", "name", name, "state", "pending", "sql",
                                  text));
    else
        printf("-- %s\n%s\n", name, text);
}

static void print_waiting(void *context, const char *name, const char *reason)
{
    const struct invocation *invocation = context;

    if (invocation->json)
        report_document(json_pack("{s:i, s:s, s:s, s:s, s:s}", "v", 1, "kind",
                                  "migration", "name", name, "state", "waiting", "reason",
                                  reason));
    else
        fprintf(stderr, "%-40s  waits: %s\n", name, reason);
}

static enum exit_status conclude(const struct invocation *invocation,
                                 enum outcome outcome)
{
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:b, s:b}", "v", 1, "kind", "result",
                                         "ok", 1, "changed",
                                         outcome == OK && !invocation->dry_run));
    if (outcome == NOTHING)
        fprintf(stderr, "up to date\n");
    return EXIT_DONE;
}

enum exit_status command_migrate(const struct invocation *invocation)
{
    OWNED(signal_watch_close) int signal_fd = -1;
    const struct migrate_observer observer = {
        .context = (void *)invocation,
        .applied = print_applied,
        .sql = print_sql,
        .waiting = print_waiting,
    };
    struct migrate_config config = {.dry_run = invocation->dry_run,
                                    .lock_wait_ms = LOCK_WAIT_MS};
    enum outcome outcome = OK;
    struct error err;

    config_migrations_primary(invocation->config, &config.primary);
    if (!config.primary.conninfo[0])
        outcome = config_check_primary(invocation->config, &err);
    if (outcome == OK)
        outcome = signal_watch_open(&signal_fd, &err);
    if (outcome == OK) {
        config.primary.application = "tidemark";
        config.primary.interrupt_fd = signal_fd;
        outcome = migrate_primary(&config, &observer, &err);
    }
    return outcome == FAILED ? report_error(invocation->json, &err)
                             : conclude(invocation, outcome);
}
