#include "daemon/cli/command.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/progress_view.h"
#include "daemon/cli/report.h"
#include "daemon/cli/screen_text.h"
#include "daemon/cli/signal_watch.h"
#include "daemon/cli/document_reader.h"
#include "daemon/cli/sync_run.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <math.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define REFUSALS_SHOWN 10

/* Said here, because without a daemon nobody else knows. */
static void print_refusals(const json_t *document)
{
    const json_t *refused = document_member(document, "refused");
    size_t count = json_array_size(refused);

    for (size_t i = 0; i < count && i < REFUSALS_SHOWN; i++) {
        const json_t *table = json_array_get(refused, i);
        const char *name = document_text(table, "name");

        fprintf(stderr, "%s%s%s is not mirrored: %s\n", document_text(table, "schema"),
                *name ? "." : "", name, document_text(table, "reason"));
        if (*document_text(table, "remedy"))
            fprintf(stderr, "-> %s\n", document_text(table, "remedy"));
    }
    if (count > REFUSALS_SHOWN)
        fprintf(stderr, "and %zu more tables are not mirrored\n", count - REFUSALS_SHOWN);
}

static void print_summary(const json_t *document, double elapsed_s)
{
    size_t tables = json_array_size(document_member(document, "tables"));
    struct terminal terminal = terminal_of(STDOUT_FILENO);
    OWNED(buffer_release) struct buffer line = {0};
    int64_t mark_us;

    screen_margin(&line, "caught up", &terminal);
    buffer_append_format(&line, "%zu %s, %s %s", tables, tables == 1 ? "table" : "tables",
                         human_count(document_rows(document)).text,
                         document_rows(document) == 1 ? "row" : "rows");
    if (document_time(document, "mark", &mark_us))
        buffer_append_format(&line, ", complete up to %s", human_time(mark_us).text);
    buffer_append_format(&line, " (%s)\n", human_duration(elapsed_s).text);
    if (!line.failed)
        fputs(line.data, stdout);
    print_refusals(document);
}

static enum exit_status print_json(const json_t *document, double elapsed_s)
{
    return report_document(json_pack(
        "{s:i, s:s, s:b, s:I, s:I, s:O?, s:f}", "v", 1, "kind", "result", "ok", 1,
        "tables", (json_int_t)json_array_size(document_member(document, "tables")),
        "rows", (json_int_t)document_rows(document), "mark",
        document_member(document, "mark"), "elapsed_s", round(elapsed_s * 1000) / 1000));
}

static enum exit_status conclude(const struct invocation *invocation,
                                 const json_t *document, double elapsed_s)
{
    if (invocation->json)
        print_json(document, elapsed_s);
    else
        print_summary(document, elapsed_s);
    if (!document_needs_person(document, config_list(invocation->config, SYNC_TABLES)))
        return EXIT_DONE;
    if (!invocation->json)
        fprintf(stderr, "something needs you: tidemark status\n");
    return EXIT_NEEDS_PERSON;
}

static enum exit_status sync_now(const struct invocation *invocation,
                                 const char *resync_table, bool resync_all)
{
    OWNED(progress_view_release) struct progress_view view;
    OWNED(signal_watch_close) int signal_fd = -1;
    int64_t began_us = clock_monotonic_us();
    json_t *document;
    enum exit_status status;
    struct error err;
    enum outcome outcome;

    progress_view_init(&view, invocation->json);
    outcome = signal_watch_open(&signal_fd, &err);
    if (outcome == OK)
        outcome = sync_run(
            &(struct sync_run){
                .config = invocation->config,
                .resync_table = resync_table,
                .resync_all = resync_all,
                .view = &view,
                .signal_fd = signal_fd,
            },
            &err);
    document = json_incref(view.document);
    progress_view_release(&view);
    if (outcome == FAILED)
        status = report_error(invocation->json, &err);
    else
        status =
            conclude(invocation, document,
                     (double)(clock_monotonic_us() - began_us) / (double)US_PER_SECOND);
    json_decref(document);
    return status;
}

enum exit_status command_sync(const struct invocation *invocation)
{
    return sync_now(invocation, NULL, false);
}

enum exit_status command_resync(const struct invocation *invocation)
{
    return sync_now(invocation, invocation->operand, !invocation->operand);
}
