/*
 * Migration folder: the files of a project, in [migrations] directory or data.
 *
 * Only what ends in ".sql" and stands in the folder itself counts; what begins with a dot
 * does not. A file may be MIGRATION_FILE_LIMIT bytes long, without a NUL.
 * A byte order mark at its beginning is no part of its text.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_FOLDER_H
#define DAEMON_MIGRATE_MIGRATION_FOLDER_H

#include "daemon/migrate/migration_file.h"

#include <dirent.h>
#include <stddef.h>

#define MIGRATION_FILE_LIMIT ((size_t)64 << 20)

struct folder_file {
    char *name; /* without the folder and ".sql" */
    char *text;
};

/* In the order of their names' bytes. */
struct folder_files {
    struct folder_file *files;
    size_t count;
};

/* NOTHING: there is no such folder. ERROR_INVALID: it is something else. */
MUST_CHECK enum outcome folder_open(const char *path, DIR **out_folder,
                                    struct error *err);
void folder_close(DIR **folder); /* for OWNED(); NULL is fine */

/* NOTHING: there is no such folder; out_files is left alone. */
MUST_CHECK enum outcome
folder_files_read(const char *folder, struct folder_files *out_files, struct error *err);

/* The same for a single file, whatever its name; its `name` has the folder. NOTHING:
 * there is no such file. */
MUST_CHECK enum outcome folder_files_read_one(const char *path,
                                              struct folder_files *out_files,
                                              struct error *err);
void folder_files_release(struct folder_files *files); /* a zeroed one is fine */

/* A folder's migrations, parsed, in order of revision. */
struct migration_folder {
    struct folder_files texts;
    struct migration_file *files; /* texts.count of them */
};

/* NOTHING: there is no such folder. ERROR_INVALID names the file that is not one. */
MUST_CHECK enum outcome migration_folder_read(const char *folder,
                                              struct migration_folder *out_folder,
                                              struct error *err);
void migration_folder_release(struct migration_folder *folder); /* zeroed is fine */

#endif
