/*
 * Sync run: one full round, by the daemon when one runs, else by an engine of our own in
 * a second thread; shown meanwhile, and ended by signals.
 */
#ifndef DAEMON_CLI_SYNC_RUN_H
#define DAEMON_CLI_SYNC_RUN_H

#include "daemon/cli/progress_view.h"
#include "daemon/config.h"

struct sync_run {
    const struct config *config;
    const char *resync_table; /* copy this one anew; NULL: none */
    bool resync_all;          /* everything, as a new device */
    struct progress_view *view;
    int signal_fd;
};

/*
 * OK: caught up, and view->document tells how things are. ERROR_INTERRUPTED: a signal
 * asked us to end; what was copied stays.
 */
MUST_CHECK enum outcome sync_run(const struct sync_run *run, struct error *err);

#endif
