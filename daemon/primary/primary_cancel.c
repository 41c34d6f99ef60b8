#include "daemon/primary/primary_link.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 300

/* Owned by the thread that sends it, which may outlive the wait for it. */
struct cancel_request {
    PGcancel *cancel;
    int done_fd; /* closed when the server has taken the request */
};

static void request_free(struct cancel_request *request)
{
    PQfreeCancel(request->cancel);
    close(request->done_fd);
    free(request);
}

/* PQcancel() waits without a limit, and in a network that went silent for minutes. */
static void *send_request(void *context)
{
    struct cancel_request *request = context;
    char ignored[256];
    sigset_t all;

    /* among them the SIGPIPE of a server that hangs up */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)!PQcancel(request->cancel, ignored, sizeof(ignored));
    request_free(request);
    return NULL;
}

static struct cancel_request *request_new(PGconn *connection, int *out_done_fd)
{
    struct cancel_request *request = calloc(1, sizeof(*request));
    int ends[2];

    if (!request)
        return NULL;
    request->cancel = PQgetCancel(connection);
    if (!request->cancel || pipe2(ends, O_CLOEXEC) < 0) {
        PQfreeCancel(request->cancel);
        free(request);
        return NULL;
    }
    request->done_fd = ends[1];
    *out_done_fd = ends[0];
    return request;
}

void link_cancel(struct primary *primary)
{
    struct pollfd done = {.fd = -1};
    struct cancel_request *request = request_new(primary->connection, &done.fd);
    pthread_t thread;

    if (!request)
        return;
    if (pthread_create(&thread, NULL, send_request, request) == 0) {
        pthread_detach(thread);
        (void)!poll(&done, 1, PATIENCE_MS);
    } else {
        request_free(request);
    }
    close(done.fd);
}
