/*
 * Terminal: what the other end of a descriptor can show.
 *
 * Colour and redrawing only on a terminal, colour not with NO_COLOR, characters beyond
 * ASCII only where the locale is UTF-8 (setlocale() must have been called).
 */
#ifndef DAEMON_CLI_TERMINAL_H
#define DAEMON_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct terminal {
    bool interactive; /* a terminal that understands cursor movement */
    bool colour;
    bool unicode;
    size_t columns; /* 100 when it is none */
    size_t rows;
};

struct terminal terminal_of(int fd);

#endif
