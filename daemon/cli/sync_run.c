#include "daemon/cli/sync_run.h"

#include "daemon/cli/daemon_call.h"
#include "daemon/cli/signal_watch.h"
#include "daemon/cli/document_reader.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_EVERY_MS 100
#define STATUS_TIMEOUT_US (5 * US_PER_SECOND)

/* True when we were asked to end. */
static bool take_signals(const struct sync_run *run)
{
    int signal;

    while ((signal = signal_watch_read(run->signal_fd))) {
        if (signal_watch_is_end(signal))
            return true;
        if (signal == SIGUSR1)
            progress_view_now(run->view);
        else
            progress_view_resize(run->view);
    }
    return false;
}

/* Until a signal or one of ours is readable, but not for long. */
static void wait_a_moment(const struct sync_run *run, int fd)
{
    struct pollfd watched[] = {{.fd = run->signal_fd, .events = POLLIN},
                               {.fd = fd, .events = POLLIN}};

    poll(watched, 2, LOOK_EVERY_MS);
}

/* One line of the daemon's answer. OK: it is done; NOTHING: it goes on. */
static enum outcome take_line(const struct sync_run *run, const json_t *line,
                              struct error *err)
{
    const char *kind = document_text(line, "kind");

    if (strcmp(kind, "error") == 0)
        return control_error_read(line, err);
    if (strcmp(kind, "result") == 0)
        return OK;
    if (strcmp(kind, "status") == 0)
        progress_view_update(run->view, (json_t *)line);
    return NOTHING;
}

/* NOTHING: no line is there now. */
static enum outcome take_lines(const struct sync_run *run, struct control_client *client,
                               struct error *err)
{
    enum outcome outcome = NOTHING;

    while (outcome == NOTHING) {
        json_t *line = NULL;

        outcome = control_client_receive(client, 0, &line, err);
        if (outcome != OK)
            return outcome;
        outcome = take_line(run, line, err);
        json_decref(line);
    }
    return outcome;
}

static json_t *request_of(const struct sync_run *run)
{
    if (run->resync_table)
        return json_pack("{s:s, s:s}", "command", "resync", "table", run->resync_table);
    if (run->resync_all)
        return json_pack("{s:s, s:b}", "command", "resync", "all", 1);
    return json_pack("{s:s}", "command", "sync");
}

/* For the summary: how things are now that it is done. Without it, the last line told. */
static void look_once_more(const struct sync_run *run)
{
    OWNED(daemon_call_close) struct control_client *client = NULL;
    json_t *document = NULL;
    struct error ignored;

    if (daemon_call_open(run->config, json_pack("{s:s}", "command", "status"), &client,
                         &ignored) != OK ||
        daemon_call_answer(client, STATUS_TIMEOUT_US, &document, &ignored) != OK)
        return;
    progress_view_update(run->view, document);
    json_decref(document);
}

static enum outcome sync_by_daemon(const struct sync_run *run,
                                   struct control_client *client, struct error *err)
{
    enum outcome outcome = NOTHING;

    while (outcome == NOTHING) {
        wait_a_moment(run, control_client_descriptor(client));
        if (take_signals(run))
            return error_set(err, ERROR_INTERRUPTED, "left; the daemon goes on with it");
        outcome = take_lines(run, client, err);
    }
    if (outcome == OK)
        look_once_more(run);
    return outcome;
}

/* The engine's thread, and how it ended. */
struct worker {
    struct engine *engine;
    const char *resync_table;
    bool resync_all;
    int done_fd;
    enum outcome outcome;
    struct error err;
};

/* The engine knows its tables after the first round: before it, no name can be checked.
 */
static enum outcome sync_and_copy(struct worker *worker, struct error *err)
{
    if (worker->resync_all && engine_request_resync(worker->engine, NULL, err) == FAILED)
        return FAILED;
    if (engine_sync_once(worker->engine, err) == FAILED)
        return FAILED;
    if (!worker->resync_table)
        return OK;
    if (engine_request_resync(worker->engine, worker->resync_table, err) == FAILED)
        return FAILED;
    return engine_sync_once(worker->engine, err);
}

static void *work(void *context)
{
    struct worker *worker = context;

    worker->outcome = sync_and_copy(worker, &worker->err);
    eventfd_write(worker->done_fd, 1);
    return NULL;
}

static void show_engine(const struct sync_run *run, struct engine *engine)
{
    json_t *document = engine_status(engine);

    if (document)
        progress_view_update(run->view, document);
    json_decref(document);
}

static void watch_worker(const struct sync_run *run, const struct worker *worker)
{
    eventfd_t done = 0;

    while (eventfd_read(worker->done_fd, &done) < 0 && errno == EAGAIN) {
        wait_a_moment(run, worker->done_fd);
        if (take_signals(run))
            engine_stop(worker->engine);
        show_engine(run, worker->engine);
    }
}

static void fd_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum outcome run_worker(const struct sync_run *run, struct engine *engine,
                               struct error *err)
{
    OWNED(fd_close) int done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct worker worker = {.engine = engine,
                            .resync_table = run->resync_table,
                            .resync_all = run->resync_all,
                            .done_fd = done_fd};
    pthread_t thread;

    if (done_fd < 0)
        return error_set_errno(err, "make an event");
    errno = pthread_create(&thread, NULL, work, &worker);
    if (errno)
        return error_set_errno(err, "start a thread");
    watch_worker(run, &worker);
    pthread_join(thread, NULL);
    show_engine(run, engine);
    if (worker.outcome == OK)
        return OK;
    *err = worker.err;
    if (err->kind == ERROR_INTERRUPTED)
        error_set(
            err, ERROR_INTERRUPTED,
            "stopped; what is copied stays, and `tidemark sync` goes on from there");
    return FAILED;
}

static void engine_drop(struct engine **engine)
{
    engine_free(*engine);
}

static enum outcome sync_here(const struct sync_run *run, struct error *err)
{
    OWNED(engine_drop) struct engine *engine = NULL;
    struct engine_config config;

    if (config_check_primary(run->config, err) == FAILED)
        return FAILED;
    config_engine(run->config, &config);
    config.primary.application = "tidemark";
    if (engine_new(&engine, &config, NULL, err) == FAILED ||
        engine_open(engine, err) == FAILED)
        return FAILED;
    return run_worker(run, engine, err);
}

enum outcome sync_run(const struct sync_run *run, struct error *err)
{
    OWNED(daemon_call_close) struct control_client *client = NULL;
    enum outcome outcome = daemon_call_open(run->config, request_of(run), &client, err);

    if (outcome == OK)
        return sync_by_daemon(run, client, err);
    return outcome == NOTHING ? sync_here(run, err) : FAILED;
}
