/*
 * File status: what can be said about a cache from its file alone, in the shape of the
 * daemon's status document. Reads only.
 */
#ifndef LIB_REPOSITORY_FILE_STATUS_H
#define LIB_REPOSITORY_FILE_STATUS_H

#include "lib/base/error.h"

#include <jansson.h>

struct database;

MUST_CHECK enum outcome file_status(struct database *db, const char *path,
                                    json_t **out_document, struct error *err);

#endif
