/* Rows whose key an application wrote as text, where bytes belong. */
#include "lib/store/mirror_row.h"

#include "lib/base/cleanup.h"
#include "lib/store/pending.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"
#include "tests/support/values.h"

/* pair (first, second, n): bytes are the key. */
struct world {
    struct database *db;
    struct table table;
    struct mirror mirror;
};

static void world_make(struct world *world, void **state)
{
    struct cache_fixture *fixture = *state;
    struct error err = {0};

    *world = (struct world){.db = fixture->db, .table = table_named("pair")};
    table_with_column(&world->table, "first", CODEC_BYTEA);
    table_with_column(&world->table, "second", CODEC_BYTEA);
    table_with_column(&world->table, "n", CODEC_BIGINT);
    table_with_key(&world->table, NAMES("first", "second"));
    run_sql(world->db, "create table pair (first blob, second blob, n integer,"
                       " primary key (first, second))");
    if (mirror_init(&world->mirror, world->db, &world->table, "pair", &err) == FAILED)
        fail_msg("%s", err.message);
}

static void pending_freep(struct pending **pending)
{
    pending_free(*pending);
}

static void world_release(struct world *world)
{
    mirror_release(&world->mirror);
    table_release(&world->table);
}

static struct value blob_value(const char *bytes)
{
    struct value value = text_value(bytes);

    value.type = VALUE_BLOB;
    return value;
}

/* As it comes from the primary. */
static void put(struct world *world, const char *first, const char *second, int64_t n)
{
    const struct value row[] = {blob_value(first), blob_value(second), integer_value(n)};
    const struct change change = {0, CHANGE_UPSERT, row, 3};
    struct mirror_counts counts = {0};
    struct error err = {0};

    if (mirror_apply(&world->mirror, &change, &counts, &err) == FAILED)
        fail_msg("%s", err.message);
}

static void assert_pairs(struct world *world, const char *expected)
{
    assert_text_of(
        world->db,
        "select coalesce(group_concat(quote(first) || quote(second) || n, ' '),"
        " '') from (select * from pair order by first, second)",
        expected);
}

static void a_text_in_any_place_of_the_key_becomes_its_bytes(void **state)
{
    OWNED(world_release) struct world world;

    world_make(&world, state);
    run_sql(world.db, "insert into pair values ('a', x'62', 1), (x'63', 'd', 1),"
                      " ('e', 'f', 1), ('a', 'z', 1)");
    put(&world, "a", "b", 2);
    put(&world, "c", "d", 2);
    put(&world, "e", "f", 2);
    assert_pairs(&world, "'a''z'1 X'61'X'62'2 X'63'X'64'2 X'65'X'66'2");
    assert_int_equal(number_of(world.db, "select count(*) from tide_rejected_row"), 0);
}

static void the_second_row_of_a_key_is_set_aside_by_its_bytes(void **state)
{
    OWNED(world_release) struct world world;

    world_make(&world, state);
    run_sql(world.db, "insert into pair values ('a', x'62', 1), (x'61', x'62', 2)");
    put(&world, "a", "b", 3);
    assert_pairs(&world, "X'61'X'62'3");
    assert_text_of(world.db, "select row_key || op || sqlstate from tide_rejected_row",
                   "[\"\\\\x61\",\"\\\\x62\"]update23505");
    assert_text_of(world.db,
                   "select group_concat(column_name || quote(value), ' ')"
                   " from tide_rejected_value",
                   "firstX'61' n1 secondX'62'");
    assert_true(world.mirror.has_settled);
}

/* The primary has the row by then, and does not know of the edit. */
static void an_edit_of_a_row_whose_key_is_text_stays(void **state)
{
    OWNED(world_release) struct world world;
    OWNED(pending_freep) struct pending *pending = NULL;
    const struct outbox_table number = {1, &world.table};
    const struct outbox_tables tables = {&number, 1};
    struct error err = {0};

    world_make(&world, state);
    run_sql(world.db,
            "insert into pair values ('a', x'62', 7);"
            " insert into tide_outbox (table_id, row_key, op, base, changed_at)"
            " values (1, '[\"\\\\x61\",\"\\\\x62\"]', 'update', '{\"n\":\"1\"}',"
            " julianday('now'))");
    if (pending_new(&pending, world.db, &err) == FAILED ||
        pending_refresh(pending, &tables, &err) == FAILED)
        fail_msg("%s", err.message);
    world.mirror.pending = pending;
    world.mirror.tables = &tables;
    put(&world, "a", "b", 1);
    assert_pairs(&world, "X'61'X'62'7");
    assert_int_equal(number_of(world.db, "select count(*) from tide_outbox"), 1);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_text_in_any_place_of_the_key_becomes_its_bytes),
        CASE(an_edit_of_a_row_whose_key_is_text_stays),
        CASE(the_second_row_of_a_key_is_set_aside_by_its_bytes),
    };

    return cmocka_run_group_tests_name("mirror_row", tests, NULL, NULL);
}
