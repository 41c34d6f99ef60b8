/*
 * Report: the last word of a command: its document on stdout, or its error on stderr.
 */
#ifndef DAEMON_CLI_REPORT_H
#define DAEMON_CLI_REPORT_H

#include "lib/base/error.h"
#include "lib/control/control_protocol.h"

#include <jansson.h>
#include <stdbool.h>

/* "tidemark: message" and the hint, or with json one line {"kind":"error",…}. Returns
 * the exit status that belongs to the error. */
enum exit_status report_error(bool json, const struct error *err);

/* One JSON line on stdout; takes the reference. EXIT_DONE, or EXIT_FAILED without
 * memory. */
enum exit_status report_document(json_t *document);

/* Writes out what is left. A reader that went away is no error; a full disk is. */
enum exit_status report_close(bool json, enum exit_status status);

#endif
