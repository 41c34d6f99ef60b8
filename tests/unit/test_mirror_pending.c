/* What the primary says of all rows at once spares those that are pending. */
#include "lib/store/mirror_pending.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pending_world.h"

/* ---- all rows at once ---- */

static void a_truncation_leaves_what_only_we_have(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three");
    edit(&world, 1, "note", "'mine'");
    insert(&world, 4, "'d'");
    erase(&world, 3);
    refresh(&world);
    world.counts = (struct mirror_counts){0};
    apply(&world, CHANGE_TRUNCATE, NULL, 0);
    finish(&world, false);
    assert_people(&world, "4:d:mine");
    assert_outbox(&world, "4:insert");
    assert_conflicts(&world, "1:deleted there:remote:note=one>mine");
    assert_counts(&world, 0, 2);
}

static void a_table_that_was_loaded_again_is_merged(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    apply(&world, CHANGE_TRUNCATE, NULL, 0);
    PUT(&world, 1, "new", "new");
    PUT(&world, 2, "a", "new");
    finish(&world, false);
    assert_people(&world, "1:new:mine 2:a:new");
    assert_outbox(&world, "1:update");
    assert_conflicts(&world, "");
}

static void a_list_of_keys_does_not_know_our_rows(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three");
    PUT(&world, 5, "e", "five");
    PUT(&world, 6, "f", "six", .deleted_at = LONG_AGO);
    edit(&world, 1, "note", "'mine'");
    edit(&world, 5, "note", "'mine'");
    edit(&world, 6, "deleted_at", "null");
    insert(&world, 4, "'d'");
    refresh(&world);
    present(&world, 2);
    present(&world, 5);
    finish(&world, true);
    assert_people(&world, "2:b:two 4:d:mine 5:e:mine 6:f:six");
    assert_outbox(&world, "5:update 6:update 4:insert");
    assert_conflicts(&world, "1:deleted there:remote:note=one>mine");
}

static void assert_live(struct world *world, int64_t rows, int64_t there,
                        int64_t uncertain)
{
    struct mirror_live live = {0};
    struct error err = {0};

    if (mirror_count_live(&world->mirror, &live, &err) == FAILED)
        fail_msg("%s", err.message);
    assert_int_equal(live.rows, rows);
    assert_int_equal(live.rows_there, there);
    assert_int_equal(live.uncertain, uncertain);
}

static void numbers_are_compared_without_what_is_pending(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three", .deleted_at = LONG_AGO);
    assert_live(&world, 2, 2, 0);
    insert(&world, 4, "'d'");
    insert(&world, 5, "'e'");
    erase(&world, 1);
    edit(&world, 3, "deleted_at", "null");
    refresh(&world);
    assert_live(&world, 4, 2, 4);
    edit(&world, 2, "deleted_at", "'" LONG_AGO "'");
    edit(&world, 2, "note", "'x'");
    refresh(&world);
    assert_live(&world, 3, 2, 5);
}

static void rows_on_their_way_make_the_numbers_uncertain(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "email", "'x'");
    refresh(&world);
    PUT(&world, 9, "x", "nine");
    PUT(&world, 8, "b", "eight");
    finish(&world, false);
    assert_people(&world, "8:b:eight 9:x:nine");
    assert_live(&world, 2, 2, 2);
}

static void a_tombstone_with_changes_is_not_purged(void **state)
{
    OWNED(world_release) struct world world;
    struct error err = {0};

    world_begin(&world, state);
    PUT(&world, 3, "c", "three", .deleted_at = LONG_AGO);
    PUT(&world, 4, "d", "four", .deleted_at = LONG_AGO);
    edit(&world, 3, "note", "'mine'");
    edit(&world, 1, "deleted_at", "'" LONG_AGO "'");
    refresh(&world);
    assert_int_equal(
        mirror_purge_tombstones(&world.mirror, "2026-02-01T00:00:00.000000Z", &err), OK);
    assert_text_of(world.db,
                   "select group_concat(id) from (select id from people order by id)",
                   "1,2,3");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_truncation_leaves_what_only_we_have),
        CASE(a_table_that_was_loaded_again_is_merged),
        CASE(a_list_of_keys_does_not_know_our_rows),
        CASE(numbers_are_compared_without_what_is_pending),
        CASE(rows_on_their_way_make_the_numbers_uncertain),
        CASE(a_tombstone_with_changes_is_not_purged),
    };

    return cmocka_run_group_tests_name("mirror_pending", tests, NULL, NULL);
}
