/* Question: asks a person before something is lost. */
#ifndef DAEMON_CLI_QUESTION_H
#define DAEMON_CLI_QUESTION_H

#include "lib/base/error.h"

/*
 * Prints "<what>? [y/N] " on stderr and reads the answer. OK: yes. NOTHING: no.
 * ERROR_INVALID: nobody is there to ask (stdin is no terminal); the hint names --yes.
 */
MUST_CHECK enum outcome question_ask(const char *what, struct error *err);

#endif
