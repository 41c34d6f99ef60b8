#include "lib/store/cache.h"

#include "lib/base/cleanup.h"
#include "lib/base/fault_point.h"
#include "lib/base/parent_folder.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "cache_migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* "tide" in ASCII: tells our files from other programs' databases. */
#define APPLICATION_ID 0x74696465
#define BUSY_TIMEOUT_MS 5000
#define FOLDER_MODE 0750

static size_t version_of_this_program(void)
{
    return sizeof(cache_migrations) / sizeof(cache_migrations[0]) - 1;
}

static enum outcome make_folder(const char *path, struct error *err)
{
    if (parent_folder_make(path, FOLDER_MODE, err) == OK)
        return OK;
    return error_hint(err, "make it, or name another in [cache] path");
}

/* What a full disk wants is said already. */
static enum outcome hint_unless_full(struct error *err, const char *hint)
{
    return error_is_full_disk(err) ? FAILED : error_hint(err, "%s", hint);
}

/* Its own file: SQLite's locks on the database would not survive a checkpoint's close. */
static enum outcome take_lock(struct cache *cache, struct error *err)
{
    char lock_path[4096];
    int length = snprintf(lock_path, sizeof(lock_path), "%s-tide-lock", cache->path);

    if (length < 0 || (size_t)length >= sizeof(lock_path))
        return error_set(err, ERROR_INVALID, "the cache's path is too long");
    cache->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (cache->lock_fd < 0) {
        error_set_errno(err, "lock the cache %s", lock_path);
        return hint_unless_full(err,
                                "this user must be able to write the cache's folder");
    }
    if (flock(cache->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    error_set(err, ERROR_INVALID, "another tidemark is at work on %s", cache->path);
    return error_hint(err, "stop it first, or give this one its own [cache] path");
}

/* The -wal and -shm files take their mode from the database file. */
static enum outcome make_file(const struct cache_config *config, struct error *err)
{
    int fd = open(config->path, O_RDWR | O_CREAT | O_CLOEXEC, config->mode);
    struct stat status;
    enum outcome outcome = OK;

    if (fd < 0) {
        bool is_folder = errno == EISDIR;

        error_set_errno(err, "open the cache %s", config->path);
        return hint_unless_full(
            err,
            is_folder
                ? "that is a folder: name a file in it in [cache] path"
                : "this user must be able to read and write the file and its folder");
    }
    if (fstat(fd, &status) == 0 && status.st_size == 0 && fchmod(fd, config->mode) < 0)
        outcome = error_set_errno(err, "set the mode of %s", config->path);
    close(fd);
    return outcome;
}

/* What SQLite says of the file itself names it already. */
static enum outcome name_cache(const char *path, struct error *err)
{
    return strstr(err->message, path) ? FAILED : error_wrap(err, "%s", path);
}

static enum outcome check_owner(struct cache *cache, int64_t *out_version,
                                struct error *err)
{
    int64_t application_id = 0;
    int64_t tables = 0;

    if (database_query_int(cache->db, "read the cache", "pragma application_id",
                           &application_id, err) == FAILED ||
        database_query_int(cache->db, "read the cache", "pragma user_version",
                           out_version, err) == FAILED ||
        database_query_int(cache->db, "read the cache",
                           "select count(*) from sqlite_schema", &tables, err) == FAILED)
        return name_cache(cache->path, err);
    if (application_id != APPLICATION_ID && tables > 0) {
        error_set(err, ERROR_INVALID, "%s is another program's database", cache->path);
        return error_hint(err, "name a file of its own in [cache] path");
    }
    if (*out_version <= (int64_t)version_of_this_program())
        return OK;
    error_set(err, ERROR_INVALID,
              "%s was made by a newer tidemark (format %lld, this one knows %zu)",
              cache->path, (long long)*out_version, version_of_this_program());
    return error_hint(err, "install that version, or name another file in [cache] path");
}

static enum outcome migrate(struct cache *cache, int64_t version, struct error *err)
{
    char pragma[80];

    for (; version < (int64_t)version_of_this_program(); version++) {
        const struct sql *migration = &cache_migrations[version];

        snprintf(pragma, sizeof(pragma),
                 "pragma user_version = %lld; pragma application_id = %d;",
                 (long long)version + 1, APPLICATION_ID);
        if (database_begin(cache->db, err) == FAILED ||
            database_run(cache->db, migration->name, migration->text, err) == FAILED ||
            database_run(cache->db, migration->name, pragma, err) == FAILED ||
            database_commit(cache->db, err) == FAILED) {
            name_cache(cache->path, err);
            return error_wrap(err, "prepare the cache");
        }
        fault_point("cache.migrated");
    }
    return OK;
}

static enum outcome open_for_writing(struct cache *cache, struct error *err)
{
    struct database_options options = {.must_exist = true,
                                       .busy_timeout_ms = BUSY_TIMEOUT_MS,
                                       .cache_size_kib = CACHE_PAGES_KIB};

    return database_new(&cache->db, cache->path, &options, err);
}

/* Only now that the file is known to be ours: this writes to it. */
static enum outcome settle_in(struct cache *cache, struct error *err)
{
    struct database_options checkpointing = {.must_exist = true, .busy_timeout_ms = 0};

    if (database_run(
            cache->db, "switch the cache to WAL",
            "pragma journal_mode = wal; pragma synchronous = normal;"
            "pragma wal_autocheckpoint = 0; pragma journal_size_limit = 16777216;"
            "pragma foreign_keys = off;"
            "pragma ignore_check_constraints = on; pragma legacy_alter_table = on;"
            "pragma temp_store = file;",
            err) == FAILED)
        return FAILED;
    if (database_new(&cache->checkpoint, cache->path, &checkpointing, err) == FAILED)
        return FAILED;
    return database_run(cache->checkpoint, "open the cache again",
                        "pragma synchronous = normal; pragma wal_autocheckpoint = 0;",
                        err);
}

enum outcome cache_open(struct cache *out_cache, const struct cache_config *config,
                        struct error *err)
{
    OWNED(cache_release)
    struct cache cache = {.path = strdup(config->path), .lock_fd = -1};
    int64_t version = 0;

    if (!cache.path)
        return error_out_of_memory(err);
    if (make_folder(config->path, err) == FAILED || make_file(config, err) == FAILED ||
        take_lock(&cache, err) == FAILED)
        return FAILED;
    if (open_for_writing(&cache, err) == FAILED ||
        check_owner(&cache, &version, err) == FAILED ||
        settle_in(&cache, err) == FAILED || migrate(&cache, version, err) == FAILED)
        return name_cache(config->path, err);
    *out_cache = cache;
    cache = (struct cache){.lock_fd = -1};
    return OK;
}

static enum outcome require_this_version(const char *path, int64_t version,
                                         struct error *err)
{
    if (version == (int64_t)version_of_this_program())
        return OK;
    error_set(err, ERROR_INVALID,
              "%s was last used by an older tidemark, or its making was broken off",
              path);
    return error_hint(err, "start tidemarkd or run `tidemark sync` once: it brings the "
                           "file up to date");
}

/* A file that the daemon has made. */
static enum outcome open_made(struct cache *out_cache, const char *path, bool read_only,
                              struct error *err)
{
    OWNED(cache_release) struct cache cache = {.path = strdup(path), .lock_fd = -1};
    struct database_options options = {
        .read_only = read_only, .must_exist = true, .busy_timeout_ms = BUSY_TIMEOUT_MS};
    int64_t version = 0;

    if (!cache.path)
        return error_out_of_memory(err);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NOTHING;
    if (database_new(&cache.db, path, &options, err) == FAILED ||
        check_owner(&cache, &version, err) == FAILED)
        return name_cache(path, err);
    if (!version)
        return NOTHING;
    if (require_this_version(path, version, err) == FAILED)
        return FAILED;
    *out_cache = cache;
    cache = (struct cache){.lock_fd = -1};
    return OK;
}

enum outcome cache_open_read_only(struct cache *out_cache, const char *path,
                                  struct error *err)
{
    return open_made(out_cache, path, true, err);
}

enum outcome cache_open_beside(struct cache *out_cache, const char *path,
                               struct error *err)
{
    enum outcome outcome = open_made(out_cache, path, false, err);

    if (outcome != OK)
        return outcome;
    if (database_run(out_cache->db, "open the cache", "pragma wal_autocheckpoint = 0",
                     err) == FAILED) {
        cache_release(out_cache);
        return FAILED;
    }
    return OK;
}

void cache_release(struct cache *cache)
{
    database_free(cache->checkpoint);
    database_free(cache->db);
    free(cache->path);
    if (cache->lock_fd >= 0 && (cache->path || cache->db))
        close(cache->lock_fd);
    *cache = (struct cache){.lock_fd = -1};
}

static int64_t size_of(const char *path, const char *suffix)
{
    char full[4096];
    struct stat status;

    snprintf(full, sizeof(full), "%s%s", path, suffix);
    return stat(full, &status) == 0 ? status.st_size : 0;
}

enum outcome cache_checkpoint(struct cache *cache, int64_t limit_bytes, struct error *err)
{
    struct database_version version = cache->moved;
    struct error busy;
    enum outcome outcome;

    if (size_of(cache->path, "-wal") <= limit_bytes)
        return OK;
    outcome = database_look(cache->db, &version, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (database_begin(cache->db, err) == FAILED)
        return FAILED;
    outcome = database_checkpoint(cache->checkpoint, &busy);
    database_roll_back(cache->db);
    if (outcome == OK)
        cache->moved = version;
    if (outcome != FAILED || busy.kind == ERROR_TRANSIENT)
        return OK;
    *err = busy;
    return FAILED;
}

void cache_measure(const char *path, struct cache_sizes *out_sizes)
{
    struct statvfs disk;

    *out_sizes = (struct cache_sizes){
        .file_bytes = size_of(path, ""),
        .wal_bytes = size_of(path, "-wal"),
    };
    if (statvfs(path, &disk) == 0)
        out_sizes->disk_free_bytes = (int64_t)(disk.f_bavail * disk.f_frsize);
}
