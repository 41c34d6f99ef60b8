#include "daemon/worker.h"

#include "daemon/loop/event_loop.h"
#include "daemon/sync/engine.h"

#include <errno.h>
#include <signal.h>

static void *run_engine(void *context)
{
    struct worker *worker = context;

    worker->outcome = engine_run(worker->engine, &worker->err);
    event_wake_send(worker->ended);
    return NULL;
}

enum outcome worker_start(struct worker *worker, struct engine *engine,
                          struct event_wake *ended, struct error *err)
{
    sigset_t all;
    sigset_t before;
    int code;

    *worker = (struct worker){.engine = engine, .ended = ended};
    /* A thread inherits the mask of the one that starts it. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&worker->thread, NULL, run_engine, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        errno = code;
        return error_set_errno(err, "start the worker thread");
    }
    worker->started = true;
    return OK;
}

enum outcome worker_join(struct worker *worker, struct error *err)
{
    if (!worker->started)
        return OK;
    pthread_join(worker->thread, NULL);
    worker->started = false;
    if (worker->outcome == FAILED)
        *err = worker->err;
    return worker->outcome;
}
