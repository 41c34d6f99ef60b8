/*
 * Library status: what libtidemark says about a cache when no daemon answers, from the
 * file alone and in the shape of the daemon's status document. Reads only. What the tool
 * says then is daemon/sync/status_of_file.h: it knows the settings too.
 */
#ifndef LIB_REPOSITORY_LIBRARY_STATUS_H
#define LIB_REPOSITORY_LIBRARY_STATUS_H

#include "lib/base/error.h"

#include <jansson.h>

struct database;

MUST_CHECK enum outcome library_status_of_file(struct database *db, const char *path,
                                               json_t **out_document, struct error *err);

#endif
