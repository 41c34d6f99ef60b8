#include "lib/store/first_copy.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BESIDE "-tide-first-copy"

static struct cache_config config_of(const struct cache_folder *folder)
{
    return (struct cache_config){
        .path = folder->file, .mode = 0640, .begins_beside = true};
}

static struct cache opened(const struct cache_folder *folder)
{
    const struct cache_config config = config_of(folder);
    struct cache cache = {.lock_fd = -1};
    struct error err = {0};

    if (cache_open(&cache, &config, &err) == FAILED)
        fail_msg("%s", err.message);
    return cache;
}

static void move_in(struct cache *cache)
{
    struct error err = {0};

    if (cache_move_in(cache, 0640, &err) == FAILED)
        fail_msg("%s", err.message);
}

/* The cache is released, as after every failure. */
static void assert_not_moved(struct cache *cache, enum error_kind kind, const char *part)
{
    struct error err = {0};

    assert_int_equal(cache_move_in(cache, 0640, &err), FAILED);
    if (err.kind != kind || !strstr(err.message, part))
        fail_msg("%s error: %s", error_kind_name(err.kind), err.message);
    assert_null(cache->db);
    assert_int_equal(cache->lock_fd, -1);
}

static bool is_there(const struct cache_folder *folder, const char *suffix)
{
    char path[128];

    snprintf(path, sizeof(path), "%s%s", folder->file, suffix);
    return access(path, F_OK) == 0;
}

static void assert_only_the_cache(const struct cache_folder *folder)
{
    assert_true(is_there(folder, ""));
    assert_false(is_there(folder, BESIDE));
    assert_false(is_there(folder, BESIDE "-journal"));
    assert_false(is_there(folder, BESIDE "-wal"));
    assert_false(is_there(folder, BESIDE "-shm"));
}

static void write_file(const struct cache_folder *folder, const char *suffix,
                       const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", folder->file, suffix);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void read_lock_file(const struct cache_folder *folder, char out_text[static 64])
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s-tide-lock", folder->file);
    file = fopen(path, "r");
    assert_non_null(file);
    if (!fgets(out_text, 64, file))
        out_text[0] = '\0';
    fclose(file);
}

/* As any program has it. */
static struct database *stock(const char *path)
{
    const struct database_options options = {0};
    struct database *db = NULL;
    struct error err = {0};

    if (database_new(&db, path, &options, &err) == FAILED)
        fail_msg("%s", err.message);
    return db;
}

static void fill(struct cache *cache)
{
    run_sql(cache->db, "create table filled (number int);"
                       "insert into filled with recursive n (number) as (select 1 union"
                       " all select number + 1 from n limit 20000) select * from n");
}

static void assert_filled(struct database *db)
{
    assert_int_equal(number_of(db, "select count(*) from filled"), 20000);
    assert_text_of(db, "pragma integrity_check", "ok");
}

/* Its first minute is over. */
static void age(struct cache *cache)
{
    struct error err = {0};

    cache->first_copy->began_us -= 61 * US_PER_SECOND;
    if (cache_keep_first_copy(cache, &err) == FAILED)
        fail_msg("%s", err.message);
}

/* ---- where it is ---- */

static void a_new_cache_is_made_beside_its_place(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder);

    assert_non_null(cache.first_copy);
    assert_false(is_there(folder, ""));
    assert_true(is_there(folder, BESIDE));
    assert_text_of(cache.db, "pragma journal_mode", "delete");
    assert_int_equal(number_of(cache.db, "pragma synchronous"), 0);
}

static void a_cache_that_is_there_is_opened_there(void **state)
{
    const struct cache_folder *folder = *state;
    const struct cache_config config = {.path = folder->file, .mode = 0640};
    struct cache cache = {.lock_fd = -1};
    struct error err = {0};

    assert_int_equal(cache_open(&cache, &config, &err), OK);
    fill(&cache);
    cache_release(&cache);
    write_file(folder, BESIDE, "what is left");
    cache = opened(folder);
    assert_null(cache.first_copy);
    assert_filled(cache.db);
    assert_only_the_cache(folder);
    cache_release(&cache);
}

static void an_empty_file_is_filled_where_it_is(void **state)
{
    const struct cache_folder *folder = *state;

    write_file(folder, "", "");
    OWNED(cache_release) struct cache cache = opened(folder);
    assert_null(cache.first_copy);
    assert_text_of(cache.db, "pragma journal_mode", "wal");
}

/* Something is in its way, or the name is too long for more. */
static void where_it_cannot_be_made_the_cache_is_filled_in_its_place(void **state)
{
    const struct cache_folder *folder = *state;
    char path[400];
    struct cache_config config = {.path = path, .mode = 0640, .begins_beside = true};
    struct cache cache;
    struct error err = {0};

    snprintf(path, sizeof(path), "%s%s", folder->file, BESIDE);
    assert_int_equal(mkdir(path, 0700), 0);
    cache = opened(folder);
    assert_null(cache.first_copy);
    cache_release(&cache);
    assert_int_equal(rmdir(path), 0);

    snprintf(path, sizeof(path), "%s/%0235d.db", folder->path, 0);
    if (cache_open(&cache, &config, &err) == FAILED)
        fail_msg("%s", err.message);
    assert_null(cache.first_copy);
    cache_release(&cache);
}

static void sizes_are_those_of_the_first_copy(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder);
    struct cache_sizes sizes;

    fill(&cache);
    cache_measure(folder->file, &sizes);
    assert_true(sizes.file_bytes > 200000);
    assert_true(sizes.disk_free_bytes > 0);
}

static void a_reader_finds_no_cache_yet(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(cache_release) struct cache cache = opened(folder);
    OWNED(cache_release) struct cache reader = {.lock_fd = -1};
    struct error err;

    assert_int_equal(cache_open_read_only(&reader, folder->file, &err), NOTHING);
}

/* ---- into its place ---- */

static void it_takes_its_place_in_wal_mode(void **state)
{
    const struct cache_folder *folder = *state;
    mode_t before = umask(077);
    OWNED(cache_release) struct cache cache = opened(folder);
    struct stat status;

    umask(before);
    fill(&cache);
    move_in(&cache);
    assert_null(cache.first_copy);
    assert_only_the_cache(folder);
    assert_filled(cache.db);
    assert_text_of(cache.db, "pragma journal_mode", "wal");
    assert_int_equal(number_of(cache.db, "pragma synchronous"), 1);
    assert_int_equal(stat(folder->file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

/* SQLite takes a WAL that it finds beside a file for that file's own. */
static void what_a_removed_cache_has_left_is_not_the_new_ones(void **state)
{
    const struct cache_folder *folder = *state;
    char command[400];
    struct cache cache = opened(folder);

    move_in(&cache);
    fill(&cache);
    run_sql(cache.db, "delete from filled where number > 1");
    snprintf(command, sizeof(command), "cp %s-wal %s/wal", folder->file, folder->path);
    assert_int_equal(system(command), 0);
    cache_release(&cache);
    assert_int_equal(unlink(folder->file), 0);
    cache = opened(folder);
    fill(&cache);
    snprintf(command, sizeof(command), "mv %s/wal %s-wal", folder->path, folder->file);
    assert_int_equal(system(command), 0);
    move_in(&cache);
    assert_filled(cache.db);
    assert_only_the_cache(folder);
    cache_release(&cache);
}

static void the_lock_is_held_all_the_time(void **state)
{
    const struct cache_folder *folder = *state;
    const struct cache_config config = config_of(folder);
    OWNED(cache_release) struct cache cache = opened(folder);
    struct cache second = {.lock_fd = -1};
    struct error err;

    assert_int_equal(cache_open(&second, &config, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
    move_in(&cache);
    assert_int_equal(cache_open(&second, &config, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
}

static void who_opened_the_file_too_early_sees_the_rows(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);
    struct database *early = stock(folder->file);

    assert_int_equal(number_of(early, "select count(*) from sqlite_schema"), 0);
    fill(&cache);
    move_in(&cache);
    assert_filled(early);
    run_sql(cache.db, "insert into filled values (-1)");
    assert_int_equal(number_of(early, "select min(number) from filled"), -1);
    assert_text_of(early, "pragma journal_mode", "wal");
    assert_only_the_cache(folder);
    database_free(early);
    cache_release(&cache);
}

/* As some frameworks do before they make their first table. */
static void a_version_in_a_file_without_tables_is_nothing_yet(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);
    struct database *early = stock(folder->file);

    run_sql(early, "pragma user_version = 2; pragma application_id = 77");
    fill(&cache);
    move_in(&cache);
    assert_filled(early);
    database_free(early);
    cache_release(&cache);
}

static void a_file_that_somebody_has_replaced_is_not_moved(void **state)
{
    const struct cache_folder *folder = *state;
    char command[300];
    struct cache cache = opened(folder);
    struct error err;

    age(&cache);
    assert_false(cache_has_lost_copy(&cache));
    snprintf(command, sizeof(command), "rm %s%s; echo another > %s%s", folder->file,
             BESIDE, folder->file, BESIDE);
    assert_int_equal(system(command), 0);
    assert_true(cache_has_lost_copy(&cache));
    assert_int_equal(cache_keep_first_copy(&cache, &err), FAILED);
    assert_not_moved(&cache, ERROR_TRANSIENT, "was removed");
}

static void a_cache_that_was_put_there_meanwhile_stays(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache_folder other = *folder;
    struct cache cache;

    snprintf(other.file, sizeof(other.file), "%s/other.db", folder->path);
    cache = opened(&other);
    run_sql(cache.db, "create table restored (id int)");
    move_in(&cache);
    cache_release(&cache);

    cache = opened(folder);
    fill(&cache);
    assert_int_equal(rename(other.file, folder->file), 0);
    move_in(&cache);
    assert_int_equal(number_of(cache.db, "select count(*) from restored"), 0);
    assert_only_the_cache(folder);
    cache_release(&cache);
}

static void another_programs_database_stays(void **state)
{
    const struct cache_folder *folder = *state;
    const struct cache_config config = config_of(folder);
    struct error err;
    struct cache cache = opened(folder);
    struct database *other;

    fill(&cache);
    other = stock(folder->file);
    run_sql(other, "create table theirs (id int)");
    assert_not_moved(&cache, ERROR_INVALID, "is another program's database");
    assert_int_equal(number_of(other, "select count(*) from theirs"), 0);
    database_free(other);
    assert_int_equal(cache_open(&cache, &config, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);

    assert_int_equal(unlink(folder->file), 0);
    cache = opened(folder);
    assert_filled(cache.db);
    move_in(&cache);
    assert_filled(cache.db);
    cache_release(&cache);
}

static bool stop_at_once(void *context)
{
    (void)context;
    return true;
}

static bool stop_later(void *context)
{
    int *left = context;

    return (*left)-- <= 0;
}

static void who_is_asked_to_stop_flushes_later(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);

    fill(&cache);
    database_on_progress(cache.db, stop_at_once, NULL);
    assert_not_moved(&cache, ERROR_INTERRUPTED, "asked to stop");
    cache = opened(folder);
    assert_filled(cache.db);
    move_in(&cache);
    assert_only_the_cache(folder);
    cache_release(&cache);
}

static void a_copy_into_the_place_can_be_broken_off(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);
    struct database *early = stock(folder->file);
    int left = 1; /* one piece is flushed */

    assert_int_equal(number_of(early, "select count(*) from sqlite_schema"), 0);
    run_sql(cache.db, "create table filled (number int, room text);"
                      "insert into filled with recursive n (number) as (select 1 union"
                      " all select number + 1 from n limit 20000)"
                      " select number, hex(zeroblob(250)) from n");
    database_on_progress(cache.db, stop_later, &left);
    left += (int)number_of(cache.db, "pragma page_count") * 4096 / (8 << 20);
    assert_not_moved(&cache, ERROR_INTERRUPTED, "asked to stop");
    assert_int_equal(number_of(early, "select count(*) from sqlite_schema"), 0);

    cache = opened(folder);
    assert_non_null(cache.first_copy);
    move_in(&cache);
    assert_filled(early);
    assert_only_the_cache(folder);
    database_free(early);
    cache_release(&cache);
}

/* ---- what is trusted ---- */

static void the_same_boot_takes_it_up(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);

    fill(&cache);
    cache_release(&cache);
    cache = opened(folder);
    assert_non_null(cache.first_copy);
    assert_filled(cache.db);
    cache_release(&cache);
}

static void another_boot_starts_over(void **state)
{
    const struct cache_folder *folder = *state;
    static const char *const notes[] = {"", "8c2e6d1c-0000-0000-0000-8c2e6d1c0000",
                                        "flushe"};
    char note[64];

    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        struct cache cache = opened(folder);

        fill(&cache);
        cache_release(&cache);
        write_file(folder, "-tide-lock", notes[i]);
        write_file(folder, BESIDE "-journal", "as left by the other boot");
        cache = opened(folder);
        assert_int_equal(number_of(cache.db, "select count(*) from sqlite_schema"
                                             " where name = 'filled'"),
                         0);
        cache_release(&cache);
        read_lock_file(folder, note);
        assert_int_equal(strlen(note), 36);
    }
}

static void what_was_flushed_outlives_a_boot(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);
    struct error err;
    char note[64];

    assert_int_equal(cache_keep_first_copy(&cache, &err), OK);
    assert_text_of(cache.db, "pragma journal_mode", "delete");
    fill(&cache);
    age(&cache);
    assert_text_of(cache.db, "pragma journal_mode", "wal");
    assert_int_equal(number_of(cache.db, "pragma synchronous"), 1);
    cache_release(&cache);
    read_lock_file(folder, note);
    assert_string_equal(note, "flushed");

    cache = opened(folder);
    assert_non_null(cache.first_copy);
    assert_filled(cache.db);
    assert_text_of(cache.db, "pragma journal_mode", "wal");
    run_sql(cache.db, "update filled set number = 0 where number = 1");
    assert_int_equal(cache_checkpoint(&cache, 0, &err), OK);
    move_in(&cache);
    assert_filled(cache.db);
    assert_only_the_cache(folder);
    cache_release(&cache);
}

static void what_the_wal_holds_comes_along(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);

    age(&cache);
    fill(&cache);
    assert_true(is_there(folder, BESIDE "-wal"));
    move_in(&cache);
    assert_filled(cache.db);
    assert_only_the_cache(folder);
    cache_release(&cache);
}

static void a_file_that_another_program_has_open_stays(void **state)
{
    const struct cache_folder *folder = *state;
    char beside[128];
    struct cache cache = opened(folder);
    struct database *curious;

    snprintf(beside, sizeof(beside), "%s%s", folder->file, BESIDE);
    age(&cache);
    fill(&cache);
    curious = stock(beside);
    assert_filled(curious);
    assert_not_moved(&cache, ERROR_TRANSIENT, "another program has it open");
    assert_false(is_there(folder, ""));
    database_free(curious);

    cache = opened(folder);
    move_in(&cache);
    assert_filled(cache.db);
    cache_release(&cache);
}

/* The note speaks of one file; the next begins with its own. */
static void a_later_copy_does_not_inherit_the_trust(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);
    char note[64];

    age(&cache);
    move_in(&cache);
    cache_release(&cache);
    assert_int_equal(unlink(folder->file), 0);
    cache = opened(folder);
    assert_int_equal(number_of(cache.db, "pragma synchronous"), 0);
    read_lock_file(folder, note);
    assert_int_equal(strlen(note), 36);
    cache_release(&cache);
}

static void who_is_asked_to_stop_keeps_it_as_it_is(void **state)
{
    const struct cache_folder *folder = *state;
    struct cache cache = opened(folder);
    struct error err = {0};
    char note[64];

    database_on_progress(cache.db, stop_at_once, NULL);
    cache.first_copy->began_us -= 61 * US_PER_SECOND;
    assert_int_equal(cache_keep_first_copy(&cache, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INTERRUPTED);
    read_lock_file(folder, note);
    assert_int_equal(strlen(note), 36);
    cache_release(&cache);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_folder_setup, cache_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_new_cache_is_made_beside_its_place),
        CASE(a_cache_that_is_there_is_opened_there),
        CASE(an_empty_file_is_filled_where_it_is),
        CASE(where_it_cannot_be_made_the_cache_is_filled_in_its_place),
        CASE(sizes_are_those_of_the_first_copy),
        CASE(a_reader_finds_no_cache_yet),
        CASE(it_takes_its_place_in_wal_mode),
        CASE(what_a_removed_cache_has_left_is_not_the_new_ones),
        CASE(the_lock_is_held_all_the_time),
        CASE(who_opened_the_file_too_early_sees_the_rows),
        CASE(a_version_in_a_file_without_tables_is_nothing_yet),
        CASE(a_file_that_somebody_has_replaced_is_not_moved),
        CASE(a_cache_that_was_put_there_meanwhile_stays),
        CASE(another_programs_database_stays),
        CASE(who_is_asked_to_stop_flushes_later),
        CASE(a_copy_into_the_place_can_be_broken_off),
        CASE(the_same_boot_takes_it_up),
        CASE(another_boot_starts_over),
        CASE(what_was_flushed_outlives_a_boot),
        CASE(what_the_wal_holds_comes_along),
        CASE(a_file_that_another_program_has_open_stays),
        CASE(a_later_copy_does_not_inherit_the_trust),
        CASE(who_is_asked_to_stop_keeps_it_as_it_is),
    };

    return cmocka_run_group_tests_name("first_copy", tests, NULL, NULL);
}
