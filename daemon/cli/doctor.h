/*
 * Doctor: looks at this machine, the cache file, the network and the primary before
 * there is trouble, and says for each finding what cures it.
 *
 * Needs no daemon and changes nothing. Every line is a fact: ok, warn (works, but worse
 * than it could) or FAIL (does not work, or promises less than it seems to). Findings
 * carry an id (TM1xx) that never changes its meaning.
 */
#ifndef DAEMON_CLI_DOCTOR_H
#define DAEMON_CLI_DOCTOR_H

#include "lib/control/control_protocol.h"

#include <stdbool.h>

struct config;

/*
 * Prints the report to stdout: lines for people, or with json one document of kind
 * "doctor"; with fix_sql only the SQL that cures what SQL can cure.
 *
 * EXIT_DONE: nothing failed. EXIT_NEEDS_PERSON: at least one FAIL. EXIT_UNREACHABLE: the
 * primary could not be asked (what can be seen locally is printed). EXIT_FAILED: the
 * report itself could not be made.
 */
enum exit_status doctor_command(const struct config *config, bool json, bool fix_sql);

#endif
