#include "lib/store/cache.h"

#include "lib/base/cleanup.h"
#include "lib/base/fault_point.h"
#include "lib/base/parent_folder.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/cache_format.h"
#include "lib/store/first_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
#define FOLDER_MODE 0750

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
static enum outcome make_file(const char *path, unsigned int mode, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);
    struct stat status;
    enum outcome outcome = OK;

    if (fd < 0) {
        bool is_folder = errno == EISDIR;

        error_set_errno(err, "open the cache %s", path);
        return hint_unless_full(
            err,
            is_folder
                ? "that is a folder: name a file in it in [cache] path"
                : "this user must be able to read and write the file and its folder");
    }
    if (fstat(fd, &status) == 0 && status.st_size == 0 && fchmod(fd, mode) < 0)
        outcome = error_set_errno(err, "set the mode of %s", path);
    close(fd);
    return outcome;
}

static const char *file_of(const struct cache *cache)
{
    return cache->first_copy ? cache->first_copy->path : cache->path;
}

static enum outcome open_for_writing(struct cache *cache, struct error *err)
{
    struct database_options options = {.must_exist = true,
                                       .busy_timeout_ms = BUSY_TIMEOUT_MS,
                                       .cache_size_kib = CACHE_PAGES_KIB};

    return database_new(&cache->db, file_of(cache), &options, err);
}

static enum outcome settle_in_wal(struct cache *cache, struct error *err)
{
    struct database_options checkpointing = {.must_exist = true, .busy_timeout_ms = 0};

    if (database_run(
            cache->db, "switch the cache to WAL",
            "pragma journal_mode = wal; pragma synchronous = normal;"
            "pragma wal_autocheckpoint = 0; pragma journal_size_limit = 16777216;",
            err) == FAILED ||
        database_new(&cache->checkpoint, file_of(cache), &checkpointing, err) == FAILED)
        return FAILED;
    return database_run(cache->checkpoint, "open the cache again",
                        "pragma synchronous = normal; pragma wal_autocheckpoint = 0;",
                        err);
}

/* Only now that the file is known to be ours: this writes to it. */
static enum outcome settle_in(struct cache *cache, struct error *err)
{
    if (database_run(
            cache->db, "open the cache",
            "pragma foreign_keys = off;"
            "pragma ignore_check_constraints = on; pragma legacy_alter_table = on;"
            "pragma temp_store = file; pragma threads = 2;" /* beside ours, to sort */,
            err) == FAILED)
        return FAILED;
    return cache->first_copy && !cache->first_copy->is_flushed
               ? first_copy_settle_in(cache->db, err)
               : settle_in_wal(cache, err);
}

static enum outcome open_file(struct cache *cache, unsigned int mode,
                              int64_t *out_version, struct error *err)
{
    if (make_file(file_of(cache), mode, err) == FAILED ||
        open_for_writing(cache, err) == FAILED ||
        cache_format_check(cache->db, out_version, err) == FAILED ||
        settle_in(cache, err) == FAILED)
        return cache_format_name(cache->path, err);
    return OK;
}

static enum outcome open_and_migrate(struct cache *cache, unsigned int mode,
                                     struct error *err)
{
    int64_t version = 0;

    if (open_file(cache, mode, &version, err) == FAILED)
        return FAILED;
    return cache_format_migrate(cache->db, version, err);
}

static bool is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 || errno != ENOENT;
}

/* NOTHING: an empty file, as every program makes that opens one too early. */
static enum outcome has_content(const char *path, struct error *err)
{
    const struct database_options options = {.must_exist = true,
                                             .busy_timeout_ms = BUSY_TIMEOUT_MS};
    struct database *db = NULL;
    int64_t found = 0;
    enum outcome outcome;

    if (database_new(&db, path, &options, err) == FAILED)
        return FAILED;
    outcome = database_query_int(db, "read the cache",
                                 "select count(*) from sqlite_schema", &found, err);
    database_free(db);
    if (outcome != OK)
        return FAILED;
    return found ? OK : NOTHING;
}

/* A cache that is there is the cache, whatever is left of a first copy; what is wrong
 * with it is said when it is opened. */
static enum outcome choose_file(struct cache *cache, const struct cache_config *config,
                                struct error *err)
{
    OWNED(text_free) char *beside = first_copy_path(cache->path);
    enum outcome content = NOTHING;
    struct error unreadable = {0};

    if (!beside)
        return error_out_of_memory(err);
    if (!config->begins_beside || (is_there(cache->path) && !is_there(beside)))
        return OK;
    if (is_there(cache->path))
        content = has_content(cache->path, &unreadable);
    if (content == FAILED && unreadable.kind == ERROR_TRANSIENT) {
        *err = unreadable; /* a copy is not thrown away for somebody's lock */
        return cache_format_name(cache->path, err);
    }
    if (content != NOTHING)
        return OK;
    return first_copy_new(&cache->first_copy, cache->path, cache->lock_fd, err);
}

enum outcome cache_open(struct cache *out_cache, const struct cache_config *config,
                        struct error *err)
{
    OWNED(cache_release)
    struct cache cache = {.path = strdup(config->path), .lock_fd = -1};
    bool made_here;

    if (!cache.path)
        return error_out_of_memory(err);
    if (config->begins_beside)
        first_copy_clear_place(config->path);
    made_here = !config->begins_beside || is_there(config->path);
    if (make_folder(config->path, err) == FAILED ||
        (made_here && make_file(config->path, config->mode, err) == FAILED) ||
        take_lock(&cache, err) == FAILED || choose_file(&cache, config, err) == FAILED ||
        open_and_migrate(&cache, config->mode, err) == FAILED)
        return FAILED;
    if (config->begins_beside && !cache.first_copy)
        first_copy_discard(cache.path);
    *out_cache = cache;
    cache = (struct cache){.lock_fd = -1};
    return OK;
}

static void close_file(struct cache *cache)
{
    database_free(cache->checkpoint);
    database_free(cache->db);
    cache->checkpoint = NULL;
    cache->db = NULL;
}

enum outcome cache_keep_first_copy(struct cache *cache, struct error *err)
{
    enum outcome outcome =
        cache->first_copy ? first_copy_keep(cache->first_copy, cache->db, err) : NOTHING;

    if (outcome == OK)
        return settle_in_wal(cache, err);
    return outcome == FAILED ? FAILED : OK;
}

bool cache_has_lost_copy(const struct cache *cache)
{
    return cache->first_copy && database_has_moved(cache->db);
}

/* ---- the end of a first copy ---- */

/* Who has made the empty file may have chosen the size, and have it open: then SQLite
 * does not change it. */
static enum outcome match_page_size(struct cache *cache, struct database *from,
                                    struct error *err)
{
    char change[100];
    int64_t size = 0;
    int64_t wanted = 0;

    if (database_query_int(from, "copy the first copy", "pragma page_size", &size, err) !=
            OK ||
        database_query_int(cache->db, "copy the first copy", "pragma page_size", &wanted,
                           err) != OK)
        return FAILED;
    if (size == wanted)
        return OK;
    snprintf(change, sizeof(change),
             "pragma journal_mode = delete; pragma page_size = %lld; vacuum;",
             (long long)wanted);
    return database_run(from, "copy the first copy", change, err);
}

static enum outcome copy_content(struct cache *cache, struct database *from,
                                 struct error *err)
{
    /* flushed before the first copy goes */
    if (match_page_size(cache, from, err) == FAILED ||
        database_run(cache->db, "copy the first copy", "pragma synchronous = full",
                     err) == FAILED ||
        database_copy(cache->db, from, err) == FAILED)
        return FAILED;
    return database_run(cache->db, "copy the first copy", "pragma synchronous = normal",
                        err);
}

/* Through SQLite: whoever has the empty file open sees the rows there. A cache that
 * somebody has put there meanwhile stays. */
static enum outcome fill_the_place(struct cache *cache, unsigned int mode,
                                   struct database *from, struct error *err)
{
    enum outcome content;
    int64_t version = 0;

    if (open_file(cache, mode, &version, err) == FAILED)
        return FAILED;
    content = has_content(cache->path, err);
    if (content == OK)
        return cache_format_migrate(cache->db, version, err);
    return content == NOTHING ? copy_content(cache, from, err) : FAILED;
}

static enum outcome copy_into_place(struct cache *cache, unsigned int mode,
                                    const struct database_progress *progress,
                                    struct error *err)
{
    const struct database_options options = {.must_exist = true,
                                             .busy_timeout_ms = BUSY_TIMEOUT_MS};
    OWNED(text_free) char *beside = first_copy_path(cache->path);
    struct database *from = NULL;
    enum outcome outcome;

    if (!beside)
        return error_out_of_memory(err);
    if (database_new(&from, beside, &options, err) == FAILED)
        return FAILED;
    database_on_progress(from, progress->stop, progress->context);
    outcome = fill_the_place(cache, mode, from, err);
    database_free(from);
    if (outcome == OK)
        first_copy_discard(cache->path);
    return outcome;
}

static void end_first_copy(struct cache *cache)
{
    first_copy_free(cache->first_copy);
    cache->first_copy = NULL;
}

static enum outcome take_the_place(struct cache *cache, unsigned int mode,
                                   const struct database_progress *progress,
                                   struct error *err)
{
    enum outcome outcome = first_copy_move(cache->first_copy, err);

    end_first_copy(cache);
    fault_point("first_copy.moved");
    if (outcome == NOTHING)
        return copy_into_place(cache, mode, progress, err);
    return outcome == OK ? open_and_migrate(cache, mode, err) : FAILED;
}

enum outcome cache_move_in(struct cache *cache, unsigned int mode, struct error *err)
{
    enum outcome outcome = first_copy_finish(cache->first_copy, cache->db, err);

    if (outcome == OK) {
        const struct database_progress progress = cache->db->progress;

        close_file(cache);
        fault_point("first_copy.finished");
        outcome = take_the_place(cache, mode, &progress, err);
    }
    if (outcome == OK)
        return OK;
    cache_format_name(cache->path, err);
    cache_release(cache);
    return FAILED;
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
        cache_format_check(cache.db, &version, err) == FAILED)
        return cache_format_name(path, err);
    if (!version)
        return NOTHING;
    if (cache_format_require(cache.db, version, err) == FAILED)
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
    close_file(cache);
    first_copy_free(cache->first_copy);
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

    /* a first copy has no WAL at first, unless another program makes one */
    if (!cache->checkpoint || size_of(file_of(cache), "-wal") <= limit_bytes)
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
    OWNED(text_free) char *beside = is_there(path) ? NULL : first_copy_path(path);
    const char *file = beside ? beside : path;
    struct statvfs disk;

    *out_sizes = (struct cache_sizes){
        .file_bytes = size_of(file, ""),
        .wal_bytes = size_of(file, "-wal"),
    };
    if (statvfs(file, &disk) == 0)
        out_sizes->disk_free_bytes = (int64_t)(disk.f_bavail * disk.f_frsize);
}
