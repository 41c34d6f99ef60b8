#include "daemon/cli/command.h"
#include "daemon/cli/daemon_call.h"
#include "daemon/cli/report.h"
#include "daemon/cli/signal_watch.h"
#include "daemon/cli/document_reader.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_TIMEOUT_US (10 * US_PER_SECOND)

/* One request, one answer, which is printed as `done` or as JSON. */
static enum exit_status ask(const struct invocation *invocation, json_t *request,
                            int64_t timeout_us, const char *done)
{
    OWNED(daemon_call_close) struct control_client *client = NULL;
    json_t *answer = NULL;
    struct error err;

    if (daemon_call_require(invocation->config, request, &client, &err) != OK ||
        daemon_call_answer(client, timeout_us, &answer, &err) != OK)
        return report_error(invocation->json, &err);
    if (invocation->json)
        return report_document(answer);
    json_decref(answer);
    printf("%s\n", done);
    return EXIT_DONE;
}

enum exit_status command_pause(const struct invocation *invocation)
{
    return ask(invocation, json_pack("{s:s}", "command", "pause"), ANSWER_TIMEOUT_US,
               "paused    the cache stays readable; `tidemark resume` goes on");
}

enum exit_status command_resume(const struct invocation *invocation)
{
    return ask(invocation, json_pack("{s:s}", "command", "resume"), ANSWER_TIMEOUT_US,
               "resumed");
}

/* The daemon counts the time; we only give up on one that does not answer at all. */
enum exit_status command_wait(const struct invocation *invocation)
{
    int64_t timeout_us = 0;
    json_t *request;
    struct error err;

    if (!invocation->timeout)
        return ask(invocation, json_pack("{s:s}", "command", "wait"), -1, "caught up");
    if (setting_parse_duration(invocation->timeout, &timeout_us, &err) == FAILED) {
        error_wrap(&err, "--timeout");
        return report_error(invocation->json, &err);
    }
    request = json_pack("{s:s, s:I}", "command", "wait", "timeout_ms",
                        (json_int_t)(timeout_us / US_PER_MS));
    return ask(invocation, request, timeout_us + ANSWER_TIMEOUT_US, "caught up");
}

/* Prints what has come. OK: nothing more for now; NOTHING: nobody reads our output. */
static enum outcome print_lines(struct control_client *client, struct error *err)
{
    for (;;) {
        json_t *line = NULL;
        enum outcome outcome = control_client_receive(client, 0, &line, err);
        bool is_error;

        if (outcome != OK)
            return outcome == NOTHING ? OK : FAILED;
        is_error = strcmp(document_text(line, "kind"), "error") == 0;
        if (is_error)
            control_error_read(line, err);
        else
            report_document(json_incref(line));
        json_decref(line);
        if (is_error)
            return FAILED;
        if (fflush(stdout) != 0)
            return NOTHING;
    }
}

static enum outcome watch(struct control_client *client, int signal_fd, struct error *err)
{
    struct pollfd watched[] = {
        {.fd = control_client_descriptor(client), .events = POLLIN},
        {.fd = signal_fd, .events = POLLIN},
    };
    enum outcome outcome = OK;

    while (outcome == OK) {
        poll(watched, 2, -1);
        for (int signal; (signal = signal_watch_read(signal_fd));)
            if (signal_watch_is_end(signal))
                return OK;
        outcome = print_lines(client, err);
    }
    return outcome;
}

enum exit_status command_watch(const struct invocation *invocation)
{
    OWNED(daemon_call_close) struct control_client *client = NULL;
    OWNED(signal_watch_close) int signal_fd = -1;
    struct error err;

    if (signal_watch_open(&signal_fd, &err) == FAILED ||
        daemon_call_require(invocation->config, json_pack("{s:s}", "command", "watch"),
                            &client, &err) != OK ||
        watch(client, signal_fd, &err) == FAILED)
        return report_error(invocation->json, &err);
    return EXIT_DONE;
}
