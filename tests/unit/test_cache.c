#include "lib/store/cache.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cache opened(const char *path)
{
    const struct cache_config config = {.path = path, .mode = 0660};
    struct cache cache = {0};
    struct error err = {0};

    if (cache_open(&cache, &config, &err) == FAILED)
        fail_msg("%s", err.message);
    return cache;
}

/* Fails with that kind and a message and hint that have these in them. */
static void assert_not_opened(const char *path, enum error_kind kind, const char *message,
                              const char *hint)
{
    const struct cache_config config = {.path = path, .mode = 0660};
    struct cache cache = {0};
    struct error err = {0};
    const char *named;

    assert_int_equal(cache_open(&cache, &config, &err), FAILED);
    if (err.kind != kind || !strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("%s error: %s (%s)", error_kind_name(err.kind), err.message, err.hint);
    named = strstr(err.message, path);
    if (named && strstr(named + 1, path))
        fail_msg("the file is named twice: %s", err.message);
    assert_null(cache.db);
}

/* With a connection that knows nothing of caches. */
static void run_in_file(const char *path, const char *text)
{
    const struct database_options options = {0};
    struct database *db = NULL;
    struct error err = {0};

    if (database_new(&db, path, &options, &err) == FAILED)
        fail_msg("%s", err.message);
    run_sql(db, text);
    database_free(db);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct buffer content_of(const char *path)
{
    struct buffer content = {0};
    FILE *file = fopen(path, "r");
    char block[4096];
    size_t size;

    assert_non_null(file);
    while ((size = fread(block, 1, sizeof(block), file)) > 0)
        buffer_append(&content, block, size);
    fclose(file);
    assert_false(content.failed);
    return content;
}

static unsigned int mode_of(const char *path, const char *suffix)
{
    char full[128];
    struct stat status;

    snprintf(full, sizeof(full), "%s%s", path, suffix);
    assert_int_equal(stat(full, &status), 0);
    return status.st_mode & 07777;
}

/* ---- opening ---- */

static void a_new_file_has_the_mode_asked_for(void **state)
{
    const struct cache_folder *folder = *state;
    mode_t before = umask(077);
    struct cache cache = opened(folder->file);

    umask(before);
    assert_int_equal(mode_of(folder->file, ""), 0660);
    assert_int_equal(mode_of(folder->file, "-wal"), 0660);
    assert_int_equal(mode_of(folder->file, "-shm"), 0660);
    cache_release(&cache);
}

/* Whoever can open it can hold it, and keep the daemon out. */
static void the_lock_is_the_owner_s_alone(void **state)
{
    struct cache_folder *folder = *state;
    mode_t before = umask(0);
    OWNED(cache_release) struct cache cache = opened(folder->file);

    umask(before);
    assert_int_equal(mode_of(folder->file, "-tide-lock"), 0600);
}

static void a_mode_that_was_changed_stays(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder->file);

    cache_release(&cache);
    assert_int_equal(chmod(folder->file, 0600), 0);
    cache = opened(folder->file);
    assert_int_equal(mode_of(folder->file, ""), 0600);
    cache_release(&cache);
}

static void a_new_file_is_migrated_and_in_wal_mode(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder->file);

    assert_text_of(cache.db, "pragma journal_mode", "wal");
    assert_true(number_of(cache.db, "pragma user_version") > 0);
    assert_text_of(cache.db, "select state from tide_status", "absent");
}

/* SQLite's own checkpoints come at the instant of a commit, without a lock of ours. */
static void no_connection_checkpoints_by_itself(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder->file);
    OWNED(cache_release) struct cache beside = {.lock_fd = -1};
    struct error err;

    assert_int_equal(cache_open_beside(&beside, folder->file, &err), OK);
    assert_int_equal(number_of(cache.db, "pragma wal_autocheckpoint"), 0);
    assert_int_equal(number_of(cache.checkpoint, "pragma wal_autocheckpoint"), 0);
    assert_int_equal(number_of(beside.db, "pragma wal_autocheckpoint"), 0);
}

static void the_folder_is_made(void **state)
{
    const struct cache_folder *folder = *state;
    char path[128];
    struct cache cache;

    snprintf(path, sizeof(path), "%s/new/cache.db", folder->path);
    cache = opened(path);
    cache_release(&cache);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/new/cache.db-tide-lock", folder->path);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/new", folder->path);
    assert_int_equal(rmdir(path), 0);
}

static void what_was_written_is_there_when_opened_again(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder->file);

    run_sql(cache.db, "create table mine (a); insert into mine values (5)");
    cache_release(&cache);
    cache = opened(folder->file);
    assert_int_equal(number_of(cache.db, "select a from mine"), 5);
    cache_release(&cache);
}

static void a_second_daemon_is_refused(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder->file);

    assert_not_opened(folder->file, ERROR_INVALID, folder->file, "[cache] path");
    assert_not_opened(folder->file, ERROR_INVALID, "another tidemark is at work", "stop");
    cache_release(&cache);
    cache = opened(folder->file);
    cache_release(&cache);
}

static void a_newer_format_is_refused(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder->file);
    char next[64], message[64];
    int64_t newer = number_of(cache.db, "pragma user_version") + 1;

    snprintf(next, sizeof(next), "pragma user_version = %d", (int)newer);
    snprintf(message, sizeof(message), "newer tidemark (format %d", (int)newer);
    run_sql(cache.db, next);
    cache_release(&cache);
    assert_not_opened(folder->file, ERROR_INVALID, message, "install that version");
}

static void another_programs_database_is_left_as_it_is(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(buffer_release) struct buffer before = {0};
    OWNED(buffer_release) struct buffer after = {0};

    run_in_file(folder->file, "create table bookmark (url)");
    before = content_of(folder->file);
    assert_not_opened(folder->file, ERROR_INVALID, "another program's database",
                      "file of its own");
    after = content_of(folder->file);
    assert_int_equal(after.length, before.length);
    assert_memory_equal(after.data, before.data, before.length);
}

static void what_is_no_database_is_left_as_it_is(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(buffer_release) struct buffer after = {0};

    write_file(folder->file, "Dear diary, this is long enough to be looked at closely.");
    assert_not_opened(folder->file, ERROR_CORRUPT, "not a database",
                      "not an SQLite database");
    assert_not_opened(folder->file, ERROR_CORRUPT, folder->file, "");
    after = content_of(folder->file);
    assert_int_equal(strncmp(after.data, "Dear diary", 10), 0);
}

static void an_empty_file_becomes_a_cache(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache;

    write_file(folder->file, "");
    cache = opened(folder->file);
    assert_int_equal(mode_of(folder->file, ""), 0660);
    cache_release(&cache);
}

static void a_place_where_no_file_can_be_is_an_error(void **state)
{
    const struct cache_folder *folder = *state;
    char path[128];

    write_file(folder->file, "");
    snprintf(path, sizeof(path), "%s/cache.db", folder->file);
    assert_not_opened(path, ERROR_SYSTEM, "Not a directory", "file and its folder");
    snprintf(path, sizeof(path), "%s/folder/cache.db", folder->file);
    assert_not_opened(path, ERROR_SYSTEM, "Not a directory", "[cache] path");
    assert_not_opened(folder->path, ERROR_SYSTEM, "Is a directory", "that is a folder");
}

/* ---- migrations ---- */

static void a_migration_that_fails_leaves_the_old_format(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache;

    /* ours, but with the last of the migration's tables in its way */
    run_in_file(folder->file, "pragma application_id = 1953064037;"
                              "create table tide_state (old); ");
    assert_not_opened(folder->file, ERROR_SCHEMA, "tide_state", "");
    assert_not_opened(folder->file, ERROR_SCHEMA, folder->file, "");
    run_in_file(folder->file, "insert into tide_state values (1); drop table tide_state");
    cache = opened(folder->file);
    assert_int_equal(number_of(cache.db, "select count(*) from tide_gate"), 1);
    cache_release(&cache);
}

static void a_disk_that_fills_up_meanwhile_leaves_the_old_format(void **state)
{
    const struct cache_folder *folder = *state;
    struct rlimit before;
    struct rlimit full;
    struct cache cache;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = 40000; /* room for -shm, not for all the pages of a migration */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    assert_not_opened(folder->file, ERROR_SYSTEM, folder->file, "");
    assert_not_opened(folder->file, ERROR_SYSTEM, "disk I/O error", "ulimit -f");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    cache = opened(folder->file);
    assert_int_equal(number_of(cache.db, "select count(*) from tide_gate"), 1);
    cache_release(&cache);
}

/* ---- looking only ---- */

static void a_reader_looks_on_beside_the_daemon(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder->file);
    OWNED(cache_release) struct cache reader = {0};
    struct error err = {0};

    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), OK);
    assert_text_of(reader.db, "select state from tide_status", "absent");
    assert_int_equal(database_begin(cache.db, &err), OK);
    run_sql(cache.db, "update tide_state set state = 'live'");
    assert_text_of(reader.db, "select state from tide_status", "absent");
    assert_int_equal(database_commit(cache.db, &err), OK);
    assert_text_of(reader.db, "select state from tide_status", "live");
    assert_sql_refused(reader.db, "update tide_state set state = 'x'", "readonly");
}

static void a_reader_finds_nothing_where_nothing_is(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache reader = {0};
    struct error err = {0};

    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), NOTHING);
    assert_int_equal(access(folder->file, F_OK), -1);
    cache_release(&reader);
    write_file(folder->file, "");
    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), NOTHING);
    cache_release(&reader);
}

static void a_reader_does_not_take_anything_for_a_cache(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache reader = {0};
    struct error err = {0};

    run_in_file(folder->file, "create table bookmark (url)");
    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
    write_file(folder->file, "Dear diary, this is long enough to be looked at closely.");
    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

/* ---- the WAL ---- */

static void write_much(struct cache *cache)
{
    run_sql(cache->db, "create table if not exists much (a);"
                       "insert into much values (zeroblob(1000000))");
}

static struct cache_sizes sizes_of(const struct cache *cache)
{
    struct cache_sizes sizes;

    cache_measure(cache->path, &sizes);
    return sizes;
}

static void a_checkpoint_moves_the_wal_into_the_file(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder->file);
    struct error err = {0};
    int64_t wal_bytes;

    write_much(&cache);
    assert_true(sizes_of(&cache).file_bytes < 1000000);
    wal_bytes = sizes_of(&cache).wal_bytes;
    assert_true(wal_bytes > 1000000);
    assert_int_equal(cache_checkpoint(&cache, wal_bytes, &err), OK);
    assert_true(sizes_of(&cache).file_bytes < 1000000);
    assert_int_equal(cache_checkpoint(&cache, wal_bytes - 1, &err), OK);
    assert_true(sizes_of(&cache).file_bytes > 1000000);
    write_much(&cache); /* from the start of the WAL: it does not grow */
    assert_true(sizes_of(&cache).wal_bytes <= wal_bytes + 20000);
}

/* SQLite may lose a commit that comes at the same instant, before 3.51.3. */
static void a_checkpoint_waits_for_whoever_writes(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder->file);
    OWNED(cache_release) struct cache writer = {.lock_fd = -1};
    struct error err = {0};

    write_much(&cache);
    database_set_busy_timeout(cache.db, 0);
    assert_int_equal(cache_open_beside(&writer, folder->file, &err), OK);
    assert_int_equal(database_begin(writer.db, &err), OK);
    assert_int_equal(cache_checkpoint(&cache, 0, &err), FAILED);
    assert_int_equal(err.kind, ERROR_TRANSIENT);
    database_roll_back(writer.db);
    assert_int_equal(cache_checkpoint(&cache, 0, &err), OK);
    assert_true(sizes_of(&cache).file_bytes > 1000000);
}

static void a_reader_may_hold_a_checkpoint_up(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder->file);
    OWNED(cache_release) struct cache reader = {0};
    struct error err = {0};

    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), OK);
    run_sql(reader.db, "begin; select * from tide_state");
    write_much(&cache);
    assert_int_equal(cache_checkpoint(&cache, 0, &err), OK);
    assert_true(sizes_of(&cache).file_bytes < 1000000);
    run_sql(reader.db, "commit");
    assert_int_equal(cache_checkpoint(&cache, 0, &err), OK);
    assert_true(sizes_of(&cache).file_bytes > 1000000);
}

static void what_is_not_there_has_no_size(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache_sizes sizes = {1, 1, 1};

    cache_measure(folder->file, &sizes);
    assert_int_equal(sizes.file_bytes, 0);
    assert_int_equal(sizes.wal_bytes, 0);
    assert_int_equal(sizes.disk_free_bytes, 0);
    write_file(folder->file, "12345");
    cache_measure(folder->file, &sizes);
    assert_int_equal(sizes.file_bytes, 5);
    assert_true(sizes.disk_free_bytes > 0);
}

static void a_zeroed_one_can_be_released(void **state)
{
    struct cache cache = {0};

    (void)state;
    cache_release(&cache);
    cache_release(&cache);
    assert_int_equal(cache.lock_fd, -1);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_folder_setup, cache_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_new_file_has_the_mode_asked_for),
        CASE(the_lock_is_the_owner_s_alone),
        CASE(a_mode_that_was_changed_stays),
        CASE(a_new_file_is_migrated_and_in_wal_mode),
        CASE(no_connection_checkpoints_by_itself),
        CASE(the_folder_is_made),
        CASE(what_was_written_is_there_when_opened_again),
        CASE(a_second_daemon_is_refused),
        CASE(a_newer_format_is_refused),
        CASE(another_programs_database_is_left_as_it_is),
        CASE(what_is_no_database_is_left_as_it_is),
        CASE(an_empty_file_becomes_a_cache),
        CASE(a_place_where_no_file_can_be_is_an_error),
        CASE(a_migration_that_fails_leaves_the_old_format),
        CASE(a_disk_that_fills_up_meanwhile_leaves_the_old_format),
        CASE(a_reader_looks_on_beside_the_daemon),
        CASE(a_reader_finds_nothing_where_nothing_is),
        CASE(a_reader_does_not_take_anything_for_a_cache),
        CASE(a_checkpoint_moves_the_wal_into_the_file),
        CASE(a_checkpoint_waits_for_whoever_writes),
        CASE(a_reader_may_hold_a_checkpoint_up),
        CASE(what_is_not_there_has_no_size),
        cmocka_unit_test(a_zeroed_one_can_be_released),
    };

    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
