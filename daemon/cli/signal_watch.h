/*
 * Signal watch: SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGWINCH as something to read,
 * instead of something that interrupts.
 *
 * Open it before any thread is started: they inherit what is blocked.
 */
#ifndef DAEMON_CLI_SIGNAL_WATCH_H
#define DAEMON_CLI_SIGNAL_WATCH_H

#include "lib/base/error.h"

#include <stdbool.h>

MUST_CHECK enum outcome signal_watch_open(int *out_fd, struct error *err);
void signal_watch_close(int *fd); /* for OWNED(); -1 is fine */

/* The next signal that came, 0: none. Does not wait. */
int signal_watch_read(int fd);

/* Those that ask us to end. */
bool signal_watch_is_end(int signal);

#endif
