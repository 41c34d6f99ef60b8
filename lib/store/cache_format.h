/*
 * Cache format: whose an SQLite file is, and which version of our own tables it has
 * (migrations/cache, by PRAGMA user_version).
 */
#ifndef LIB_STORE_CACHE_FORMAT_H
#define LIB_STORE_CACHE_FORMAT_H

#include "lib/base/error.h"

#include <stdint.h>

struct database;

/* ERROR_INVALID: another program's database, or made by a newer tidemark. out_version 0:
 * none of our tables are in it yet. */
MUST_CHECK enum outcome cache_format_check(struct database *db, int64_t *out_version,
                                           struct error *err);

/* ERROR_INVALID: that version is not the one of this program. */
MUST_CHECK enum outcome cache_format_require(const struct database *db, int64_t version,
                                             struct error *err);

/* From that version to the one of this program, a transaction for each step. */
MUST_CHECK enum outcome cache_format_migrate(struct database *db, int64_t version,
                                             struct error *err);

/* Puts the path before the message unless it is in it; returns FAILED. */
enum outcome cache_format_name(const char *path, struct error *err);

#endif
