/* Somebody meddles with the triggers of a cache; the check puts them back. */
#include "lib/store/capture.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <string.h>

static struct table note(const char *name)
{
    struct table table = table_named(name);

    table_with_column(&table, "id", CODEC_INTEGER);
    table_with_column(&table, "title", CODEC_TEXT);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(&table, NAMES("id"));
    table.deleted_at = 2;
    return table;
}

static void mirror(struct database *db, const struct table *table)
{
    OWNED(buffer_release) struct buffer sql = {0};
    struct error err = {0};

    mirror_sql_create_table(&sql, table, table->name);
    assert_false(sql.failed);
    run_sql(db, sql.data);
    if (capture_install(db, table, &err) == FAILED)
        fail_msg("%s", err.message);
}

/* What the check says that it mended; "" for nothing. */
static void assert_mended(struct database *db, const struct table *table,
                          int64_t *version, const char *part)
{
    OWNED(buffer_release) struct buffer mended = {0};
    struct error err = {0};
    enum outcome outcome = capture_check(db, &table, 1, version, &mended, &err);

    if (outcome == FAILED)
        fail_msg("%s", err.message);
    if (!part)
        assert_int_equal(outcome, NOTHING);
    else if (!mended.data || !strstr(mended.data, part))
        fail_msg("mended: %s", mended.data ? mended.data : "nothing");
}

static void assert_captured(struct database *db, const char *statement,
                            const char *expected)
{
    run_sql(db, "delete from tide_outbox");
    run_sql(db, statement);
    assert_text_of(db,
                   "select coalesce(group_concat(op || ' ' || row_key, ', '), '')"
                   " from (select * from tide_outbox order by sequence)",
                   expected);
}

static void an_intact_file_is_left_alone(void **state)
{
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    int64_t version = 0;
    int64_t before;

    mirror(db, &table);
    before = number_of(db, "pragma schema_version");
    assert_mended(db, &table, &version, NULL);
    assert_int_equal(version, before);
    assert_int_equal(number_of(db, "pragma schema_version"), before);
}

static void what_was_dropped_changed_or_added_is_mended(void **state)
{
    static const char *const meddling[] = {
        "drop trigger tide_capture_update_note",
        "drop trigger tide_capture_before_insert_note",
        "drop view live_note",
        "drop view live_note; create view live_note as select * from note",
        "drop trigger tide_capture_gone_note",
        /* as an older version made it */
        "drop view tide_capture_note; create view tide_capture_note as"
        " select *, null as step from note",
        "drop trigger tide_capture_update_note; create trigger tide_capture_update_note"
        " after update on note begin select 1; end",
        "create trigger tide_guard_update_note before update on note"
        " begin select raise(abort, 'read-only'); end",
    };
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    int64_t version = 0;

    mirror(db, &table);
    assert_mended(db, &table, &version, NULL);
    run_sql(db, "insert into note (id, title) values (1, 'a')");
    for (size_t i = 0; i < sizeof(meddling) / sizeof(meddling[0]); i++) {
        run_sql(db, meddling[i]);
        assert_mended(db, &table, &version, "note: ");
        assert_mended(db, &table, &version, NULL);
        assert_captured(db, "update note set title = title || '!'", "update [\"1\"]");
        assert_captured(db,
                        "delete from note where id = 1;"
                        "update note set deleted_at = null",
                        "update [\"1\"], update [\"1\"]");
        assert_int_equal(number_of(db, "select count(*) from live_note"), 1);
    }
}

static void triggers_of_an_application_come_last(void **state)
{
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    int64_t version = 0;

    mirror(db, &table);
    run_sql(db, "create table diary (line);"
                "create trigger \"my trigger\" after delete on note begin"
                " insert into diary select old.title || count(*) from note; end");
    assert_mended(db, &table, &version, NULL);
    run_sql(db, "insert into note (id, title) values (1, 'a');"
                "drop trigger tide_capture_update_note; delete from tide_outbox");
    assert_mended(db, &table, &version, "note: ");
    run_sql(db, "delete from note");
    /* fired before ours put the row back */
    assert_text_of(db, "select group_concat(line) from diary", "a0");
    assert_mended(db, &table, &version, NULL);
}

static void triggers_on_private_tables_go(void **state)
{
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    int64_t version = 0;

    mirror(db, &table);
    run_sql(db, "create table mine (a); create trigger mine after insert on mine"
                " begin select 1; end;"
                "create trigger thief after insert on tide_outbox begin"
                " delete from tide_outbox; end");
    assert_mended(db, &table, &version, "tide_outbox: trigger thief");
    assert_captured(db, "insert into note (id) values (1)", "insert [\"1\"]");
    assert_int_equal(
        number_of(db, "select count(*) from sqlite_schema where name = 'mine'"), 2);
    run_sql(db, "insert into tide_unit values ('begin')");
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 2);
}

static void numbers_are_not_given_twice(void **state)
{
    struct database *db = *state;
    struct error err = {0};
    int64_t first = 0;
    int64_t again = 0;
    int64_t second = 0;

    assert_int_equal(catalog_table_id(db, "public", "a", &first, &err), OK);
    assert_int_equal(catalog_table_id(db, "public", "a", &again, &err), OK);
    assert_int_equal(first, again);
    assert_int_equal(catalog_remove_table(db, "a", &err), OK);
    assert_int_equal(catalog_find_table_id(db, "public", "a", &again, &err), NOTHING);
    assert_int_equal(catalog_table_id(db, "public", "b", &second, &err), OK);
    assert_int_not_equal(first, second);
    assert_int_equal(catalog_table_id(db, "other", "b", &again, &err), OK);
    assert_int_not_equal(second, again);
    assert_int_equal(number_of(db, "select count(*) from tide_table"), 1);
}

static void a_gate_without_a_row_opens_and_closes(void **state)
{
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    struct error err = {0};

    mirror(db, &table);
    run_sql(db, "delete from tide_gate");
    assert_captured(db, "insert into note (id) values (1)", "insert [\"1\"]");
    assert_int_equal(catalog_open_gate(db, &err), OK);
    assert_captured(db, "insert into note (id) values (2)", "");
    assert_int_equal(catalog_close_gate(db, &err), OK);
    assert_captured(db, "insert into note (id) values (3)", "insert [\"3\"]");
}

/* What the sync itself writes next, a person's decision say, is captured again. */
static void capture_goes_on_when_the_gate_closes(void **state)
{
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    struct error err = {0};

    mirror(db, &table);
    assert_int_equal(database_begin(db, &err), OK);
    assert_int_equal(catalog_open_gate(db, &err), OK);
    assert_captured(db, "insert into note (id, title) values (1, 'a')", "");
    assert_int_equal(catalog_close_gate(db, &err), OK);
    assert_captured(db, "update note set title = 'b'", "update [\"1\"]");
    assert_int_equal(catalog_open_gate(db, &err), OK);
    assert_captured(db, "update note set title = 'c'", "");
    database_roll_back(db);
    assert_captured(db, "insert into note (id) values (1)", "insert [\"1\"]");
}

/* Where nobody has any, SQLite need not look for one to fire. */
static void triggers_of_applications_fire_for_rows_that_arrive(void **state)
{
    OWNED(table_release) struct table table = note("note");
    struct database *db = *state;
    struct error err = {0};

    mirror(db, &table);
    assert_int_equal(catalog_open_gate(db, &err), OK);
    assert_captured(db, "insert into note (id, title) values (1, 'a')", "");
    assert_int_equal(catalog_close_gate(db, &err), OK);
    run_sql(db, "create table diary (line);"
                "create trigger \"my trigger\" after insert on note begin"
                " insert into diary values (new.title); end");
    assert_int_equal(catalog_open_gate(db, &err), OK);
    assert_captured(db, "insert into note (id, title) values (2, 'b')", "");
    assert_int_equal(catalog_close_gate(db, &err), OK);
    assert_text_of(db, "select group_concat(line) from diary", "b");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_in_memory_setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_intact_file_is_left_alone),
        CASE(what_was_dropped_changed_or_added_is_mended),
        CASE(triggers_of_an_application_come_last),
        CASE(triggers_on_private_tables_go),
        CASE(numbers_are_not_given_twice),
        CASE(a_gate_without_a_row_opens_and_closes),
        CASE(capture_goes_on_when_the_gate_closes),
        CASE(triggers_of_applications_fire_for_rows_that_arrive),
    };

    return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
