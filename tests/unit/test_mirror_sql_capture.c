/* Applications write to a mirrored table; the outbox is read. */
#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void mirror(struct database *db, const struct table *table, int64_t table_id)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_create_table(&sql, table, table->name);
    buffer_append_text(&sql, ";");
    for (size_t i = 0; i < table->index_count; i++) {
        mirror_sql_create_index(&sql, table, &table->indexes[i], table->indexes[i].name,
                                table->name);
        buffer_append_text(&sql, ";");
    }
    mirror_sql_create_capture(&sql, table, table_id);
    assert_false(sql.failed);
    run_sql(db, sql.data);
}

/* Every entry since the last call, as "op key base" in lines; then they are forgotten. */
static void assert_outbox(struct database *db, const char *expected)
{
    assert_text_of(db,
                   "select coalesce(group_concat(op || ' ' || row_key ||"
                   " coalesce(' ' || base, ''), char(10)), '')"
                   " from (select * from tide_outbox order by sequence)",
                   expected);
    assert_int_equal(number_of(db, "select count(*) from tide_replaced"), 0);
    run_sql(db, "delete from tide_outbox");
}

/* A hard table: integer key, a unique column. */
static struct table tag(void)
{
    struct table table = table_named("tag");

    table_with_column(&table, "id", CODEC_INTEGER);
    table_with_column(&table, "label", CODEC_TEXT);
    table_with_column(&table, "colour", CODEC_TEXT);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "tag_label", true, NAMES("label"));
    return table;
}

/* A soft one: text key, updated_at, a partial unique index. */
static struct table note(void)
{
    struct table table = table_named("note");

    table_with_column(&table, "id", CODEC_UUID)->not_null = true;
    table_with_column(&table, "title", CODEC_TEXT);
    table_with_column(&table, "size", CODEC_INTEGER);
    table_with_column(&table, "updated_at", CODEC_TIMESTAMPTZ);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "note_title", true, NAMES("title"))->predicate =
        strdup("\"deleted_at\" IS NULL");
    table.updated_at = 3;
    table.deleted_at = 4;
    return table;
}

static void inserts_updates_and_deletes_are_captured(void **state)
{
    OWNED(table_release) struct table table = tag();
    struct database *db = *state;

    mirror(db, &table, 7);
    run_sql(db, "insert into tag values (1, 'red', 'r'), (2, 'blue', null)");
    assert_outbox(db, "insert [\"1\"]\ninsert [\"2\"]");
    run_sql(db, "update tag set colour = 'b'; update tag set label = label");
    assert_outbox(db, "update [\"1\"] {\"colour\":\"'r'\"}\n"
                      "update [\"2\"] {\"colour\":\"NULL\"}");
    run_sql(db, "delete from tag where id = 1; update tag set id = 3");
    assert_outbox(
        db, "delete [\"1\"] {\"id\":\"1\",\"label\":\"'red'\",\"colour\":\"'b'\"}\n"
            "delete [\"2\"] {\"id\":\"2\",\"label\":\"'blue'\",\"colour\":\"'b'\"}\n"
            "insert [\"3\"]");
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"
                                   " where table_id <> 7"),
                     0);
}

static void a_soft_delete_leaves_a_tombstone(void **state)
{
    OWNED(table_release) struct table table = note();
    struct database *db = *state;

    mirror(db, &table, 1);
    run_sql(db, "insert into note (rowid, id, title) values (9, 'a', 'x'), (5, 'b', 'y');"
                "delete from tide_outbox; delete from note");
    assert_outbox(db, "update [\"b\"] {\"deleted_at\":\"NULL\"}\n"
                      "update [\"a\"] {\"deleted_at\":\"NULL\"}");
    assert_text_of(db,
                   "select group_concat(rowid || id || title || length(deleted_at) ||"
                   " (updated_at = deleted_at)) from note",
                   "5by271,9ax271");
    run_sql(db, "delete from note");
    assert_outbox(db, "");
    run_sql(db, "update note set deleted_at = null where id = 'a'");
    assert_int_equal(number_of(db, "select count(*) from tide_outbox where op = 'update'"
                                   " and base glob '{\"deleted_at\":\"''2*'"),
                     1);
}

/* Within the millisecond of another entry of that key, as a program writes it. */
static void a_tombstone_that_was_not_put_back_is_captured(void **state)
{
    OWNED(table_release) struct table table = note();
    OWNED(buffer_release) struct buffer sql = {0};
    struct database *db = *state;

    mirror(db, &table, 1);
    for (int i = 0; i < 20; i++)
        buffer_append_format(&sql,
                             "insert into note (id) values ('%1$d');"
                             "update note set id = 'moved%1$d' where id = '%1$d';"
                             "insert into note (id, deleted_at) values ('%1$d', '2026');",
                             i);
    run_sql(db, sql.data);
    assert_int_equal(
        number_of(db, "select count(*) from tide_outbox where op = 'insert'"), 60);
    assert_int_equal(number_of(db, "select count(*) from tide_put_back"), 0);
}

/* The steps that are taken through a view have a column of their own there. */
static void columns_may_be_named_like_the_view_s_own(void **state)
{
    OWNED(table_release) struct table table = table_named("dance");
    struct database *db = *state;

    table_with_column(&table, "id", CODEC_INTEGER);
    table_with_column(&table, "Step", CODEC_TEXT);
    table_with_column(&table, "step_", CODEC_TEXT);
    table_with_key(&table, NAMES("id"));
    mirror(db, &table, 1);
    run_sql(db, "insert into dance values (1, 'keep', 'a'), (2, 'replaced', 'b');"
                "delete from tide_outbox;"
                "insert or replace into dance values (1, 'left', 'a'), (3, 'keep', 'c')");
    assert_outbox(db, "update [\"1\"] {\"Step\":\"'keep'\"}\ninsert [\"3\"]");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_in_memory_setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(inserts_updates_and_deletes_are_captured),
        CASE(a_soft_delete_leaves_a_tombstone),
        CASE(a_tombstone_that_was_not_put_back_is_captured),
        CASE(columns_may_be_named_like_the_view_s_own),
    };

    return cmocka_run_group_tests_name("mirror_sql_capture", tests, NULL, NULL);
}
