/*
 * App: tidemarkd from its arguments to its exit status.
 *
 * The main thread runs the loop; one worker thread runs the engine. Signals: TERM and INT
 * end it within a second, HUP reads the configuration again, USR1 logs the status line.
 */
#ifndef DAEMON_APP_H
#define DAEMON_APP_H

/* The exit status: enum exit_status of lib/control/control_protocol.h. */
int app_run(int argc, char **argv);

#endif
