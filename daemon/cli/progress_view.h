/*
 * Progress view: shows on stderr how far a sync is. On a terminal a block that is
 * redrawn; elsewhere a line at the start, then after each 10 % but not within 30 s of the
 * last one. With json the lines are status documents on stdout instead.
 */
#ifndef DAEMON_CLI_PROGRESS_VIEW_H
#define DAEMON_CLI_PROGRESS_VIEW_H

#include "daemon/cli/terminal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_view {
    bool json;
    struct terminal terminal;
    size_t lines; /* of the block that stands on the terminal */
    bool begun;
    int64_t shown_us; /* monotonic; of the last line */
    double shown_percent;
    json_t *document; /* the latest, for a signal and for the summary */
};

void progress_view_init(struct progress_view *view, bool json);
void progress_view_release(struct progress_view *view); /* takes the block away */

/* Keeps the document (a reference of its own) and shows it when it is time. */
void progress_view_update(struct progress_view *view, json_t *document);

/* Shows the line now (SIGUSR1). */
void progress_view_now(struct progress_view *view);

/* The terminal's size has changed (SIGWINCH). */
void progress_view_resize(struct progress_view *view);

#endif
