/* Local changes, captured by the real triggers, and a table that gets another shape. */
#include "lib/store/carry_over.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/broken_units.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_layout.h"
#include "lib/store/pending.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <string.h>

#define COPY "tide_copy_note"
#define GONE "the table is not mirrored any more"

static struct table note_keyed_by(enum column_codec codec)
{
    struct table table = table_named("note");

    table_with_column(&table, "id", codec);
    table_with_column(&table, "title", CODEC_TEXT);
    table_with_column(&table, "colour", CODEC_TEXT);
    table_with_column(&table, "size", CODEC_INTEGER);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "note_title", true, NAMES("title"));
    return table;
}

/* colour is gone, pages has come, size is text now. */
static struct table note_after(void)
{
    struct table table = table_named("note");

    table_with_column(&table, "id", CODEC_TEXT);
    table_with_column(&table, "title", CODEC_TEXT);
    table_with_column(&table, "size", CODEC_TEXT);
    column_with_default(table_with_column(&table, "pages", CODEC_INTEGER), "12");
    table.columns[3].not_null = true;
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "note_title", true, NAMES("title"));
    return table;
}

struct world {
    struct database *db;
    struct pending *pending;
    struct table before;
};

static void make_copy(struct world *world, const struct table *table)
{
    struct error err = {0};
    enum outcome outcome = mirror_layout_create_copy(world->db, table, COPY, &err);

    while (outcome == OK)
        outcome = mirror_layout_create_index(world->db, table, COPY, true, &err);
    if (outcome == FAILED)
        fail_msg("%s", err.message);
}

static void switch_in(struct world *world, const struct table *table, bool same_shape)
{
    struct error err = {0};

    if (mirror_layout_switch_in(world->db, table, COPY, same_shape, world->pending,
                                &err) == FAILED)
        fail_msg("%s", err.message);
}

/* The table; then the gate is closed: an application's turn. */
static void begin_with(struct world *world, void **state, struct table before)
{
    OWNED(buffer_release) struct buffer sql = {0};
    const struct cache_fixture *fixture = *state;
    OWNED(text_free) char *fingerprint = fingerprint_of(&before);
    struct error err = {0};

    *world = (struct world){.db = fixture->db, .before = before};
    if (pending_new(&world->pending, world->db, &err) == FAILED)
        fail_msg("%s", err.message);
    make_copy(world, &world->before);
    switch_in(world, &world->before, false);
    buffer_append_format(&sql, "update tide_table set fingerprint = '%s'", fingerprint);
    run_sql(world->db, sql.data);
    run_sql(world->db, "update tide_gate set open = 0");
}

/* The same with a, b and c as on the primary. */
static void begin(struct world *world, void **state)
{
    begin_with(world, state, note_keyed_by(CODEC_TEXT));
    run_sql(world->db, "update tide_gate set open = 1;"
                       "insert into note values ('a', 'A', 'red', 1),"
                       " ('b', 'B', 'blue', 2), ('c', 'C', 'grey', 3);"
                       "update tide_gate set open = 0");
}

static void world_release(struct world *world)
{
    pending_free(world->pending);
    table_release(&world->before);
}

/* The table in its new shape, with what the primary has now: the VALUES of an INSERT. */
static void change_shape(struct world *world, struct table after, const char *rows)
{
    OWNED(table_release) struct table table = after;
    OWNED(buffer_release) struct buffer insert = {0};

    run_sql(world->db, "update tide_gate set open = 1");
    make_copy(world, &table);
    buffer_append_format(&insert, "insert into " COPY " values %s", rows);
    run_sql(world->db, insert.data);
    switch_in(world, &table, false);
}

static void assert_notes(struct world *world, const char *expected)
{
    assert_text_of(
        world->db,
        "select group_concat(id || ':' || title || ':' || coalesce(size, '-') ||"
        " ':' || pages, ' ') from (select * from note order by id)",
        expected);
}

static void assert_outbox(struct world *world, const char *expected)
{
    assert_text_of(
        world->db,
        "select coalesce(group_concat(json_extract(row_key, '$[0]') || ':' || op"
        " || coalesce(':' || (select group_concat(key) from json_each(base)),"
        " ''), ' '), '') from (select * from tide_outbox order by sequence)",
        expected);
}

static void assert_rejected(struct world *world, const char *expected)
{
    assert_text_of(
        world->db,
        "select coalesce(group_concat(json_extract(row_key, '$[0]') || ':' || op || ':' "
        "||"
        " sqlstate || ':' || (select coalesce(group_concat(column_name || '=' ||"
        " coalesce(base, '-') || '>' || coalesce(value, '-')), '') from "
        "tide_rejected_value v"
        " where v.rejected_id = r.rejected_id), ' '), '')"
        " from (select * from tide_rejected_row order by rejected_id) r",
        expected);
}

static void assert_refetches(struct world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(row_key, ' '), '') from tide_refetch",
                   expected);
}

static void values_follow_the_name_of_their_column(void **state)
{
    OWNED(world_release) struct world world;

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine' where id = 'a';"
                      "insert into note values ('d', 'D', null, 4);"
                      "delete from note where id = 'c'");
    change_shape(&world, note_after(),
                 "('a', 'A', 'one', 5), ('b', 'B', 'two', 6), ('c', 'C', 'three', 7)");
    assert_notes(&world, "a:mine:one:5 b:B:two:6 d:D:4:12");
    assert_outbox(&world, "a:update:title d:insert c:delete:id,title,size");
    assert_rejected(&world, "");
}

static void what_was_in_a_column_that_is_gone_is_kept(void **state)
{
    OWNED(world_release) struct world world;

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine', colour = 'pink' where id = 'a';"
                      "update note set colour = 'black' where id = 'b';"
                      "insert into note values ('d', 'D', 'white', 4)");
    change_shape(&world, note_after(), "('a', 'A', 'one', 5), ('b', 'B', 'two', 6)");
    assert_notes(&world, "a:mine:one:5 b:B:two:6 d:D:4:12");
    assert_outbox(&world, "a:update:title d:insert");
    assert_rejected(&world,
                    "a:update:42703:colour=red>pink b:update:42703:colour=blue>black"
                    " d:update:42703:colour=->white");
    assert_text_of(world.db, "select message from tide_rejected_row limit 1",
                   "column colour is no longer in note");
}

static void a_row_that_is_not_in_the_copy_is_asked_for(void **state)
{
    OWNED(world_release) struct world world;

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine' where id = 'a'");
    change_shape(&world, note_after(), "('b', 'B', 'two', 6)");
    assert_notes(&world, "a:mine:1:12 b:B:two:6");
    assert_outbox(&world, "a:update:title");
    assert_refetches(&world, "[\"a\"]");
}

/* SQLite keeps a text in a column of blobs; both are spelled alike as a key. */
static void a_key_that_is_text_where_bytes_belong_is_carried_over(void **state)
{
    OWNED(world_release) struct world world;
    struct table after = note_after();

    after.columns[0].codec = CODEC_BYTEA;
    begin_with(&world, state, note_keyed_by(CODEC_BYTEA));
    run_sql(world.db, "insert into note values ('abc', 'D', null, 4)");
    change_shape(&world, after, "(x'01', 'A', 'one', 5)");
    assert_text_of(world.db,
                   "select group_concat(title || ':' || typeof(id), ' ') from note",
                   "A:blob D:text");
    assert_text_of(world.db, "select group_concat(row_key || op) from tide_outbox",
                   "[\"\\\\x616263\"]insert");
}

static void a_value_that_is_taken_there_is_rejected(void **state)
{
    OWNED(world_release) struct world world;

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine' where id = 'a';"
                      "insert into note values ('d', 'D', null, 4)");
    change_shape(&world, note_after(),
                 "('a', 'A', 'one', 5), ('b', 'mine', 'two', 6), ('e', 'D', 'x', 7)");
    assert_notes(&world, "a:A:one:5 b:mine:two:6 e:D:x:7");
    assert_outbox(&world, "");
    assert_rejected(&world, "a:update:23505:title=A>mine"
                            " d:insert:23505:colour=->-,id=->d,size=->4,title=->D");
}

/* The table as it stands after its new shape was switched in. */
static void settle_units(struct world *world, struct table after)
{
    OWNED(table_release) struct table table = after;
    struct outbox_table number = {number_of(world->db, "select table_id from tide_table"),
                                  &table};
    const struct outbox_tables tables = {&number, 1};
    struct error err = {0};

    if (broken_units_settle(world->db, world->pending, &tables, &err) == FAILED)
        fail_msg("%s", err.message);
}

#define BEGIN_UNIT "insert into tide_unit values ('begin');"
#define END_UNIT "insert into tide_unit values ('end');"

/* c shares a row with the unit whose insert finds no place, b has nothing to do with it.
 */
static void a_unit_of_work_goes_whole_when_a_row_of_it_does_not_fit(void **state)
{
    OWNED(world_release) struct world world;

    begin(&world, state);
    run_sql(world.db, BEGIN_UNIT
            "insert into note values ('d', 'D', null, 4);"
            "update note set title = 'mine' where id = 'a';" END_UNIT BEGIN_UNIT
            "update note set size = 9 where id = 'a';"
            "update note set title = 'mine too' where id = 'c';" END_UNIT BEGIN_UNIT
            "update note set title = 'other' where id = 'b';" END_UNIT);
    change_shape(&world, note_after(),
                 "('a', 'A', 'one', 5), ('b', 'B', 'two', 6), ('c', 'C', 'three', 7),"
                 " ('e', 'D', 'x', 8)");
    run_sql(world.db, "update tide_gate set open = 0; delete from tide_refetch; commit");
    settle_units(&world, note_after());
    assert_notes(&world, "b:other:two:6 e:D:x:8");
    assert_refetches(&world, "[\"a\"] [\"c\"]");
    assert_rejected(&world, "d:insert:23505:colour=->-,id=->d,size=->4,title=->D"
                            " a:update:23505:size=1>9,title=A>mine"
                            " c:update:23505:title=C>mine too");
    assert_text_of(world.db,
                   "select group_concat(coalesce(cause_id, 0)) || ' ' ||"
                   " count(distinct unit_id) from tide_rejected_row",
                   "0,1,1 1");
    assert_text_of(world.db,
                   "select group_concat(json_extract(row_key, '$[0]') || op) from"
                   " tide_outbox where row_key is not null",
                   "bupdate");
    assert_int_equal(number_of(world.db, "select open from tide_gate"), 0);
    assert_int_equal(
        number_of(world.db, "select count(*) from tide_outbox where op = 'begin' and base"
                            " is not null"),
        0);
}

static void another_key_rejects_all(void **state)
{
    OWNED(world_release) struct world world;
    struct table table = table_named("note");

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine' where id = 'a';"
                      "insert into note values ('d', 'D', 'x', 4); delete from note where"
                      " id = 'c'; insert into note values ('e', 'E', 'x', 5);"
                      "delete from note where id = 'e'");
    table_with_column(&table, "title", CODEC_TEXT);
    table_with_column(&table, "size", CODEC_INTEGER);
    table_with_key(&table, NAMES("title"));
    change_shape(&world, table, "('A', 1)");
    assert_text_of(world.db, "select group_concat(title) from note", "A");
    assert_outbox(&world, "");
    assert_text_of(
        world.db,
        "select group_concat(op || ' ' || message, '; ') from tide_rejected_row",
        "update the table has another primary key now; insert the table has"
        " another primary key now; delete the table has another primary key"
        " now");
}

static void changes_of_a_table_that_goes_are_rejected(void **state)
{
    OWNED(world_release) struct world world;
    struct error err = {0};

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine' where id = 'a';"
                      "insert into note values ('d', 'D', 'x', 4);"
                      "delete from note where id = 'c'; update tide_gate set open = 1");
    assert_int_equal(carry_over_reject_all(world.db, world.pending, "note", GONE, &err),
                     OK);
    assert_outbox(&world, "");
    assert_rejected(&world, "a:update:42P01:title=A>mine"
                            " d:insert:42P01:colour=->x,id=->d,size=->4,title=->D"
                            " c:delete:42P01:colour=grey>-,id=c>-,size=3>-,title=C>-");
    assert_text_of(world.db, "select message from tide_rejected_row limit 1", GONE);
}

static void without_changes_nothing_is_done(void **state)
{
    OWNED(world_release) struct world world;
    struct error err = {0};

    begin(&world, state);
    assert_int_equal(carry_over_reject_all(world.db, world.pending, "note", GONE, &err),
                     OK);
    assert_int_equal(carry_over_reject_all(world.db, world.pending, "other", GONE, &err),
                     OK);
    assert_rejected(&world, "");
}

/* ---- the same shape ---- */

static void refresh(struct world *world, struct outbox_table *number,
                    struct outbox_tables *tables)
{
    struct error err = {0};

    *number = (struct outbox_table){
        number_of(world->db, "select table_id from tide_table"), &world->before};
    *tables = (struct outbox_tables){number, 1};
    if (pending_refresh(world->pending, tables, &err) == FAILED)
        fail_msg("%s", err.message);
}

static void a_copy_of_the_same_shape_is_merged(void **state)
{
    OWNED(world_release) struct world world;
    struct outbox_table number;
    struct outbox_tables tables;

    begin(&world, state);
    run_sql(world.db, "update note set title = 'mine' where id = 'a';"
                      "update note set size = 9 where id = 'b';"
                      "insert into note values ('d', 'D', null, 4);"
                      "delete from note where id = 'c'; update tide_gate set open = 1");
    make_copy(&world, &world.before);
    run_sql(world.db,
            "insert into " COPY " values ('a', 'A', 'new', 1), ('c', 'C', 'x', 3),"
            " ('e', 'E', 'x', 5)");
    refresh(&world, &number, &tables);
    switch_in(&world, &world.before, true);
    assert_text_of(
        world.db,
        "select group_concat(id || ':' || title || ':' || coalesce(colour, '-')"
        " || ':' || size, ' ') from (select * from note order by id)",
        "a:mine:new:1 b:B:blue:9 d:D:-:4 e:E:x:5");
    assert_outbox(&world,
                  "a:update:title b:update:size d:insert c:delete:id,title,colour,"
                  "size");
    /* gone or a tombstone: only the row itself can tell */
    assert_text_of(world.db,
                   "select group_concat(row_key) from tide_refetch where row_key"
                   " = '[\"b\"]'",
                   "[\"b\"]");
    assert_rejected(&world, "");
}

static void an_edited_row_moves_out_of_the_copys_way(void **state)
{
    OWNED(world_release) struct world world;
    struct outbox_table number;
    struct outbox_tables tables;

    begin(&world, state);
    run_sql(world.db, "update note set size = 9 where id in ('a', 'b');"
                      "insert into note values ('z', 'Z', null, 4);"
                      "update tide_gate set open = 1");
    make_copy(&world, &world.before);
    run_sql(world.db,
            "insert into " COPY " values ('a', 'B', 'x', 1), ('b', 'A', 'y', 2),"
            " ('e', 'Z', 'x', 5)");
    refresh(&world, &number, &tables);
    switch_in(&world, &world.before, true);
    assert_text_of(world.db,
                   "select group_concat(id || ':' || title || ':' || size, ' ') from"
                   " (select * from note order by id)",
                   "a:B:9 b:A:9 e:Z:5");
    assert_outbox(&world, "a:update:size b:update:size");
    assert_rejected(&world, "z:insert:23505:colour=->-,id=->z,size=->4,title=->Z");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(values_follow_the_name_of_their_column),
        CASE(what_was_in_a_column_that_is_gone_is_kept),
        CASE(a_row_that_is_not_in_the_copy_is_asked_for),
        CASE(a_key_that_is_text_where_bytes_belong_is_carried_over),
        CASE(a_value_that_is_taken_there_is_rejected),
        CASE(a_unit_of_work_goes_whole_when_a_row_of_it_does_not_fit),
        CASE(another_key_rejects_all),
        CASE(changes_of_a_table_that_goes_are_rejected),
        CASE(without_changes_nothing_is_done),
        CASE(a_copy_of_the_same_shape_is_merged),
        CASE(an_edited_row_moves_out_of_the_copys_way),
    };

    return cmocka_run_group_tests_name("carry_over", tests, NULL, NULL);
}
