/* Units of work of which one row is refused. Entries are numbered from 1 on. */
#include "lib/store/pending_units.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pending_world.h"

#include <stdio.h>

static void mark(struct world *world, const char *operation)
{
    char sql[100];

    snprintf(sql, sizeof(sql), "insert into tide_outbox (table_id, op) values (0, '%s')",
             operation);
    run_sql(world->db, sql);
}

static int64_t unit_of(struct world *world, struct pending_units *units, int64_t id)
{
    const struct value key = {.type = VALUE_INTEGER, .integer = id};
    struct error err = {0};
    int64_t unit = -1;

    if (pending_units_of(units, &world->tables, &world->table, &key, &unit, &err) ==
        FAILED)
        fail_msg("%s", err.message);
    return unit;
}

static void a_unit_ends_at_its_end_or_at_the_next_mark(void **state)
{
    OWNED(world_release) struct world world;
    struct pending_units units;

    world_begin(&world, state);
    entry(&world, 1, "update", "{}"); /* 1 */
    mark(&world, "begin");            /* 2 */
    entry(&world, 2, "update", "{}");
    mark(&world, "end");
    entry(&world, 3, "update", "{}");
    mark(&world, "begin"); /* 6 */
    entry(&world, 4, "update", "{}");
    mark(&world, "begin"); /* 8 */
    entry(&world, 5, "update", "{}");
    entry(&world, 2, "update", "{}");
    refresh(&world);
    pending_units_start(&units, world.db);
    assert_int_equal(unit_of(&world, &units, 1), 0);
    assert_int_equal(unit_of(&world, &units, 2), 2);
    assert_int_equal(unit_of(&world, &units, 3), 0);
    assert_int_equal(unit_of(&world, &units, 4), 6);
    assert_int_equal(unit_of(&world, &units, 5), 8);
    assert_int_equal(unit_of(&world, &units, 9), 0);
}

/* As a pull does at the end of its round. */
static void reject_members(struct world *world, struct pending_units *units)
{
    struct error err = {0};

    for (;;) {
        OWNED(pending_member_release) struct pending_member member = {0};
        enum outcome outcome = pending_units_next(units, &member, &err);

        if (outcome == OK)
            outcome = mirror_reject_member(&world->mirror, &member, &world->counts, &err);
        if (outcome == FAILED)
            fail_msg("%s", err.message);
        if (outcome == NOTHING)
            return;
    }
}

static void units_that_share_a_row_go_together(void **state)
{
    OWNED(world_release) struct world world;
    struct pending_units units;

    world_begin(&world, state);
    PUT(&world, 3, "c", "three");
    mark(&world, "begin");
    insert(&world, 4, "'x'");
    edit(&world, 1, "note", "'mine'");
    mark(&world, "end");
    mark(&world, "begin");
    edit(&world, 1, "email", "'mine'");
    erase(&world, 2);
    mark(&world, "end");
    mark(&world, "begin");
    edit(&world, 3, "note", "'mine'");
    mark(&world, "end");
    refresh(&world);
    pending_units_start(&units, world.db);
    world.mirror.units = &units;
    world.mirror.tables = &world.tables;
    PUT(&world, 9, "x", "nine");
    finish(&world, false);
    reject_members(&world, &units);
    assert_people(&world, "3:c:mine 9:x:nine");
    assert_refetches(&world, "[\"1\"] [\"2\"] [\"4\"]");
    assert_rejected(&world, "4:insert:23505:people_email:email=x"
                            " 1:update:23505:-:email=mine,note=mine"
                            " 2:delete:23505:-:email=-");
    assert_int_equal(number_of(world.db, "select count(*) from tide_outbox where row_key"
                                         " is not null"),
                     1);
    assert_int_equal(number_of(world.db, "select count(distinct unit_id) from"
                                         " tide_rejected_row"),
                     1);
    assert_int_equal(number_of(world.db, "select count(*) from tide_rejected_row where"
                                         " cause_id = 1"),
                     2);
}

static void what_broke_a_unit_first_is_the_cause(void **state)
{
    OWNED(world_release) struct world world;
    struct pending_units units;

    world_begin(&world, state);
    mark(&world, "begin");
    insert(&world, 4, "'x'");
    insert(&world, 5, "'y'");
    edit(&world, 1, "note", "'mine'");
    mark(&world, "end");
    refresh(&world);
    pending_units_start(&units, world.db);
    world.mirror.units = &units;
    world.mirror.tables = &world.tables;
    PUT(&world, 8, "x", "eight");
    PUT(&world, 9, "y", "nine");
    finish(&world, false);
    reject_members(&world, &units);
    assert_rejected(&world, "4:insert:23505:people_email:email=x"
                            " 5:insert:23505:people_email:email=y"
                            " 1:update:23505:-:note=mine");
    assert_int_equal(number_of(world.db, "select count(distinct unit_id) from"
                                         " tide_rejected_row"),
                     1);
    assert_int_equal(number_of(world.db, "select cause_id from tide_rejected_row where"
                                         " op = 'update'"),
                     1);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_unit_ends_at_its_end_or_at_the_next_mark),
        CASE(what_broke_a_unit_first_is_the_cause),
        CASE(units_that_share_a_row_go_together),
    };

    return cmocka_run_group_tests_name("pending_units", tests, NULL, NULL);
}
