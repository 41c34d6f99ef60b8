/*
 * Progress block: how far a long job is, from the status document: as a block to be
 * redrawn on a terminal, or as one line for everything else.
 */
#ifndef DAEMON_CLI_PROGRESS_BLOCK_H
#define DAEMON_CLI_PROGRESS_BLOCK_H

#include "daemon/cli/terminal.h"
#include "lib/base/buffer.h"

#include <jansson.h>

/* No line is wider than the terminal, and there are fewer than it has rows. Returns the
 * number of lines. */
size_t progress_block_append(struct buffer *out, const json_t *document,
                             const struct terminal *terminal);

/* "first sync: 54 % of orders (1 120 000 of ~2 070 000 rows), 2 of 5 tables done, …" */
void progress_line_append(struct buffer *out, const json_t *document);

/* Of the whole job, 0 to 100. */
double progress_percent(const json_t *document);

#endif
