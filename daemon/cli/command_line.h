/*
 * Command line: options and the command's name out of argv.
 *
 * Options may stand anywhere; "--" ends them; "--option=value" and "--option value" are
 * the same.
 */
#ifndef DAEMON_CLI_COMMAND_LINE_H
#define DAEMON_CLI_COMMAND_LINE_H

#include "daemon/cli/command.h"

/*
 * Fills out_invocation; what it points to is in argv. ERROR_INVALID names what is wrong
 * and the nearest valid word; json (and the command, if it was understood) are filled in
 * all the same.
 */
MUST_CHECK enum outcome command_line_parse(int argc, char *const *argv,
                                           struct invocation *out_invocation,
                                           struct error *err);

/* "  --timeout D   give up after D" for the help; NULL at the end. */
const char *command_line_option_help(size_t index, unsigned int *out_option);

#endif
