#include "daemon/app.h"

#include "daemon/arguments.h"
#include "daemon/config.h"
#include "daemon/loop/event_loop.h"
#include "daemon/notify.h"
#include "daemon/observe/log.h"
#include "daemon/server/control_server.h"
#include "daemon/server/engine_events.h"
#include "daemon/status_line.h"
#include "daemon/supervision.h"
#include "daemon/sync/engine.h"
#include "daemon/worker.h"
#include "lib/db/database.h"
#include "lib/base/clock.h"
#include "lib/control/control_protocol.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define STOP_LIMIT_US (800 * US_PER_MS)

struct app {
    struct arguments arguments;
    struct config *first_config; /* what the parts that need a restart still run with */
    struct config *config;       /* the latest; may be the first */
    struct retired_config *retired;
    struct event_loop *loop;
    struct event_wake *worker_ended;
    struct engine_events *events;
    struct engine *engine;
    struct control_server *server; /* NULL while stopping */
    struct supervision *supervision;
    struct worker worker;
    bool stopping;
};

/* The worker may be reading an old configuration's text until its round is over, and
 * nothing says when that was; a reload is rare and a configuration is small. */
struct retired_config {
    struct config *config;
    struct retired_config *next;
};

/* --- configuration --------------------------------------------------------------- */

static enum outcome load_config(const struct app *app, struct config **out_config,
                                struct error *err)
{
    struct config_request request = {.path = app->arguments.config_path,
                                     .environment = environ,
                                     .is_root = geteuid() == 0};
    struct config *config = NULL;

    if (config_load(&config, &request, err) == FAILED)
        return FAILED;
    if (config_check_primary(config, err) == FAILED) {
        config_free(config);
        return FAILED;
    }
    *out_config = config;
    return OK;
}

static enum outcome take_over(struct app *app, struct config *config, struct error *err)
{
    struct retired_config *retired = calloc(1, sizeof *retired);
    struct engine_config engine_config;

    if (!retired)
        return error_out_of_memory(err);
    *retired = (struct retired_config){.config = app->config, .next = app->retired};
    app->retired = retired;
    app->config = config;
    config_engine(config, &engine_config);
    engine_reload(app->engine, &engine_config);
    return OK;
}

static enum outcome reload(struct app *app, struct error *err)
{
    struct config *config = NULL;
    char names[256];

    if (load_config(app, &config, err) == FAILED)
        return FAILED;
    if (take_over(app, config, err) == FAILED) {
        config_free(config);
        return FAILED;
    }
    if (config_differences_needing_restart(app->first_config, config, names,
                                           sizeof names) > 0)
        log_warning("%s changed: takes effect after a restart", names);
    return OK;
}

static void free_configs(struct app *app)
{
    config_free(app->config);
    while (app->retired) {
        struct retired_config *next = app->retired->next;

        config_free(app->retired->config);
        free(app->retired);
        app->retired = next;
    }
}

/* --- signals --------------------------------------------------------------------- */

static void leave(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_DONE);
}

/*
 * Whatever the worker and the loop are doing, the process is gone in time. Leaving in
 * the midst of a write is safe: SQLite's WAL drops an unfinished transaction, and a
 * snapshot goes on after its last committed chunk.
 */
static void leave_in_time(void)
{
    struct itimerval limit = {.it_value = {.tv_usec = STOP_LIMIT_US}};

    signal(SIGALRM, leave);
    setitimer(ITIMER_REAL, &limit, NULL);
}

/* Until the loop runs, being asked to end is answered by ending. */
static void prepare_signals(void)
{
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
}

static void on_stop(void *context)
{
    struct app *app = context;

    if (app->stopping)
        return;
    app->stopping = true;
    leave_in_time();
    notify_stopping();
    log_info("stopping");
    engine_stop(app->engine);
    control_server_stop(app->server);
    app->server = NULL;
}

static void on_reload(void *context)
{
    struct app *app = context;
    struct error err;

    if (app->stopping)
        return;
    notify_reloading();
    if (reload(app, &err) == FAILED)
        log_outcome(&err, "keeping the configuration as it was");
    else
        log_info("configuration reloaded");
    notify_ready();
}

static void on_show_status(void *context)
{
    struct app *app = context;
    json_t *document = engine_status(app->engine);
    char line[STATUS_LINE_SIZE];

    if (!document)
        return;
    status_line_write(document, line);
    json_decref(document);
    log_info("%s", line);
}

static enum outcome add_signals(struct app *app, struct error *err)
{
    if (event_loop_add_signal(app->loop, SIGTERM, on_stop, app, err) == FAILED ||
        event_loop_add_signal(app->loop, SIGINT, on_stop, app, err) == FAILED ||
        event_loop_add_signal(app->loop, SIGHUP, on_reload, app, err) == FAILED)
        return FAILED;
    return event_loop_add_signal(app->loop, SIGUSR1, on_show_status, app, err);
}

/* --- what the engine reports ----------------------------------------------------- */

static void on_status_changed(void *context)
{
    struct app *app = context;

    if (app->stopping)
        return;
    supervision_status_changed(app->supervision);
    control_server_status_changed(app->server);
}

static void on_change_set(void *context, const char *json_line)
{
    struct app *app = context;

    if (!app->stopping)
        control_server_change_set(app->server, json_line);
}

static void on_change_sets_lost(void *context)
{
    struct app *app = context;

    if (!app->stopping)
        control_server_change_sets_lost(app->server);
}

static void on_worker_ended(void *context)
{
    struct app *app = context;

    event_loop_stop(app->loop);
}

/* --- the engine, as the control server sees it ----------------------------------- */

static json_t *target_status(void *context)
{
    return engine_status(context);
}

static int64_t target_request_round(void *context)
{
    return engine_request_round(context);
}

static enum outcome target_round_state(void *context, int64_t ticket, struct error *err)
{
    return engine_round_state(context, ticket, err);
}

static void target_pause(void *context)
{
    engine_pause(context);
}

static void target_resume(void *context)
{
    engine_resume(context);
}

static enum outcome target_request_resync(void *context, const char *table,
                                          struct error *err)
{
    return engine_request_resync(context, table, err);
}

static enum outcome start_server(struct app *app, struct error *err)
{
    const struct control_target target = {.context = app->engine,
                                          .status = target_status,
                                          .request_round = target_request_round,
                                          .round_state = target_round_state,
                                          .pause = target_pause,
                                          .resume = target_resume,
                                          .request_resync = target_request_resync};

    return control_server_start(&app->server, app->loop,
                                config_text(app->config, CONTROL_SOCKET), &target, err);
}

/* --- life ------------------------------------------------------------------------ */

static enum outcome start_loop(struct app *app, struct error *err)
{
    const struct engine_listener listener = {.context = app,
                                             .status_changed = on_status_changed,
                                             .change_set = on_change_set,
                                             .change_sets_lost = on_change_sets_lost};

    if (event_loop_new(&app->loop, err) == FAILED)
        return FAILED;
    if (event_loop_add_wake(app->loop, on_worker_ended, app, &app->worker_ended, err) ==
        FAILED)
        return FAILED;
    return engine_events_new(&app->events, app->loop, &listener, err);
}

static enum outcome open_engine(struct app *app, struct error *err)
{
    struct engine_observer observer = engine_events_observer(app->events);
    struct engine_config engine_config;

    config_engine(app->config, &engine_config);
    if (engine_new(&app->engine, &engine_config, &observer, err) == FAILED)
        return FAILED;
    return engine_open_or_wait(app->engine, err);
}

static enum outcome start(struct app *app, struct error *err)
{
    if (load_config(app, &app->config, err) == FAILED)
        return FAILED;
    app->first_config = app->config;
    if (start_loop(app, err) == FAILED || open_engine(app, err) == FAILED ||
        start_server(app, err) == FAILED || add_signals(app, err) == FAILED)
        return FAILED;
    if (supervision_start(&app->supervision, app->loop, app->engine, err) == FAILED)
        return FAILED;
    return worker_start(&app->worker, app->engine, app->worker_ended, err);
}

static void release(struct app *app)
{
    supervision_stop(app->supervision);
    control_server_stop(app->server);
    engine_free(app->engine);
    event_loop_free(app->loop);
    engine_events_free(app->events);
    free_configs(app);
}

static void greet(const struct app *app)
{
    const char *file = config_file(app->config);

    log_info("tidemarkd %s: cache %s, control socket %s, configuration %s",
             TIDEMARK_VERSION, config_text(app->config, CACHE_PATH),
             config_text(app->config, CONTROL_SOCKET),
             file ? file : "from the environment");
}

static int refuse_to_start(const struct error *err)
{
    fprintf(stderr, "tidemarkd: %s\n", err->message);
    if (err->hint[0])
        fprintf(stderr, "  %s\n", err->hint);
    return err->kind == ERROR_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* Ready means that the tool can ask how it is. Offline is healthy, and a disk that is
 * full is waited for. */
static int run(struct app *app)
{
    struct error err;

    greet(app);
    notify_ready();
    event_loop_run(app->loop);
    prepare_signals(); /* the loop listens no more, and closing may take a while */
    if (worker_join(&app->worker, &err) == FAILED && !app->stopping) {
        log_outcome(&err, "giving up");
        return (int)control_exit_status(&err);
    }
    log_info("stopped");
    return EXIT_DONE;
}

int app_run(int argc, char **argv)
{
    struct app app = {0};
    struct error err;
    enum outcome outcome;
    int status;

    outcome = arguments_read(&app.arguments, argc, argv);
    if (outcome != OK)
        return outcome == NOTHING ? EXIT_DONE : EXIT_USAGE;
    prepare_signals();
    log_start();
    database_configure_process();
    status = start(&app, &err) == FAILED ? refuse_to_start(&err) : run(&app);
    release(&app);
    return status;
}
