#include "lib/db/database.h"

#include "lib/base/cleanup.h"
#include "lib/base/histogram.h"
#include "lib/db/statement.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Runs for a very long time unless it is stopped. */
#define ENDLESS                                                                          \
    "with recursive n(i) as (select 1 union all select i + 1 from n)"                    \
    " select count(*) from n"

static struct database *open_file(const char *path, struct database_options options)
{
    struct database *db = NULL;
    struct error err = {0};

    if (database_new(&db, path, &options, &err) == FAILED)
        fail_msg("%s", err.message);
    return db;
}

static struct database *open_folders_file(void **state)
{
    const struct cache_folder *folder = *state;

    return open_file(folder->file, (struct database_options){0});
}

static void a_new_file_is_made(void **state)
{
    struct database *db = open_folders_file(state);

    run_sql(db, "create table t (a); insert into t values (1), (2)");
    assert_int_equal(database_changes(db), 2);
    assert_int_equal(number_of(db, "select count(*) from t"), 2);
    database_free(db);
}

static void a_file_that_must_exist_is_not_made(void **state)
{
    const struct cache_folder *folder = *state;
    struct database_options options = {.must_exist = true};
    struct database *db = NULL;
    struct error err = {0};

    assert_int_equal(database_new(&db, folder->file, &options, &err), FAILED);
    assert_null(db);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_non_null(strstr(err.message, folder->file));
    assert_true(err.hint[0]);
}

static void a_file_that_may_not_grow_says_so(void **state)
{
    struct database *db = open_folders_file(state);
    struct rlimit before;
    struct rlimit small;
    struct error err = {0};

    run_sql(db, "create table t (a)");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 8192, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(
        database_run(db, "fill", "insert into t values (zeroblob(100000))", &err),
        FAILED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_non_null(strstr(err.message, "fill: disk I/O error (File too large)"));
    assert_non_null(strstr(err.message, db->path));
    assert_true(err.hint[0]);
    assert_int_equal(number_of(db, "select count(*) from t"), 0);
    database_free(db);
}

static void what_outgrows_its_limit_of_pages_is_no_lack_of_room(void **state)
{
    struct database *db = open_folders_file(state);
    struct error err = {0};

    run_sql(db, "create table t (a); pragma max_page_count = 4");
    assert_int_equal(
        database_run(db, "fill", "insert into t values (zeroblob(100000))", &err),
        FAILED);
    assert_non_null(strstr(err.message, "full"));
    assert_non_null(strstr(err.hint, "KiB free"));
    database_free(db);
}

static void a_read_only_one_cannot_be_written(void **state)
{
    const struct cache_folder *folder = *state;
    struct database *db = open_folders_file(state);
    struct database *reader;

    run_sql(db, "create table t (a)");
    reader = open_file(folder->file, (struct database_options){.read_only = true});
    assert_int_equal(number_of(reader, "select count(*) from t"), 0);
    assert_sql_refused(reader, "insert into t values (1)", "readonly");
    database_free(reader);
    database_free(db);
}

static void the_file_is_not_trusted(void **state)
{
    struct database *db = open_folders_file(state);

    run_sql(db, "create table t (a)");
    assert_sql_refused(db,
                       "pragma writable_schema = on;"
                       "update sqlite_schema set sql = 'create table t (b)'",
                       "may not be modified");
    assert_sql_refused(db, "select load_extension('x')", "not authorized");
    assert_int_equal(number_of(db, "pragma cell_size_check"), 1);
    assert_int_equal(number_of(db, "pragma mmap_size"), 0);
    database_free(db);
}

static void the_page_cache_has_the_size_asked_for(void **state)
{
    struct database *db =
        open_file(":memory:", (struct database_options){.cache_size_kib = 8000});
    struct error err = {0};

    (void)state;
    assert_int_equal(number_of(db, "pragma cache_size"), -8000);
    assert_int_equal(database_release_memory(db, &err), OK);
    database_free(db);
}

static void no_row_is_nothing(void **state)
{
    struct database *db = open_file(":memory:", (struct database_options){0});
    struct error err = {0};
    int64_t value = 7;

    (void)state;
    assert_int_equal(database_query_int(db, "look", "select 1 where false", &value, &err),
                     NOTHING);
    assert_int_equal(value, 7);
    assert_int_equal(err.kind, ERROR_NONE);
    database_free(db);
}

static void an_error_says_what_and_why(void **state)
{
    struct database *db = open_file(":memory:", (struct database_options){0});
    struct error err = {0};

    (void)state;
    assert_int_equal(database_run(db, "count the sheep", "select * from sheep", &err),
                     FAILED);
    assert_string_equal(err.message, "count the sheep: no such table: sheep");
    assert_string_equal(err.origin, "SQLITE 1");
    assert_int_equal(err.kind, ERROR_SCHEMA);
    database_free(db);
}

static void what_is_rolled_back_is_gone(void **state)
{
    struct database *db = open_folders_file(state);
    struct error err = {0};

    run_sql(db, "create table t (a)");
    assert_int_equal(database_begin(db, &err), OK);
    run_sql(db, "insert into t values (1)");
    database_roll_back(db);
    assert_int_equal(database_begin(db, &err), OK);
    run_sql(db, "insert into t values (2)");
    assert_int_equal(database_commit(db, &err), OK);
    database_roll_back(db);
    assert_int_equal(number_of(db, "select sum(a) from t"), 2);
    database_free(db);
}

static void the_time_under_the_write_lock_is_recorded(void **state)
{
    struct database *db = open_folders_file(state);
    struct histogram held = {0};
    struct error err = {0};

    assert_int_equal(database_begin(db, &err), OK);
    assert_int_equal(database_commit(db, &err), OK);
    database_on_write_lock(db, &held);
    assert_int_equal(database_begin(db, &err), OK);
    usleep(2000);
    assert_int_equal(database_commit(db, &err), OK);
    database_roll_back(db);
    assert_int_equal(held.count, 1);
    assert_true(held.max_us >= 2000);
    assert_int_equal(database_begin(db, &err), OK);
    database_roll_back(db);
    assert_int_equal(held.count, 2);
    database_free(db);
}

static void a_locked_file_is_tried_again_later(void **state)
{
    const struct cache_folder *folder = *state;
    struct database *db = open_folders_file(state);
    struct database *other = open_file(folder->file, (struct database_options){0});
    struct error err = {0};

    assert_int_equal(database_begin(db, &err), OK);
    assert_int_equal(database_begin(other, &err), FAILED);
    assert_int_equal(err.kind, ERROR_TRANSIENT);
    database_roll_back(db);
    assert_int_equal(database_begin(other, &err), OK);
    database_free(other);
    database_free(db);
}

static bool count_down(void *context)
{
    int *calls = context;

    return --*calls == 0;
}

static void long_work_can_be_stopped(void **state)
{
    struct database *db = open_file(":memory:", (struct database_options){0});
    struct error err = {0};
    int calls = 3;

    (void)state;
    database_on_progress(db, count_down, &calls);
    assert_int_equal(database_run(db, "count", ENDLESS, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INTERRUPTED);
    assert_int_equal(calls, 0);
    calls = 1000;
    assert_int_equal(number_of(db, "select 5"), 5);
    database_free(db);
}

static void assert_look(struct database *db, struct database_version *version,
                        enum outcome expected)
{
    struct error err = {0};

    assert_int_equal(database_look(db, version, &err), expected);
    assert_int_equal(database_look(db, version, &err), NOTHING);
}

static void a_look_tells_who_wrote(void **state)
{
    struct database *db = open_folders_file(state);
    struct database *other;
    struct database_version version = {0};

    run_sql(db, "pragma journal_mode = wal; create table t (a)");
    other = open_folders_file(state);
    assert_look(db, &version, OK);
    run_sql(db, "select * from t");
    assert_look(db, &version, NOTHING);
    run_sql(db, "insert into t values (1)");
    assert_look(db, &version, OK);
    run_sql(other, "update t set a = 2");
    assert_look(db, &version, OK);
    run_sql(other, "begin; update t set a = 3");
    assert_look(db, &version, NOTHING);
    run_sql(other, "commit");
    assert_look(db, &version, OK);
    database_free(other);
    database_free(db);
}

static void a_checkpoint_tells_whether_something_stays(void **state)
{
    struct database *db = open_folders_file(state);
    struct database *reader;
    struct error err = {0};

    run_sql(db, "pragma journal_mode = wal; create table t (a)");
    reader = open_folders_file(state);
    run_sql(reader, "begin; select * from t");
    run_sql(db, "insert into t values (1)");
    assert_int_equal(database_checkpoint(db, &err), NOTHING);
    run_sql(reader, "commit");
    assert_int_equal(database_checkpoint(db, &err), OK);
    database_free(reader);
    database_free(db);
}

static void a_connection_that_has_read_nothing_moves_the_wal_too(void **state)
{
    struct database *db = open_folders_file(state);
    struct database *reader;
    struct database *fresh;
    struct error err = {0};

    run_sql(db, "pragma journal_mode = wal; create table t (a)");
    reader = open_folders_file(state);
    run_sql(reader, "begin; select * from t");
    run_sql(db, "insert into t values (1)");
    fresh = open_folders_file(state);
    assert_int_equal(database_checkpoint(fresh, &err), NOTHING);
    database_free(fresh);
    database_free(reader);
    database_free(db);
}

static void everything_works_on_after_memory_was_released(void **state)
{
    struct database *db = open_folders_file(state);
    OWNED(statement_release) struct statement count = {0};
    struct error err = {0};

    run_sql(db, "create table t (a); create temp table kept (a);"
                "create temp trigger keep after insert on main.t begin"
                " insert into kept values (new.a); end;"
                "insert into t values (1)");
    assert_int_equal(
        statement_prepare_text(&count, db, "count", "select count(*) from kept", &err),
        OK);
    assert_int_equal(database_release_memory(db, &err), OK);
    run_sql(db, "insert into t values (2)");
    assert_int_equal(statement_step(&count, &err), OK);
    assert_int_equal(statement_column_int(&count, 0), 2);
    statement_release(&count);
    database_free(db);
}

static void nothing_can_be_freed_and_rolled_back(void **state)
{
    (void)state;
    database_roll_back(NULL);
    database_free(NULL);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_folder_setup, cache_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_new_file_is_made),
        CASE(a_file_that_must_exist_is_not_made),
        CASE(a_file_that_may_not_grow_says_so),
        CASE(what_outgrows_its_limit_of_pages_is_no_lack_of_room),
        CASE(a_read_only_one_cannot_be_written),
        CASE(the_file_is_not_trusted),
        cmocka_unit_test(the_page_cache_has_the_size_asked_for),
        cmocka_unit_test(no_row_is_nothing),
        cmocka_unit_test(an_error_says_what_and_why),
        CASE(what_is_rolled_back_is_gone),
        CASE(the_time_under_the_write_lock_is_recorded),
        CASE(a_locked_file_is_tried_again_later),
        cmocka_unit_test(long_work_can_be_stopped),
        CASE(a_look_tells_who_wrote),
        CASE(a_checkpoint_tells_whether_something_stays),
        CASE(a_connection_that_has_read_nothing_moves_the_wal_too),
        CASE(everything_works_on_after_memory_was_released),
        cmocka_unit_test(nothing_can_be_freed_and_rolled_back),
    };

    return cmocka_run_group_tests_name("database", tests, NULL, NULL);
}
