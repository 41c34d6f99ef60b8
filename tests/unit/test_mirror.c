/* Changes go into a real cache file, inside a transaction with the gate open. */
#include "lib/store/mirror.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_layout.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/write_guard.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"
#include "tests/support/values.h"

#include <stdlib.h>
#include <string.h>

/* What a test works on: a table in the cache and its mirror. */
struct world {
    struct cache_fixture *fixture;
    struct database *db;
    struct table table;
    struct mirror mirror;
    struct mirror_counts counts;
};

/* Every test once more beside triggers of an application that leave no row alone. */
static bool beside_triggers;

static void meddle(struct world *world)
{
    static const char *const events[] = {"before insert", "after insert",
                                         "before update", "after update",
                                         "before delete", "after delete"};
    bool is_tag = strcmp(world->table.name, "tag") == 0;
    struct error err = {0};

    run_sql(world->db, "insert or ignore into tide_table select 1, name, 'public', '', 1,"
                       " '', 0, 0, '' from sqlite_schema"
                       " where type = 'table' and name in ('people', 'tag')");
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        OWNED(buffer_release) struct buffer sql = {0};
        const char *name = world->table.name;

        buffer_append_format(&sql,
                             "create trigger meddle_%zu %s on %s begin"
                             " insert or replace into %s (%s) values (99);"
                             " update %s set rowid = rowid + 1000; end",
                             i, events[i], name, name, is_tag ? "name" : "id", name);
        run_sql(world->db, sql.data);
    }
    if (write_guard_refresh(world->db, &err) == FAILED)
        fail_msg("%s", err.message);
}

/* An empty table, as the daemon makes it. */
static void make(struct world *world, void **state, struct table table)
{
    OWNED(text_free) char *copy = NULL;
    struct error err = {0};
    enum outcome outcome;

    *world = (struct world){.fixture = *state, .table = table};
    world->db = world->fixture->db;
    outcome = mirror_layout_copy_name(table.name, &copy, &err);
    if (outcome == OK)
        outcome = mirror_layout_create_copy(world->db, &table, copy, &err);
    while (outcome == OK)
        outcome = mirror_layout_create_index(world->db, &table, copy, true, &err);
    if (outcome == FAILED ||
        mirror_layout_switch_in(world->db, &world->table, copy, false, NULL, &err) ==
            FAILED ||
        mirror_init(&world->mirror, world->db, &world->table, table.name, &err) == FAILED)
        fail_msg("%s", err.message);
    if (beside_triggers)
        meddle(world);
}

static void world_release(struct world *world)
{
    mirror_release(&world->mirror);
    table_release(&world->table);
}

/* id, email (unique), code (unique with deleted_at null), deleted_at */
static struct table people(void)
{
    struct table table = table_named("people");

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "email", CODEC_TEXT);
    table_with_column(&table, "code", CODEC_TEXT);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "people_email", true, NAMES("email"));
    table_with_index(&table, "people_code", true, NAMES("code"))->predicate =
        strdup("\"deleted_at\" IS NULL");
    table.deleted_at = 3;
    return table;
}

static struct table tags(void)
{
    struct table table = table_named("tag");

    table_with_column(&table, "name", CODEC_CASELESS_TEXT);
    table_with_column(&table, "colour", CODEC_TEXT);
    table_with_key(&table, NAMES("name"));
    return table;
}

static void apply(struct world *world, enum change_operation operation,
                  const struct value *values, size_t count)
{
    const struct change change = {0, operation, values, count};
    struct error err = {0};

    if (mirror_apply(&world->mirror, &change, &world->counts, &err) == FAILED)
        fail_msg("%s", err.message);
}

static void put(struct world *world, int64_t id, const char *email, const char *code,
                const char *deleted_at)
{
    const struct value row[] = {integer_value(id), text_value(email), text_value(code),
                                text_value(deleted_at)};

    apply(world, CHANGE_UPSERT, row, 4);
}

static void put_tag(struct world *world, const char *name, const char *colour)
{
    const struct value row[] = {text_value(name), text_value(colour)};

    apply(world, CHANGE_UPSERT, row, 2);
}

static void change_key(struct world *world, enum change_operation operation, int64_t id)
{
    const struct value key = integer_value(id);

    apply(world, operation, &key, 1);
}

static void finish(struct world *world, bool list_is_complete)
{
    struct error err = {0};

    if (mirror_finish(&world->mirror, list_is_complete, &world->counts, &err) == FAILED)
        fail_msg("%s", err.message);
}

static void assert_counts(const struct world *world, int64_t written, int64_t deleted)
{
    assert_int_equal(world->counts.written, written);
    assert_int_equal(world->counts.deleted, deleted);
}

/* "1:a 2:b" for ids and emails in order. */
static void assert_emails(struct world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(id || ':' || coalesce(email, '-'), ' '),"
                   " '') from (select id, email from people order by id)",
                   expected);
}

static void assert_refetches(struct world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(table_name || row_key, ' '), '')"
                   " from (select * from tide_refetch order by row_key)",
                   expected);
}

/* ---- rows ---- */

static void only_what_differs_is_written(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a@x", "c", NULL);
    put(&world, 2, "b@x", NULL, NULL);
    assert_counts(&world, 2, 0);
    put(&world, 1, "a@x", "c", NULL);
    put(&world, 2, "b@x", NULL, NULL);
    assert_counts(&world, 2, 0);
    put(&world, 1, "A@x", "c", NULL);
    put(&world, 2, "b@x", "", NULL);
    assert_counts(&world, 4, 0);
    assert_emails(&world, "1:A@x 2:b@x");
}

/* `left` times the same row; then no more, or a failure. */
struct copies {
    const struct value *row;
    int left;
    bool fails;
};

static enum outcome next_copy(void *context, const struct value **out_values,
                              struct error *err)
{
    struct copies *copies = context;

    if (!copies->left)
        return copies->fails ? error_set(err, ERROR_TRANSIENT, "the line is cut")
                             : NOTHING;
    copies->left--;
    *out_values = copies->row;
    return OK;
}

static enum outcome insert_copies(struct mirror *mirror, struct copies copies,
                                  struct error *err)
{
    const struct mirror_rows rows = {next_copy, &copies};

    return mirror_insert(mirror, &rows, err);
}

static void a_copy_takes_new_rows_only(void **state)
{
    OWNED(world_release) struct world world;
    const struct value row[] = {integer_value(1), text_value("a"), text_value(NULL),
                                text_value(NULL)};
    struct error err = {0};

    make(&world, state, people());
    assert_int_equal(insert_copies(&world.mirror, (struct copies){row, 1, false}, &err),
                     OK);
    assert_emails(&world, "1:a");
    assert_int_equal(insert_copies(&world.mirror, (struct copies){row, 1, false}, &err),
                     FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
}

static void a_copy_that_ends_early_leaves_nothing(void **state)
{
    OWNED(world_release) struct world world;
    const struct value row[] = {integer_value(1), text_value("a"), text_value(NULL),
                                text_value(NULL)};
    struct error err = {0};

    make(&world, state, people());
    assert_int_equal(insert_copies(&world.mirror, (struct copies){row, 1, true}, &err),
                     FAILED);
    assert_int_equal(err.kind, ERROR_TRANSIENT);
    assert_string_equal(err.message, "the line is cut");
    assert_emails(&world, "");
    assert_int_equal(insert_copies(&world.mirror, (struct copies){row, 0, false}, &err),
                     OK);
    assert_int_equal(insert_copies(&world.mirror, (struct copies){row, 2, false}, &err),
                     FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_emails(&world, "");
}

static void a_deleted_row_is_gone_and_counted_once(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, NULL);
    change_key(&world, CHANGE_DELETE, 1);
    change_key(&world, CHANGE_DELETE, 1);
    assert_counts(&world, 2, 1);
    assert_emails(&world, "2:b");
}

static void a_truncate_takes_every_row_with_it(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, "2026-11-22T12:00:00.000000Z");
    apply(&world, CHANGE_TRUNCATE, NULL, 0);
    put(&world, 3, "a", NULL, NULL);
    assert_counts(&world, 3, 2);
    assert_emails(&world, "3:a");
}

static void tombstones_are_not_live(void **state)
{
    OWNED(world_release) struct world world;
    struct mirror_live live = {0};
    struct error err = {0};

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, "2026-11-22T12:00:00.000000Z");
    assert_int_equal(mirror_count_live(&world.mirror, &live, &err), OK);
    assert_int_equal(live.rows, 1);
    assert_int_equal(live.rows_there, 1);
    assert_int_equal(live.uncertain, 0);
    assert_int_equal(number_of(world.db, "select id from live_people"), 1);
}

static void a_caseless_key_is_spelt_as_on_the_primary(void **state)
{
    OWNED(world_release) struct world world;
    const struct value key = text_value("RED");

    make(&world, state, tags());
    put_tag(&world, "red", "#f00");
    put_tag(&world, "Red", "#f00");
    put_tag(&world, "Red", "#f00");
    assert_counts(&world, 2, 0);
    assert_text_of(world.db, "select group_concat(name) from tag", "Red");
    apply(&world, CHANGE_DELETE, &key, 1);
    assert_counts(&world, 2, 1);
}

static void an_unknown_change_is_corrupt(void **state)
{
    OWNED(world_release) struct world world;
    const struct change change = {.operation = (enum change_operation)'x'};
    struct error err = {0};

    make(&world, state, people());
    assert_int_equal(mirror_apply(&world.mirror, &change, &world.counts, &err), FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_non_null(strstr(err.message, "people"));
}

/* ---- unique values that move ---- */

static void two_rows_may_swap_unique_values(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, NULL);
    put(&world, 1, "b", NULL, NULL);
    put(&world, 2, "a", NULL, NULL);
    assert_emails(&world, "1:b 2:a");
    assert_refetches(&world, "");
}

static void a_row_that_made_room_is_read_again(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 7, "a", NULL, NULL);
    assert_emails(&world, "7:a");
    assert_refetches(&world, "people[\"1\"]");
    put(&world, 2, "b", NULL, NULL);
    assert_refetches(&world, "people[\"1\"]");
    put(&world, 1, "c", NULL, NULL);
    assert_emails(&world, "1:c 2:b 7:a");
    assert_refetches(&world, "");
}

static void values_may_move_round_in_a_circle(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", "x", NULL);
    put(&world, 2, "b", "y", NULL);
    put(&world, 3, "c", "z", NULL);
    put(&world, 1, "b", "z", NULL); /* 2 and 3 are both in the way */
    assert_emails(&world, "1:b");
    put(&world, 2, "c", "x", NULL);
    put(&world, 3, "a", "y", NULL);
    assert_emails(&world, "1:b 2:c 3:a");
    assert_refetches(&world, "");
}

static void a_tombstone_is_not_in_the_way_of_a_partial_index(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", "x", "2026-11-22T12:00:00.000000Z");
    put(&world, 2, "b", "x", NULL);
    put(&world, 3, "c", "x", NULL);
    assert_emails(&world, "1:a 3:c");
    assert_refetches(&world, "people[\"2\"]");
}

static void a_key_can_be_noted_by_hand(void **state)
{
    OWNED(world_release) struct world world;
    const struct value key = integer_value(-5);
    struct error err = {0};

    make(&world, state, people());
    assert_int_equal(mirror_refetch(&world.mirror, &key, &err), OK);
    assert_int_equal(mirror_refetch(&world.mirror, &key, &err), OK);
    assert_refetches(&world, "people[\"-5\"]");
}

/* ---- lists of what is there ---- */

static void rows_that_are_not_listed_go(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, NULL);
    put(&world, 3, "c", NULL, "2026-11-22T12:00:00.000000Z");
    change_key(&world, CHANGE_PRESENT, 2);
    change_key(&world, CHANGE_PRESENT, 2);
    change_key(&world, CHANGE_PRESENT, 9);
    finish(&world, true);
    assert_counts(&world, 3, 1);
    assert_emails(&world, "2:b 3:c");
}

static void a_list_counts_for_its_own_round_only(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, NULL);
    change_key(&world, CHANGE_PRESENT, 1);
    finish(&world, true);
    put(&world, 2, "b", NULL, NULL);
    change_key(&world, CHANGE_PRESENT, 2);
    finish(&world, false);
    assert_emails(&world, "2:b");
}

static void without_a_list_nothing_goes(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    finish(&world, false);
    assert_emails(&world, "1:a");
}

static void an_empty_list_may_be_complete(void **state)
{
    OWNED(world_release) struct world world;

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    put(&world, 2, "b", NULL, "2026-11-22T12:00:00.000000Z");
    finish(&world, true);
    assert_counts(&world, 2, 1);
    assert_emails(&world, "2:b");
}

static void a_list_that_is_broken_off_leaves_nothing_behind(void **state)
{
    OWNED(world_release) struct world world;
    struct error err = {0};

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    change_key(&world, CHANGE_PRESENT, 2);
    mirror_release(&world.mirror);
    assert_int_equal(open_statement_count(world.db), 0);
    assert_int_equal(mirror_init(&world.mirror, world.db, &world.table, "people", &err),
                     OK);
    finish(&world, false);
    assert_emails(&world, "1:a");
}

static void listed_keys_compare_as_the_table_does(void **state)
{
    OWNED(world_release) struct world world;
    const struct value key = text_value("RED");

    make(&world, state, tags());
    put_tag(&world, "red", NULL);
    put_tag(&world, "blue", NULL);
    apply(&world, CHANGE_PRESENT, &key, 1);
    finish(&world, true);
    assert_text_of(world.db, "select group_concat(name) from tag", "red");
}

/* ---- capture ---- */

static void only_writes_behind_the_gate_are_captured(void **state)
{
    OWNED(world_release) struct world world;
    struct error err = {0};

    make(&world, state, people());
    put(&world, 1, "a", NULL, NULL);
    assert_int_equal(catalog_close_gate(world.db, &err), OK);
    assert_int_equal(database_commit(world.db, &err), OK);
    run_sql(world.db, "insert into people (id) values (2)");
    assert_int_equal(database_begin(world.db, &err), OK);
    assert_int_equal(catalog_open_gate(world.db, &err), OK);
    put(&world, 1, "b", NULL, NULL);
    change_key(&world, CHANGE_DELETE, 2);
    assert_emails(&world, "1:b");
    assert_text_of(world.db, "select group_concat(row_key || ' ' || op) from tide_outbox",
                   "[\"2\"] insert");
}

static void another_connection_never_finds_the_gate_open(void **state)
{
    OWNED(world_release) struct world world;
    const struct database_options options = {.must_exist = true};
    struct database *other = NULL;
    struct error err = {0};

    make(&world, state, people());
    assert_int_equal(database_new(&other, world.fixture->folder->file, &options, &err),
                     OK);
    assert_int_equal(number_of(other, "select open from tide_gate"), 0);
    assert_int_equal(catalog_close_gate(world.db, &err), OK);
    assert_int_equal(database_commit(world.db, &err), OK);
    run_sql(other, "insert into people (id) values (2)");
    assert_int_equal(number_of(other, "select count(*) from tide_outbox"), 1);
    database_free(other);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest alone[] = {
        CASE(a_copy_takes_new_rows_only),
        CASE(a_copy_that_ends_early_leaves_nothing),
        CASE(only_writes_behind_the_gate_are_captured),
        CASE(another_connection_never_finds_the_gate_open),
    };
    const struct CMUnitTest tests[] = {
        CASE(only_what_differs_is_written),
        CASE(a_deleted_row_is_gone_and_counted_once),
        CASE(a_truncate_takes_every_row_with_it),
        CASE(tombstones_are_not_live),
        CASE(a_caseless_key_is_spelt_as_on_the_primary),
        CASE(an_unknown_change_is_corrupt),
        CASE(two_rows_may_swap_unique_values),
        CASE(a_row_that_made_room_is_read_again),
        CASE(values_may_move_round_in_a_circle),
        CASE(a_tombstone_is_not_in_the_way_of_a_partial_index),
        CASE(a_key_can_be_noted_by_hand),
        CASE(rows_that_are_not_listed_go),
        CASE(a_list_counts_for_its_own_round_only),
        CASE(without_a_list_nothing_goes),
        CASE(an_empty_list_may_be_complete),
        CASE(a_list_that_is_broken_off_leaves_nothing_behind),
        CASE(listed_keys_compare_as_the_table_does),
    };

    if (cmocka_run_group_tests_name("mirror, copies and gate", alone, NULL, NULL) != 0 ||
        cmocka_run_group_tests_name("mirror", tests, NULL, NULL) != 0)
        return 1;
    beside_triggers = true;
    return cmocka_run_group_tests_name("mirror beside triggers", tests, NULL, NULL);
}
