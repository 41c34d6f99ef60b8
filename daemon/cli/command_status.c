#include "daemon/cli/command.h"
#include "daemon/cli/daemon_call.h"
#include "daemon/cli/report.h"
#include "daemon/cli/document_reader.h"
#include "daemon/cli/status_screen.h"
#include "daemon/sync/status_board.h"
#include "daemon/sync/status_of_file.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_US (10 * US_PER_SECOND)

static enum outcome ask_daemon(const struct config *config, json_t **out_document,
                               struct error *err)
{
    OWNED(daemon_call_close) struct control_client *client = NULL;
    enum outcome outcome =
        daemon_call_open(config, json_pack("{s:s}", "command", "status"), &client, err);

    return outcome == OK
               ? daemon_call_answer(client, ANSWER_TIMEOUT_US, out_document, err)
               : outcome;
}

/* Nobody is at work: what the last daemon left in the file, and how to start one. */
static enum outcome look_into_file(const struct config *config, json_t **out_document,
                                   struct error *err)
{
    struct engine_config engine_config;
    struct status_promises promises;
    struct error absent;
    enum outcome outcome;

    config_engine(config, &engine_config);
    promises =
        (struct status_promises){engine_config.cache.path, engine_config.overlap_us,
                                 engine_config.sweep_interval_us};
    outcome = status_of_file(&promises, out_document, err);
    if (outcome != OK)
        return outcome;
    daemon_call_absent(config, &absent);
    json_array_append_new(json_object_get(*out_document, "hints"),
                          json_pack("{s:s, s:s}", "text", "the daemon is not running",
                                    "command", absent.hint));
    return OK;
}

/* Neither a daemon nor a cache. */
static enum outcome refuse_absent(const struct config *config, struct error *err)
{
    if (config_check_primary(config, err) == FAILED)
        return FAILED;
    error_set(err, ERROR_TRANSIENT,
              "there is no cache at %s yet, and no daemon is running",
              config_text(config, CACHE_PATH));
    return error_hint(err, "`tidemark sync` makes the first copy");
}

static void print_screen(const json_t *document, bool quiet)
{
    struct terminal terminal = terminal_of(STDOUT_FILENO);
    OWNED(buffer_release) struct buffer screen = {0};

    if (quiet)
        status_line_append(&screen, document);
    else
        status_screen_append(&screen, document, &terminal, clock_now_us());
    if (!screen.failed)
        fwrite(screen.data, 1, screen.length, stdout);
}

enum exit_status command_status(const struct invocation *invocation)
{
    const char *const *named_tables = config_list(invocation->config, SYNC_TABLES);
    json_t *document = NULL;
    bool needs_person;
    struct error err;
    enum outcome outcome = ask_daemon(invocation->config, &document, &err);

    if (outcome == NOTHING)
        outcome = look_into_file(invocation->config, &document, &err);
    if (outcome == NOTHING)
        outcome = refuse_absent(invocation->config, &err);
    if (outcome != OK)
        return report_error(invocation->json, &err);
    needs_person = document_needs_person(document, named_tables);
    if (invocation->json) {
        report_document(document);
    } else {
        print_screen(document, invocation->quiet);
        json_decref(document);
    }
    return needs_person ? EXIT_NEEDS_PERSON : EXIT_DONE;
}
