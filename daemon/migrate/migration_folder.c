#include "daemon/migrate/migration_folder.h"

#include "lib/base/array.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".sql"

enum outcome folder_open(const char *path, DIR **out_folder, struct error *err)
{
    DIR *folder = opendir(path);

    if (folder) {
        *out_folder = folder;
        return OK;
    }
    if (errno == ENOENT)
        return NOTHING;
    error_set_errno(err, "open the folder %s", path);
    if (err->kind == ERROR_SYSTEM && errno == ENOTDIR) {
        err->kind = ERROR_INVALID;
        error_hint(err, "[migrations] takes the folder that the files are in");
    }
    return FAILED;
}

void folder_close(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static void file_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Some editors begin a file so; psql passes over it too. */
static void drop_byte_order_mark(struct buffer *text)
{
    static const char mark[] = "\xEF\xBB\xBF";
    const size_t length = sizeof(mark) - 1;

    if (text->length < length || memcmp(text->data, mark, length) != 0)
        return;
    text->length -= length;
    memmove(text->data, text->data + length, text->length + 1);
}

static enum outcome read_text(int fd, const char *name, struct buffer *text,
                              struct error *err)
{
    for (;;) {
        char *room = buffer_reserve(text, 65536);
        ssize_t size = room ? read(fd, room, 65536) : 0;

        if (size < 0 && errno != EINTR)
            return error_set_errno(err, "read %s", name);
        if (size <= 0 && room)
            break;
        if (!room)
            return error_set(err, ERROR_INVALID, "%s is larger than %zu MiB", name,
                             MIGRATION_FILE_LIMIT >> 20);
        text->length += (size_t)size;
    }
    buffer_append(text, "", 0);
    if (!text->failed && strlen(text->data) != text->length)
        return error_set(err, ERROR_INVALID, "%s holds a NUL byte: it is no SQL text",
                         name);
    if (!text->failed)
        drop_byte_order_mark(text);
    return buffer_check(text, err);
}

static bool is_wanted(const char *name)
{
    size_t length = strlen(name);

    return name[0] != '.' && length > strlen(SUFFIX) &&
           strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0;
}

static enum outcome read_file(int folder, const char *name, struct folder_file *out_file,
                              struct error *err)
{
    OWNED(file_close) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    OWNED(buffer_release)
    struct buffer text = {.limit_bytes = MIGRATION_FILE_LIMIT + 65536};

    if (fd < 0)
        return error_set_errno(err, "open %s", name);
    if (read_text(fd, name, &text, err) == FAILED)
        return FAILED;
    out_file->name = strdup(name);
    out_file->text = buffer_take(&text);
    return out_file->name && out_file->text ? OK : error_out_of_memory(err);
}

static enum outcome add_file(struct folder_files *files, int folder, const char *name,
                             struct error *err)
{
    struct folder_file *file;

    if (array_room(&files->files, files->count, err) == FAILED)
        return FAILED;
    file = &files->files[files->count++];
    *file = (struct folder_file){0};
    return read_file(folder, name, file, err);
}

static void cut_suffixes(struct folder_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        files->files[i].name[strlen(files->files[i].name) - strlen(SUFFIX)] = '\0';
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct folder_file *)left)->name,
                  ((const struct folder_file *)right)->name);
}

enum outcome folder_files_read(const char *path, struct folder_files *out_files,
                               struct error *err)
{
    OWNED(folder_close) DIR *folder = NULL;
    OWNED(folder_files_release) struct folder_files files = {0};
    enum outcome outcome = folder_open(path, &folder, err);
    const struct dirent *entry;

    if (outcome != OK)
        return outcome;
    while ((entry = readdir(folder)))
        if (is_wanted(entry->d_name) &&
            add_file(&files, dirfd(folder), entry->d_name, err) == FAILED)
            return error_wrap(err, "%s", path);
    cut_suffixes(&files);
    if (files.count)
        qsort(files.files, files.count, sizeof(*files.files), compare_names);
    *out_files = TAKE(files);
    return OK;
}

enum outcome folder_files_read_one(const char *path, struct folder_files *out_files,
                                   struct error *err)
{
    OWNED(folder_files_release) struct folder_files files = {0};

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NOTHING;
    if (add_file(&files, AT_FDCWD, path, err) == FAILED)
        return FAILED;
    *out_files = TAKE(files);
    return OK;
}

void folder_files_release(struct folder_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].name);
        free(files->files[i].text);
    }
    free(files->files);
    *files = (struct folder_files){0};
}

enum outcome migration_folder_read(const char *path, struct migration_folder *out_folder,
                                   struct error *err)
{
    OWNED(migration_folder_release) struct migration_folder folder = {0};
    enum outcome outcome = folder_files_read(path, &folder.texts, err);

    if (outcome != OK)
        return outcome;
    folder.files = calloc(folder.texts.count + 1, sizeof(*folder.files));
    if (!folder.files)
        return error_out_of_memory(err);
    for (size_t i = 0; i < folder.texts.count; i++)
        if (migration_file_parse(&folder.files[i], folder.texts.files[i].name,
                                 folder.texts.files[i].text, err) == FAILED)
            return error_wrap(err, "%s", path);
    *out_folder = TAKE(folder);
    return OK;
}

void migration_folder_release(struct migration_folder *folder)
{
    free(folder->files);
    folder->files = NULL;
    folder_files_release(&folder->texts);
}
