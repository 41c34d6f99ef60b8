#include "lib/db/database.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/histogram.h"
#include "lib/db/row_source.h"
#include "lib/db/sqlite_error.h"
#include "lib/db/statement.h"
#include "lib/db/text_function.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of SQLite's virtual machine. */
#define PROGRESS_OPERATIONS 200000

enum outcome database_set_cache_size(struct database *db, int size_kib, struct error *err)
{
    char pragma[64];

    snprintf(pragma, sizeof(pragma), "pragma cache_size = -%d", size_kib);
    return database_run(db, "open", pragma, err);
}

static enum outcome harden(struct database *db, const struct database_options *options,
                           struct error *err)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_busy_timeout(db->handle, options->busy_timeout_ms);
    if (text_function_register(db->handle) != SQLITE_OK ||
        row_source_register(db->handle) != SQLITE_OK)
        return sqlite_error_set(db->handle, err, "open");
    if (options->cache_size_kib &&
        database_set_cache_size(db, options->cache_size_kib, err) == FAILED)
        return FAILED;
    return database_run(db, "open", "pragma cell_size_check = on; pragma mmap_size = 0;",
                        err);
}

/*
 * What one statement keeps in memory to undo itself; triggers make every statement keep
 * some. SQLite moves it to a file in one write, and its writes end below 128 KiB.
 */
#define STATEMENT_JOURNAL_BYTES (128 * 1024 - 1)

void database_configure_process(void)
{
    /* the count costs a lock for each allocation */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, STATEMENT_JOURNAL_BYTES);
}

enum outcome database_new(struct database **out_db, const char *path,
                          const struct database_options *options, struct error *err)
{
    struct database *db = calloc(1, sizeof(*db));
    int flags = SQLITE_OPEN_NOMUTEX;

    if (!db || !(db->path = strdup(path))) {
        database_free(db);
        return error_out_of_memory(err);
    }
    flags |= options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (!options->read_only && !options->must_exist)
        flags |= SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        sqlite_error_set(db->handle, err, "open %s", path);
        database_free(db);
        return FAILED;
    }
    if (harden(db, options, err) == FAILED || own_write_register(db, err) == FAILED) {
        database_free(db);
        return FAILED;
    }
    *out_db = db;
    return OK;
}

void database_free(struct database *db)
{
    if (!db)
        return;
    sqlite3_finalize(db->undo);
    sqlite3_close_v2(db->handle);
    free(db->path);
    free(db);
}

void database_set_busy_timeout(struct database *db, int timeout_ms)
{
    sqlite3_busy_timeout(db->handle, timeout_ms);
}

bool database_is_read_only(const struct database *db)
{
    return sqlite3_db_readonly(db->handle, "main") == 1;
}

enum outcome database_run(struct database *db, const char *what, const char *text,
                          struct error *err)
{
    if (sqlite3_exec(db->handle, text, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error_set(db->handle, err, "%s", what);
    return OK;
}

enum outcome database_run_sql(struct database *db, const struct sql *sql,
                              struct error *err)
{
    return database_run(db, sql->name, sql->text, err);
}

enum outcome database_query_int(struct database *db, const char *what, const char *text,
                                int64_t *out_value, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare_text(&query, db, what, text, err) == FAILED)
        return FAILED;
    outcome = statement_step(&query, err);
    if (outcome == OK)
        *out_value = statement_column_int(&query, 0);
    return outcome;
}

enum outcome database_begin(struct database *db, struct error *err)
{
    if (!db->undo &&
        sqlite3_prepare_v3(db->handle, "rollback", -1, SQLITE_PREPARE_PERSISTENT,
                           &db->undo, NULL) != SQLITE_OK)
        return sqlite_error_set(db->handle, err, "begin immediate");
    if (database_run(db, "begin immediate", "begin immediate", err) == FAILED) {
        database_roll_back(db); /* it may have begun before memory ran out */
        return FAILED;
    }
    if (db->write_lock)
        db->locked_at_us = clock_monotonic_us();
    return OK;
}

static void record_lock(struct database *db)
{
    if (db->write_lock && db->locked_at_us)
        histogram_record(db->write_lock, clock_monotonic_us() - db->locked_at_us);
    db->locked_at_us = 0;
}

enum outcome database_commit(struct database *db, struct error *err)
{
    if (database_run(db, "commit", "commit", err) == FAILED)
        return FAILED;
    record_lock(db);
    return OK;
}

void database_set_triggers(struct database *db, bool on)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)on, NULL);
}

void database_roll_back(struct database *db)
{
    if (!db || !db->handle)
        return;
    if (!sqlite3_get_autocommit(db->handle)) {
        if (db->undo)
            sqlite3_step(db->undo);
        else /* a transaction that was begun otherwise */
            sqlite3_exec(db->handle, "rollback", NULL, NULL, NULL);
        sqlite3_reset(db->undo);
    }
    database_set_triggers(db, true);
    record_lock(db);
}

void database_on_write_lock(struct database *db, struct histogram *histogram)
{
    db->write_lock = histogram;
}

int64_t database_changes(const struct database *db)
{
    return sqlite3_changes64(db->handle);
}

bool database_is_asked_to_stop(const struct database *db)
{
    return db->progress.stop && db->progress.stop(db->progress.context);
}

static int ask_to_stop(void *context)
{
    return database_is_asked_to_stop(context);
}

void database_on_progress(struct database *db, bool (*stop)(void *context), void *context)
{
    db->progress = (struct database_progress){stop, context};
    sqlite3_progress_handler(db->handle, PROGRESS_OPERATIONS, ask_to_stop, db);
}

bool database_has_moved(const struct database *db)
{
    int moved = 0;

    return sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved;
}

enum outcome database_look(struct database *db, struct database_version *inout_version,
                           struct error *err)
{
    struct database_version version = {.own = sqlite3_total_changes64(db->handle)};

    if (database_query_int(db, "see who committed", "pragma data_version",
                           &version.others, err) != OK)
        return FAILED;
    version.others++; /* a zeroed one is none */
    if (version.others == inout_version->others && version.own == inout_version->own)
        return NOTHING;
    *inout_version = version;
    return OK;
}

enum outcome database_checkpoint(struct database *db, struct error *err)
{
    int64_t ignored;
    int frames = 0;
    int moved = 0;

    /* a connection that has read nothing yet knows of no WAL, and would succeed */
    if (database_query_int(db, "checkpoint", "pragma data_version", &ignored, err) ==
        FAILED)
        return FAILED;
    /* as a pragma it would read the schema first */
    if (sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames,
                                  &moved) != SQLITE_OK)
        return sqlite_error_set(db->handle, err, "checkpoint");
    return moved < frames ? NOTHING : OK;
}

/* Pages. */
#define COPY_PIECE 2000

enum outcome database_copy(struct database *db, const struct database *from,
                           struct error *err)
{
    sqlite3_backup *copy = sqlite3_backup_init(db->handle, "main", from->handle, "main");
    bool stopped = false;
    int code = SQLITE_OK;

    if (!copy)
        return sqlite_error_set(db->handle, err, "copy %s", from->path);
    while (code == SQLITE_OK && !stopped) {
        code = sqlite3_backup_step(copy, COPY_PIECE);
        stopped = code == SQLITE_OK && database_is_asked_to_stop(from);
    }
    code = sqlite3_backup_finish(copy);
    if (stopped)
        return error_set(err, ERROR_INTERRUPTED, "asked to stop");
    return code == SQLITE_OK ? OK
                             : sqlite_error_set(db->handle, err, "copy %s", from->path);
}

enum outcome database_release_memory(struct database *db, struct error *err)
{
    sqlite3_db_release_memory(db->handle);
    return database_run(db, "release memory", "pragma writable_schema = reset", err);
}
