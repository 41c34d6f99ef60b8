/*
 * Status of a file: the status document of a cache that no daemon is at work on,
 * from what the last one left in it. Opens the file for reading only.
 */
#ifndef DAEMON_SYNC_STATUS_OF_FILE_H
#define DAEMON_SYNC_STATUS_OF_FILE_H

#include "lib/base/error.h"

#include <jansson.h>

struct status_promises;

/* NOTHING: there is no cache yet. */
MUST_CHECK enum outcome status_of_file(const struct status_promises *promises,
                                       json_t **out_document, struct error *err);

#endif
