/* Changes of the primary meet local ones of the same row. */
#include "lib/store/mirror_merge.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pending_world.h"

/* ---- the primary has the row ---- */

static void other_columns_take_the_primarys_values(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 1, "new", "one", .updated_at = LONG_AGO);
    finish(&world, false);
    assert_people(&world, "1:new:mine 2:b:two");
    assert_outbox(&world, "1:update");
    assert_conflicts(&world, "");
    assert_counts(&world, 1, 0);
    assert_text_of(world.db, "select updated_at from people where id = 1", LONG_AGO);
}

static void an_edited_column_keeps_its_value_until_the_push(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 1, "a", "theirs");
    finish(&world, false);
    assert_people(&world, "1:a:mine 2:b:two");
    assert_text_of(world.db, "select base from tide_outbox", "{\"note\":\"'one'\"}");
    assert_counts(&world, 0, 0);
    assert_false(world.mirror.has_settled);
}

static void a_column_that_was_edited_back_takes_the_primarys_value(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    edit(&world, 1, "email", "'x'");
    edit(&world, 1, "note", "'one'");
    refresh(&world);
    PUT(&world, 1, "a", "theirs");
    finish(&world, false);
    assert_people(&world, "1:x:theirs 2:b:two");
    assert_outbox(&world, "1:update");
    assert_text_of(world.db, "select base from tide_outbox", "{\"email\":\"'a'\"}");
    assert_true(world.mirror.has_settled);
}

static void the_same_edit_on_both_sides_is_no_change_any_more(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'same'");
    refresh(&world);
    PUT(&world, 1, "a", "same");
    finish(&world, false);
    assert_people(&world, "1:a:same 2:b:two");
    assert_outbox(&world, "");
    assert_true(world.mirror.has_settled);
}

static void an_inserted_or_deleted_row_waits_for_its_push(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    insert(&world, 3, "'c'");
    erase(&world, 1);
    refresh(&world);
    PUT(&world, 3, "theirs", "theirs");
    PUT(&world, 1, "theirs", "theirs");
    gone(&world, 3);
    finish(&world, false);
    assert_people(&world, "2:b:two 3:c:mine");
    assert_outbox(&world, "3:insert 1:delete");
}

static void a_row_that_came_and_went_is_the_primarys_alone(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    insert(&world, 3, "'c'");
    erase(&world, 3);
    refresh(&world);
    PUT(&world, 3, "theirs", "theirs");
    finish(&world, false);
    assert_people(&world, "1:a:one 2:b:two 3:theirs:theirs");
    assert_outbox(&world, "");
}

static void an_edited_row_may_become_a_tombstone(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    PUT(&world, 1, "a", "one", .deleted_at = LONG_AGO);
    finish(&world, false);
    assert_people(&world, "2:b:two");
    assert_text_of(world.db, "select note || deleted_at from people where id = 1",
                   "mine" LONG_AGO);
    assert_outbox(&world, "1:update");
}

/* ---- the primary does not have it ---- */

static void an_edit_of_a_row_that_is_gone_is_kept_as_a_conflict(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    gone(&world, 1);
    finish(&world, false);
    assert_people(&world, "2:b:two");
    assert_outbox(&world, "");
    assert_conflicts(&world, "1:deleted there:remote:note=one>mine");
    assert_counts(&world, 0, 1);
}

/* The primary knows it under another spelling: the push will find it. */
static void an_edit_under_another_spelling_waits_for_its_push(void **state)
{
    OWNED(world_release) struct world world;
    const struct value keys[] = {{.type = VALUE_INTEGER, .integer = 1},
                                 {.type = VALUE_INTEGER, .integer = 2}};

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    apply(&world, CHANGE_UNKNOWN, &keys[0], 1);
    apply(&world, CHANGE_UNKNOWN, &keys[1], 1);
    finish(&world, false);
    assert_people(&world, "1:a:mine");
    assert_outbox(&world, "1:update");
    assert_conflicts(&world, "");
}

static void a_person_decides_where_conflicts_are_manual(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    world.table.conflict_policy = CONFLICT_MANUAL;
    edit(&world, 1, "note", "'mine'");
    refresh(&world);
    gone(&world, 1);
    finish(&world, false);
    assert_people(&world, "2:b:two");
    assert_int_equal(number_of(world.db, "select open from tide_conflict_row"), 1);
}

static void with_client_wins_an_edited_row_comes_back(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    world.table.conflict_policy = CONFLICT_CLIENT_WINS;
    edit(&world, 1, "note", "'mine'");
    edit(&world, 1, "note", "'mine too'");
    refresh(&world);
    gone(&world, 1);
    finish(&world, false);
    assert_people(&world, "1:a:mine too 2:b:two");
    assert_outbox(&world, "1:insert");
    assert_conflicts(&world, "1:deleted there:local:note=one>mine too");
}

static void two_deletions_agree(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    world.table.conflict_policy = CONFLICT_CLIENT_WINS;
    edit(&world, 1, "deleted_at", "'" LONG_AGO "'");
    erase(&world, 2);
    refresh(&world);
    gone(&world, 1);
    gone(&world, 2);
    finish(&world, false);
    assert_int_equal(number_of(world.db, "select count(*) from people"), 0);
    assert_outbox(&world, "");
    assert_conflicts(&world, "");
}

static void an_edit_before_a_soft_deletion_is_not_lost(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    world.table.conflict_policy = CONFLICT_CLIENT_WINS;
    edit(&world, 1, "note", "'mine'");
    edit(&world, 1, "deleted_at", "'" LONG_AGO "'");
    refresh(&world);
    gone(&world, 1);
    finish(&world, false);
    assert_int_equal(number_of(world.db, "select count(*) from people"), 1);
    assert_outbox(&world, "");
    assert_conflicts(&world,
                     "1:deleted there:remote:deleted_at=->" LONG_AGO ",note=one>mine");
}

static void a_touched_row_goes_without_a_trace(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    world.table.conflict_policy = CONFLICT_CLIENT_WINS;
    entry(&world, 1, "update", "{}");
    refresh(&world);
    gone(&world, 1);
    finish(&world, false);
    assert_people(&world, "2:b:two");
    assert_outbox(&world, "");
    assert_conflicts(&world, "");
}

static void a_row_that_was_made_anew_there_is_not_gone(void **state)
{
    OWNED(world_release) struct world world;

    world_begin(&world, state);
    edit(&world, 1, "note", "'mine'");
    erase(&world, 2);
    refresh(&world);
    gone(&world, 1);
    gone(&world, 2);
    PUT(&world, 1, "new", "new");
    PUT(&world, 2, "new too", "new");
    finish(&world, false);
    assert_people(&world, "1:new:mine");
    assert_outbox(&world, "1:update 2:delete");
    assert_conflicts(&world, "");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(other_columns_take_the_primarys_values),
        CASE(an_edited_column_keeps_its_value_until_the_push),
        CASE(a_column_that_was_edited_back_takes_the_primarys_value),
        CASE(the_same_edit_on_both_sides_is_no_change_any_more),
        CASE(an_inserted_or_deleted_row_waits_for_its_push),
        CASE(a_row_that_came_and_went_is_the_primarys_alone),
        CASE(an_edited_row_may_become_a_tombstone),
        CASE(an_edit_of_a_row_that_is_gone_is_kept_as_a_conflict),
        CASE(a_person_decides_where_conflicts_are_manual),
        CASE(with_client_wins_an_edited_row_comes_back),
        CASE(an_edit_under_another_spelling_waits_for_its_push),
        CASE(two_deletions_agree),
        CASE(an_edit_before_a_soft_deletion_is_not_lost),
        CASE(a_touched_row_goes_without_a_trace),
        CASE(a_row_that_was_made_anew_there_is_not_gone),
    };

    return cmocka_run_group_tests_name("mirror_merge", tests, NULL, NULL);
}
