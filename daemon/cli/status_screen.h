/*
 * Status screen: the status document as a person reads it. Made from the document alone.
 */
#ifndef DAEMON_CLI_STATUS_SCREEN_H
#define DAEMON_CLI_STATUS_SCREEN_H

#include "daemon/cli/terminal.h"
#include "lib/base/buffer.h"

#include <jansson.h>
#include <stdint.h>

/* now_us: for "3 h 28 min ago". Every line ends with a newline. */
void status_screen_append(struct buffer *out, const json_t *document,
                          const struct terminal *terminal, int64_t now_us);

/* One line for prompts and scripts: "offline 14 pending 1 rejected behind=12480s"; a
 * state of two words is joined with "-". */
void status_line_append(struct buffer *out, const json_t *document);

#endif
