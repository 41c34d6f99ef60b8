/*
 * Status line: the status document in one line, for `systemctl status` and the log.
 *
 *   live: 5 tables, complete up to 12:40:31
 *   first sync: orders 54 %, 38 400 rows/s, 2 min 40 s left
 *   offline: connection refused, next try at 12:41:14
 *
 * Times of day are local, and moments instead of durations: the line stands for a while.
 */
#ifndef DAEMON_STATUS_LINE_H
#define DAEMON_STATUS_LINE_H

#include <jansson.h>

#define STATUS_LINE_SIZE 256

/* What the document lacks is left out. */
void status_line_write(const json_t *document, char out_line[static STATUS_LINE_SIZE]);

#endif
