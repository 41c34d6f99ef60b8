/* Unique values of the primary meet rows with local changes. */
#include "lib/store/mirror_room.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pending_world.h"

/* ---- unique values ---- */

static void a_clean_row_in_the_way_is_read_again(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 9, "b", "nine");
    finish(&world, false);
    assert_people(&world, "1:a:mine 9:b:nine");
    assert_refetches(&world, "[\"2\"]");
    assert_rejected(&world, "");
}

static void a_pending_insert_in_the_way_is_rejected(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    insert(&world, 4, "'x'");
    refresh(&world);
    PUT(&world, 9, "x", "nine");
    finish(&world, false);
    assert_people(&world, "1:a:one 2:b:two 9:x:nine");
    assert_rejected(&world, "4:insert:23505:people_email:email=x");
    assert_outbox(&world, "");
    assert_counts(&world, 1, 1);
}

static void a_pending_edit_of_that_value_is_rejected_and_the_row_read_again(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "email", "'x'");
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 9, "x", "nine");
    finish(&world, false);
    assert_people(&world, "2:b:two 9:x:nine");
    assert_rejected(&world, "1:update:23505:people_email:email=x,note=mine");
    assert_refetches(&world, "[\"1\"]");
    assert_outbox(&world, "");
}

static void a_pending_edit_of_another_column_moves_on_with_its_row(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 9, "a", "nine");
    assert_true(world.mirror.has_parked);
    PUT(&world, 1, "free", "one");
    finish(&world, false);
    assert_people(&world, "1:free:mine 2:b:two 9:a:nine");
    assert_outbox(&world, "1:update");
    assert_rejected(&world, "");
    assert_refetches(&world, "");
}

static void one_whose_own_version_does_not_come_is_rejected(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 9, "a", "nine");
    finish(&world, false);
    assert_people(&world, "2:b:two 9:a:nine");
    assert_rejected(&world, "1:update:23505:-:note=mine");
    assert_refetches(&world, "[\"1\"]");
    assert_outbox(&world, "");
}

static void one_that_is_gone_is_no_matter_of_unique_values(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    gone(&world, 1);
    PUT(&world, 9, "a", "nine");
    finish(&world, false);
    assert_people(&world, "2:b:two 9:a:nine");
    assert_rejected(&world, "");
    assert_conflicts(&world, "1:deleted there:remote:note=one>mine");
    assert_outbox(&world, "");
}

static void one_that_cannot_come_back_is_rejected(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    world.table.conflict_policy = CONFLICT_CLIENT_WINS;
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    gone(&world, 1);
    PUT(&world, 9, "a", "nine");
    finish(&world, false);
    assert_people(&world, "2:b:two 9:a:nine");
    assert_rejected(&world, "1:update:23505:-:note=mine");
    assert_conflicts(&world, "");
}

static void rows_with_edits_may_swap_unique_values(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    edit(&world, 2, "note", "'mine too'");
    refresh(&world);
    PUT(&world, 1, "b", "one");
    PUT(&world, 2, "a", "two");
    finish(&world, false);
    assert_people(&world, "1:b:mine 2:a:mine too");
    assert_outbox(&world, "1:update 2:update");
    assert_rejected(&world, "");
    assert_refetches(&world, "");
}

static void values_may_move_along_a_chain_of_edited_rows(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three");
    PUT(&world, 4, "d", "four");
    edit(&world, 1, "note", "'mine 1'");
    edit(&world, 3, "note", "'mine 3'");
    refresh(&world);
    PUT(&world, 1, "b", "one");
    PUT(&world, 2, "c", "two");
    PUT(&world, 3, "d", "three");
    PUT(&world, 4, "a", "four");
    finish(&world, false);
    assert_people(&world, "1:b:mine 1 2:c:two 3:d:mine 3 4:a:four");
    assert_outbox(&world, "1:update 3:update");
    assert_rejected(&world, "");
    assert_refetches(&world, "");
}

static void one_row_may_need_room_in_two_indexes(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 2, "code", "'k'");
    insert(&world, 4, "'x'");
    refresh(&world);
    PUT(&world, 9, "x", "nine", .code = "k");
    finish(&world, false);
    assert_people(&world, "1:a:one 9:x:nine");
    assert_rejected(&world, "4:insert:23505:people_email:email=x"
                            " 2:update:23505:people_code:code=k");
}

static void a_partial_index_counts_for_those_in_it(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three", .code = "k", .deleted_at = LONG_AGO);
    PUT(&world, 4, "d", "four", .code = "m", .deleted_at = LONG_AGO);
    edit(&world, 3, "note", "'mine'");
    edit(&world, 4, "deleted_at", "null");
    refresh(&world);
    PUT(&world, 8, "h", "eight", .code = "k");
    PUT(&world, 9, "i", "nine", .code = "m");
    finish(&world, false);
    assert_people(&world, "1:a:one 2:b:two 8:h:eight 9:i:nine");
    assert_outbox(&world, "3:update");
    assert_rejected(&world, "4:update:23505:people_code:deleted_at=-");
}

static void an_index_over_two_columns_is_one_value(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "shelf", "5");
    edit(&world, 2, "note", "'mine'");
    refresh(&world);
    PUT(&world, 8, "h", "eight", .shelf = 5, .place = 1);
    PUT(&world, 9, "i", "nine", .shelf = 0, .place = 2);
    PUT(&world, 2, "b", "two", .shelf = 3, .place = 2);
    finish(&world, false);
    assert_people(&world, "2:b:mine 8:h:eight 9:i:nine");
    assert_rejected(&world, "1:update:23505:people_place:shelf=5");
}

static void an_edit_that_no_longer_fits_its_own_row_gives_way(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three", .shelf = 5, .place = 7);
    edit(&world, 1, "shelf", "5");
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 1, "a", "one", .shelf = 0, .place = 7);
    finish(&world, false);
    assert_people(&world, "1:a:one 2:b:two 3:c:three");
    assert_int_equal(number_of(world.db, "select shelf from people where id = 1"), 0);
    assert_rejected(&world, "1:update:23505:people_place:note=mine,shelf=5");
    assert_outbox(&world, "");
    assert_refetches(&world, "");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_clean_row_in_the_way_is_read_again),
        CASE(a_pending_insert_in_the_way_is_rejected),
        CASE(a_pending_edit_of_that_value_is_rejected_and_the_row_read_again),
        CASE(a_pending_edit_of_another_column_moves_on_with_its_row),
        CASE(one_whose_own_version_does_not_come_is_rejected),
        CASE(one_that_is_gone_is_no_matter_of_unique_values),
        CASE(one_that_cannot_come_back_is_rejected),
        CASE(rows_with_edits_may_swap_unique_values),
        CASE(values_may_move_along_a_chain_of_edited_rows),
        CASE(one_row_may_need_room_in_two_indexes),
        CASE(a_partial_index_counts_for_those_in_it),
        CASE(an_index_over_two_columns_is_one_value),
        CASE(an_edit_that_no_longer_fits_its_own_row_gives_way),
    };

    return cmocka_run_group_tests_name("mirror_room", tests, NULL, NULL);
}
