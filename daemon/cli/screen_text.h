/*
 * Screen text: the few shapes that our screens are made of: a word in the margin and
 * text beside it, wrapped to the width.
 */
#ifndef DAEMON_CLI_SCREEN_TEXT_H
#define DAEMON_CLI_SCREEN_TEXT_H

#include "daemon/cli/terminal.h"
#include "lib/base/buffer.h"

#include <stddef.h>

/* Columns of the margin: the state or the name of a section stands there. */
#define SCREEN_MARGIN ((size_t)10)

/* count blanks; none for a negative count. */
void screen_pad(struct buffer *out, long count);

/* The word, coloured for a state on a terminal with colour, and blanks up to the margin,
 * whose width is returned: a long word needs a wider one. */
size_t screen_margin(struct buffer *out, const char *word,
                     const struct terminal *terminal);

/*
 * text (untrusted) beside the margin: wrapped between words, further lines indented to
 * `indent`; the first one begins where the cursor stands, taken to be `indent`. A newline
 * in text begins a new line.
 */
void screen_wrap(struct buffer *out, const char *text, size_t indent,
                 const struct terminal *terminal);

#endif
