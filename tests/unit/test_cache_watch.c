#include "daemon/sync/cache_watch.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void watch_drop(struct cache_watch **watch)
{
    cache_watch_free(*watch);
}

static void database_drop(struct database **db)
{
    database_free(*db);
}

/* The first look is behind it, and so are the events until now. */
static struct cache_watch *start(struct cache_fixture *fixture, int also_fd)
{
    struct cache_watch *watch = NULL;
    struct error err;

    run_sql(fixture->db, "create table if not exists note (text)");
    assert_int_equal(cache_watch_new(&watch, &fixture->cache, also_fd, &err), OK);
    assert_int_equal(cache_watch_look(watch, &err), OK);
    assert_int_equal(cache_watch_look(watch, &err), NOTHING);
    return watch;
}

static struct database *another(const struct cache_fixture *fixture)
{
    struct database *db = NULL;
    struct error err;

    assert_int_equal(
        database_new(&db, fixture->cache.path, &(struct database_options){0}, &err), OK);
    return db;
}

static bool is_readable(const struct cache_watch *watch)
{
    struct pollfd watched = {.fd = cache_watch_descriptor(watch), .events = POLLIN};

    return poll(&watched, 1, 0) > 0;
}

static void commits_of_others_are_seen_once(void **state)
{
    struct cache_fixture *fixture = *state;
    OWNED(watch_drop) struct cache_watch *watch = start(fixture, -1);
    OWNED(database_drop) struct database *other = another(fixture);
    struct error err;

    assert_false(is_readable(watch));
    run_sql(other, "insert into note values (1)");
    assert_true(is_readable(watch));
    assert_int_equal(cache_watch_look(watch, &err), OK);
    assert_false(is_readable(watch));
    assert_int_equal(cache_watch_look(watch, &err), NOTHING);
}

static void own_commits_are_not(void **state)
{
    struct cache_fixture *fixture = *state;
    OWNED(watch_drop) struct cache_watch *watch = start(fixture, -1);
    struct error err;

    run_sql(fixture->db, "insert into note values (1)");
    assert_int_equal(cache_watch_look(watch, &err), NOTHING);
    assert_false(is_readable(watch));
}

/* What is written and not committed yet is looked at again soon, but not for ever. */
static void a_write_without_a_commit_shortens_the_patience(void **state)
{
    struct cache_fixture *fixture = *state;
    OWNED(watch_drop) struct cache_watch *watch = start(fixture, -1);
    struct error err;
    int looks = 0;

    run_sql(fixture->db, "insert into note values (1)");
    assert_int_equal(cache_watch_look(watch, &err), NOTHING);
    assert_in_range(cache_watch_patience_us(watch), 1, 5000);
    while (cache_watch_patience_us(watch) < INT64_MAX && looks++ < 100)
        assert_int_equal(cache_watch_look(watch, &err), NOTHING);
    assert_in_range(looks, 2, 20);
}

static void another_descriptor_ends_the_wait_too(void **state)
{
    struct cache_fixture *fixture = *state;
    int called_fd = eventfd(0, EFD_NONBLOCK);
    OWNED(watch_drop) struct cache_watch *watch = start(fixture, called_fd);

    assert_false(cache_watch_is_called(watch));
    assert_false(is_readable(watch));
    eventfd_write(called_fd, 1);
    assert_true(is_readable(watch));
    assert_true(cache_watch_is_called(watch));
    close(called_fd);
}

/* Another file under the WAL's name is followed from its first byte. */
static void a_wal_made_anew_is_followed(void **state)
{
    struct cache_fixture *fixture = *state;
    OWNED(watch_drop) struct cache_watch *watch = start(fixture, -1);
    char wal[128];
    char aside[128];
    struct error err;

    snprintf(wal, sizeof(wal), "%s-wal", fixture->cache.path);
    snprintf(aside, sizeof(aside), "%s-aside", fixture->cache.path);
    assert_int_equal(rename(wal, aside), 0);
    assert_int_equal(rename(aside, wal), 0);
    assert_true(is_readable(watch));
    assert_int_equal(cache_watch_look(watch, &err), NOTHING);
    run_sql(fixture->db, "insert into note values (1)");
    assert_true(is_readable(watch));
}

/* Files beside the cache are not its business. */
static void a_neighbour_is_no_commit(void **state)
{
    struct cache_fixture *fixture = *state;
    OWNED(watch_drop) struct cache_watch *watch = start(fixture, -1);
    char path[128];
    struct error err;
    FILE *file;

    snprintf(path, sizeof(path), "%s/neighbour", fixture->folder->path);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(cache_watch_look(watch, &err), NOTHING);
    assert_int_equal(cache_watch_patience_us(watch), INT64_MAX);
}

#define CASE(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, cache_fixture_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(commits_of_others_are_seen_once),
        CASE(own_commits_are_not),
        CASE(a_write_without_a_commit_shortens_the_patience),
        CASE(another_descriptor_ends_the_wait_too),
        CASE(a_wal_made_anew_is_followed),
        CASE(a_neighbour_is_no_commit),
    };

    return cmocka_run_group_tests_name("cache_watch", tests, NULL, NULL);
}
