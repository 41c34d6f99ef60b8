/*
 * Fake daemon: answers on a control socket as tidemarkd does, always the same, in a
 * thread of its own. It allocates nothing, so it goes on where memory has run out.
 *
 *   status  one status document       sync   a status document, then the result
 *   watch   two change sets, then nothing until the client leaves
 *   others  an error
 */
#ifndef TESTS_SUPPORT_FAKE_DAEMON_H
#define TESTS_SUPPORT_FAKE_DAEMON_H

#include <pthread.h>

struct fake_daemon {
    pthread_t thread;
    int listener;
};

/* Listens at the path; whatever goes wrong fails the test. */
void fake_daemon_start(struct fake_daemon *daemon, const char *path);
void fake_daemon_stop(struct fake_daemon *daemon);

#endif
