#include "daemon/migrate/revision_file.h"

#include "daemon/migrate/migration_folder.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/parent_folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_LENGTH 8
#define LAST_NUMBER 9999

enum outcome revision_description(const char *message,
                                  char out_text[REVISION_DESCRIPTION_SIZE],
                                  struct error *err)
{
    char text[REVISION_DESCRIPTION_SIZE];
    size_t length = 0;
    size_t word_end = 0; /* of the last word that is whole */
    const char *at = message;

    for (; *at && length < sizeof(text) - 2; at++) {
        if (isalnum((unsigned char)*at) && (unsigned char)*at < 0x80) {
            text[length++] = (char)tolower((unsigned char)*at);
        } else if (length && text[length - 1] != '_') {
            word_end = length;
            text[length++] = '_';
        }
    }
    if (*at && word_end && isalnum((unsigned char)*at))
        length = word_end;
    while (length && text[length - 1] == '_')
        length--;
    if (!length)
        return error_set(err, ERROR_INVALID,
                         "a file needs a name: the message has no letter and no digit");
    text[length] = '\0';
    memcpy(out_text, text, length + 1);
    return OK;
}

enum outcome revision_next(const char *newest, const char *today,
                           char out_revision[MIGRATION_REVISION_SIZE], struct error *err)
{
    bool same_day = newest[0] && strncmp(newest, today, DAY_LENGTH) >= 0;
    long number = same_day ? strtol(newest + DAY_LENGTH + 1, NULL, 10) + 1 : 1;

    if (number > LAST_NUMBER)
        return error_set(err, ERROR_INVALID, "%.8s has %d migrations already", newest,
                         LAST_NUMBER);
    snprintf(out_revision, MIGRATION_REVISION_SIZE, "%.8s_%04ld",
             same_day ? newest : today, number);
    return OK;
}

/* "" when there is none yet. */
static void find_newest(DIR *folder, char out_revision[MIGRATION_REVISION_SIZE])
{
    const struct dirent *entry;

    out_revision[0] = '\0';
    rewinddir(folder);
    while ((entry = readdir(folder)))
        if (migration_revision_is_valid(entry->d_name) &&
            strncmp(entry->d_name, out_revision, MIGRATION_REVISION_SIZE - 1) > 0)
            snprintf(out_revision, MIGRATION_REVISION_SIZE, "%s", entry->d_name);
}

/* A message of several lines, or one that reads as a marker, must stay a comment. */
static void append_title(struct buffer *file, const char *revision, const char *message)
{
    buffer_append_format(file, "-- %s: ", revision);
    for (const char *at = message; *at; at++)
        buffer_append(file, iscntrl((unsigned char)*at) ? " " : at, 1);
    buffer_append_text(file, "\n");
}

static void append_sections(struct buffer *file, const struct revision_text *text)
{
    static const char advice[] =
        "--\n"
        "-- All statements below \"upgrade\" are one transaction, all below "
        "\"downgrade\" "
        "are\n"
        "-- its way back. What cannot run in a transaction (create index concurrently) "
        "goes\n"
        "-- into a file of its own, with a line \"-- no-transaction\" above "
        "\"upgrade\".\n";

    if (!text)
        buffer_append_text(file, advice);
    buffer_append_format(file, "\n-- upgrade\n\n%s\n-- downgrade\n\n%s",
                         text ? text->upgrade : "", text ? text->downgrade : "");
}

static enum outcome write_file(int folder, const char *name, const struct buffer *text,
                               struct error *err)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool written;

    if (fd < 0)
        return error_set_errno(err, "make %s", name);
    written =
        write(fd, text->data, text->length) == (ssize_t)text->length && fsync(fd) == 0;
    if (close(fd) == 0 && written)
        return OK;
    error_set_errno(err, "write %s", name);
    unlinkat(folder, name, 0);
    return FAILED;
}

/* Opened, and locked against another one who looks for the next number. */
static enum outcome open_folder(const char *path, DIR **out_folder, struct error *err)
{
    OWNED(folder_close) DIR *folder = NULL;
    enum outcome outcome;

    if (parent_folder_make(path, 0777, err) == FAILED)
        return FAILED;
    if (mkdir(path, 0777) < 0 && errno != EEXIST && errno != ENOTDIR)
        return error_set_errno(err, "make the folder %s", path);
    outcome = folder_open(path, &folder, err);
    if (outcome == NOTHING)
        return error_set(err, ERROR_SYSTEM, "the folder %s cannot be made", path);
    if (outcome == FAILED)
        return FAILED;
    while (flock(dirfd(folder), LOCK_EX) < 0)
        if (errno != EINTR)
            return error_set_errno(err, "lock the folder %s", path);
    *out_folder = TAKE(folder);
    return OK;
}

static enum outcome todays_revision(DIR *folder,
                                    char out_revision[MIGRATION_REVISION_SIZE],
                                    struct error *err)
{
    char newest[MIGRATION_REVISION_SIZE];
    char now[CLOCK_TEXT_SIZE];
    char today[DAY_LENGTH + 1];

    clock_format_utc(clock_now_us(), now);
    snprintf(today, sizeof(today), "%.4s%.2s%.2s", now, now + 5, now + 8);
    find_newest(folder, newest);
    return revision_next(newest, today, out_revision, err);
}

enum outcome revision_file_create(const char *path, const char *message,
                                  const struct revision_text *text, char **out_path,
                                  struct error *err)
{
    OWNED(folder_close) DIR *folder = NULL;
    OWNED(buffer_release) struct buffer file = {0};
    OWNED(buffer_release) struct buffer whole = {0};
    char description[REVISION_DESCRIPTION_SIZE];
    char revision[MIGRATION_REVISION_SIZE];
    char name[MIGRATION_REVISION_SIZE + REVISION_DESCRIPTION_SIZE + 8];

    if (revision_description(message, description, err) == FAILED ||
        open_folder(path, &folder, err) == FAILED ||
        todays_revision(folder, revision, err) == FAILED)
        return FAILED;
    snprintf(name, sizeof(name), "%s_%s.sql", revision, description);
    append_title(&file, revision, message);
    append_sections(&file, text);
    buffer_append_format(&whole, "%s/%s", path, name);
    if (buffer_check(&file, err) == FAILED || buffer_check(&whole, err) == FAILED)
        return FAILED;
    if (write_file(dirfd(folder), name, &file, err) == FAILED)
        return error_wrap(err, "%s", path);
    *out_path = buffer_take(&whole);
    return OK;
}
