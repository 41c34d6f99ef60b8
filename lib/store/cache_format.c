#include "lib/store/cache_format.h"

#include "lib/base/fault_point.h"
#include "lib/db/database.h"
#include "cache_migrations.h"

#include <stdio.h>
#include <string.h>

/* "tide" in ASCII: tells our files from other programs' databases. */
#define APPLICATION_ID 0x74696465

static size_t version_of_this_program(void)
{
    return sizeof(cache_migrations) / sizeof(cache_migrations[0]) - 1;
}

/* What SQLite says of the file itself names it already. */
enum outcome cache_format_name(const char *path, struct error *err)
{
    return strstr(err->message, path) ? FAILED : error_wrap(err, "%s", path);
}

enum outcome cache_format_check(struct database *db, int64_t *out_version,
                                struct error *err)
{
    int64_t application_id = 0;
    int64_t tables = 0;

    if (database_query_int(db, "read the cache", "pragma application_id", &application_id,
                           err) == FAILED ||
        database_query_int(db, "read the cache", "pragma user_version", out_version,
                           err) == FAILED ||
        database_query_int(db, "read the cache", "select count(*) from sqlite_schema",
                           &tables, err) == FAILED)
        return cache_format_name(db->path, err);
    if (application_id != APPLICATION_ID && tables > 0) {
        error_set(err, ERROR_INVALID, "%s is another program's database", db->path);
        return error_hint(err, "name a file of its own in [cache] path");
    }
    if (application_id != APPLICATION_ID)
        *out_version = 0; /* an empty file, whatever another program has noted in it */
    if (*out_version <= (int64_t)version_of_this_program())
        return OK;
    error_set(err, ERROR_INVALID,
              "%s was made by a newer tidemark (format %lld, this one knows %zu)",
              db->path, (long long)*out_version, version_of_this_program());
    return error_hint(err, "install that version, or name another file in [cache] path");
}

enum outcome cache_format_require(const struct database *db, int64_t version,
                                  struct error *err)
{
    if (version == (int64_t)version_of_this_program())
        return OK;
    error_set(err, ERROR_INVALID,
              "%s was last used by an older tidemark, or its making was broken off",
              db->path);
    return error_hint(err, "start tidemarkd or run `tidemark sync` once: it brings the "
                           "file up to date");
}

enum outcome cache_format_migrate(struct database *db, int64_t version, struct error *err)
{
    char pragma[80];

    for (; version < (int64_t)version_of_this_program(); version++) {
        const struct sql *migration = &cache_migrations[version];

        snprintf(pragma, sizeof(pragma),
                 "pragma user_version = %lld; pragma application_id = %d;",
                 (long long)version + 1, APPLICATION_ID);
        if (database_begin(db, err) == FAILED ||
            database_run(db, migration->name, migration->text, err) == FAILED ||
            database_run(db, migration->name, pragma, err) == FAILED ||
            database_commit(db, err) == FAILED) {
            cache_format_name(db->path, err);
            return error_wrap(err, "prepare the cache");
        }
        fault_point("cache.migrated");
    }
    return OK;
}
