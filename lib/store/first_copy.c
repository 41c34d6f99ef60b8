#include "lib/store/first_copy.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"
#include "lib/db/database.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a computer that stops may cost. */
#define AT_RISK_US (60 * US_PER_SECOND)
/* Flushed at once; somebody may ask to stop in between. */
#define PIECE_BYTES ((off_t)8 << 20)

/* What the lock file says of the copy: one of the two, without a line end. */
#define IS_FLUSHED "flushed"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define NOTE_SIZE 40

/* SQLite's, for a file with a journal. */
#define PATH_LIMIT 504

char *first_copy_path(const char *cache_path)
{
    char *path;

    return asprintf(&path, "%s-tide-first-copy", cache_path) < 0 ? NULL : path;
}

void first_copy_free(struct first_copy *copy)
{
    if (!copy)
        return;
    if (copy->fd >= 0)
        close(copy->fd);
    free(copy->path);
    free(copy);
}

/* What SQLite keeps beside a file: it would take what is left of another one for this
 * one's. Whether there was any. */
static bool remove_companions(const char *path)
{
    static const char *const suffixes[] = {"-journal", "-wal", "-shm"};
    char full[4096];
    bool any = false;

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (snprintf(full, sizeof(full), "%s%s", path, suffixes[i]) < (int)sizeof(full))
            any = unlink(full) == 0 || any;
    return any;
}

void first_copy_discard(const char *cache_path)
{
    OWNED(text_free) char *path = first_copy_path(cache_path);

    if (!path)
        return;
    unlink(path);
    remove_companions(path);
}

/* ---- whether it can be taken up ---- */

static bool read_boot_id(char out_id[static NOTE_SIZE])
{
    FILE *file = fopen(BOOT_ID_PATH, "re");
    bool known;

    if (!file)
        return false;
    known = fgets(out_id, NOTE_SIZE, file) != NULL;
    fclose(file);
    out_id[strcspn(out_id, "\n")] = '\0';
    return known && out_id[0];
}

static void read_note(int lock_fd, char out_note[static NOTE_SIZE])
{
    ssize_t size = pread(lock_fd, out_note, NOTE_SIZE - 1, 0);

    out_note[size < 0 ? 0 : size] = '\0';
}

/* On the disk before what it is about: an older one may have promised more. */
static bool write_note(const struct first_copy *copy, const char *note)
{
    ssize_t size = (ssize_t)strlen(note);

    return ftruncate(copy->lock_fd, 0) == 0 &&
           pwrite(copy->lock_fd, note, (size_t)size, 0) == size &&
           fsync(copy->lock_fd) == 0;
}

/* Then the cache's own may still be short enough. */
static bool is_too_long(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return strlen(path) > PATH_LIMIT || strlen(name) + strlen("-journal") > NAME_MAX;
}

static bool take_up(struct first_copy *copy)
{
    char boot_id[NOTE_SIZE];
    char note[NOTE_SIZE];

    if (is_too_long(copy->path) || !read_boot_id(boot_id))
        return false;
    read_note(copy->lock_fd, note);
    copy->is_flushed = strcmp(note, IS_FLUSHED) == 0;
    if (access(copy->path, F_OK) == 0 && (copy->is_flushed || strcmp(note, boot_id) == 0))
        return true;
    copy->is_flushed = false;
    first_copy_discard(copy->cache_path);
    return access(copy->path, F_OK) != 0 && write_note(copy, boot_id);
}

enum outcome first_copy_new(struct first_copy **out_copy, const char *cache_path,
                            int lock_fd, struct error *err)
{
    struct first_copy *copy = calloc(1, sizeof(*copy));
    enum outcome outcome;

    if (!copy)
        return error_out_of_memory(err);
    *copy = (struct first_copy){.path = first_copy_path(cache_path),
                                .cache_path = cache_path,
                                .lock_fd = lock_fd,
                                .fd = -1,
                                .began_us = clock_monotonic_us()};
    if (copy->path && take_up(copy)) {
        *out_copy = copy;
        return OK;
    }
    outcome = copy->path ? NOTHING : error_out_of_memory(err);
    first_copy_free(copy);
    return outcome;
}

enum outcome first_copy_settle_in(struct database *db, struct error *err)
{
    return database_run(db, "open the first copy",
                        "pragma journal_mode = delete; pragma synchronous = off;", err);
}

/* ---- flushing ---- */

static bool is_not_supported(int error_number)
{
    return error_number == ESPIPE || error_number == EINVAL || error_number == ENOSYS;
}

static bool open_file(struct first_copy *copy)
{
    if (copy->fd < 0)
        copy->fd = open(copy->path, O_RDONLY | O_CLOEXEC);
    return copy->fd >= 0;
}

static enum outcome flush_pieces(const struct first_copy *copy, const struct database *db,
                                 struct error *err)
{
    off_t size = lseek(copy->fd, 0, SEEK_END);

    for (off_t at = 0; at < size; at += PIECE_BYTES) {
        if (database_is_asked_to_stop(db))
            return error_set(err, ERROR_INTERRUPTED, "asked to stop");
        if (sync_file_range(copy->fd, at, PIECE_BYTES,
                            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                SYNC_FILE_RANGE_WAIT_AFTER) == 0)
            continue;
        if (is_not_supported(errno))
            return OK;
        return error_set_errno(err, "flush %s", copy->path);
    }
    return OK;
}

static enum outcome flush_folder(const struct first_copy *copy, struct error *err)
{
    OWNED(text_free) char *room = strdup(copy->path);
    enum outcome outcome = OK;
    const char *folder;
    int fd;

    if (!room)
        return error_out_of_memory(err);
    folder = dirname(room);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* may be written to, and not be listed: the whole file system, then */
    if (fd < 0 && errno == EACCES && syncfs(copy->lock_fd) == 0)
        return OK;
    /* some file systems flush no folders, and need not */
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
        outcome = error_set_errno(err, "flush the folder %s", folder);
    if (fd >= 0)
        close(fd);
    return outcome;
}

static enum outcome flush(struct first_copy *copy, const struct database *db,
                          struct error *err)
{
    if (!open_file(copy))
        return error_set_errno(err, "flush %s", copy->path);
    if (flush_pieces(copy, db, err) == FAILED)
        return FAILED;
    if (fsync(copy->fd) < 0)
        return error_set_errno(err, "flush %s", copy->path);
    return flush_folder(copy, err);
}

/* So that little is left to do at the end; waits for nothing. */
static void start_flush(struct first_copy *copy)
{
    if (open_file(copy))
        sync_file_range(copy->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* Through a WAL SQLite writes on to a file that is not there any more. */
static enum outcome require_file(const struct first_copy *copy, const struct database *db,
                                 struct error *err)
{
    if (!database_has_moved(db))
        return OK;
    return error_set(err, ERROR_TRANSIENT, "%s was removed", copy->path);
}

enum outcome first_copy_keep(struct first_copy *copy, const struct database *db,
                             struct error *err)
{
    if (require_file(copy, db, err) == FAILED)
        return FAILED;
    if (copy->is_flushed)
        return NOTHING;
    if (clock_monotonic_us() - copy->began_us < AT_RISK_US) {
        start_flush(copy);
        return NOTHING;
    }
    if (flush(copy, db, err) == FAILED)
        return FAILED;
    if (!write_note(copy, IS_FLUSHED))
        return error_set_errno(err, "write to %s-tide-lock", copy->cache_path);
    copy->is_flushed = true;
    return OK;
}

/* ---- into its place ---- */

enum outcome first_copy_finish(struct first_copy *copy, struct database *db,
                               struct error *err)
{
    enum outcome outcome;

    if (require_file(copy, db, err) == FAILED)
        return FAILED;
    if (!copy->is_flushed && flush(copy, db, err) == FAILED)
        return FAILED;
    if (database_run(db, "finish the first copy",
                     "pragma synchronous = full; pragma journal_mode = wal;",
                     err) == FAILED)
        return FAILED;
    outcome = database_checkpoint(db, err);
    if (outcome == NOTHING)
        return error_set(err, ERROR_TRANSIENT, "%s: another program reads it",
                         copy->path);
    return outcome;
}

/* What SQLite removes when the last connection is closed. */
static bool has_wal(const struct first_copy *copy)
{
    OWNED(text_free) char *wal = NULL;

    if (asprintf(&wal, "%s-wal", copy->path) < 0)
        wal = NULL;
    return !wal || access(wal, F_OK) == 0;
}

void first_copy_clear_place(const char *cache_path)
{
    struct stat status;

    if (lstat(cache_path, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size == 0 && access(cache_path, R_OK | W_OK) < 0 && errno == EACCES)
        unlink(cache_path);
}

/* Whoever removes a cache leaves its WAL there, which would be taken for part of the new
 * one. On the disk before the move is. */
static enum outcome sweep_place(const struct first_copy *copy, struct error *err)
{
    struct stat status;

    first_copy_clear_place(copy->cache_path);
    if (lstat(copy->cache_path, &status) == 0 || !remove_companions(copy->cache_path))
        return OK;
    return flush_folder(copy, err);
}

enum outcome first_copy_move(const struct first_copy *copy, struct error *err)
{
    if (has_wal(copy)) {
        error_set(err, ERROR_TRANSIENT, "%s: another program has it open", copy->path);
        return error_hint(err, "end that program: the file is about to be moved");
    }
    if (sweep_place(copy, err) == FAILED)
        return FAILED;
    if (renameat2(AT_FDCWD, copy->path, AT_FDCWD, copy->cache_path, RENAME_NOREPLACE) ==
        0)
        return flush_folder(copy, err);
    if (errno == EEXIST || errno == EINVAL || errno == ENOSYS)
        return NOTHING;
    return error_set_errno(err, "move %s to %s", copy->path, copy->cache_path);
}
