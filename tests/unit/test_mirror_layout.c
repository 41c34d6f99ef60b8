/* Copies are filled and switched in, in a real cache file; applications have put their
 * own things on the tables. */
#include "lib/store/mirror_layout.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/catalog.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <string.h>

#define COPY "tide_copy_people"

/* id (uuid, so rowids are SQLite's own), email (unique), city (indexed), deleted_at */
static struct table people(void)
{
    struct table table = table_named("people");

    table_with_column(&table, "id", CODEC_UUID);
    table_with_column(&table, "email", CODEC_TEXT);
    table_with_column(&table, "city", CODEC_TEXT);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "people_email", true, NAMES("email"));
    table_with_index(&table, "people_city", false, NAMES("city"));
    table.deleted_at = 3;
    return table;
}

/* The same after ALTER TABLE: city is gone, town and age have come. */
static struct table older_people(void)
{
    struct table table = table_named("people");

    table_with_column(&table, "id", CODEC_UUID);
    table_with_column(&table, "email", CODEC_TEXT);
    table_with_column(&table, "town", CODEC_TEXT);
    table_with_column(&table, "age", CODEC_INTEGER);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "people_email", true, NAMES("email"));
    return table;
}

static struct database *db_of(void **state)
{
    struct cache_fixture *fixture = *state;

    return fixture->db;
}

static int64_t create_indexes(struct database *db, const struct table *table, bool unique)
{
    struct error err = {0};
    enum outcome outcome;
    int64_t count = -1;

    do {
        outcome = mirror_layout_create_index(db, table, COPY, unique, &err);
        count++;
    } while (outcome == OK);
    if (outcome == FAILED)
        fail_msg("%s", err.message);
    return count;
}

/* A complete copy with these rows, the VALUES of an INSERT; none when NULL. */
static void fill_copy(struct database *db, const struct table *table, const char *rows)
{
    OWNED(buffer_release) struct buffer insert = {0};
    struct error err = {0};

    if (mirror_layout_create_copy(db, table, COPY, &err) == FAILED)
        fail_msg("%s", err.message);
    buffer_append_format(&insert, "insert into " COPY " values %s", rows ? rows : "");
    if (rows)
        run_sql(db, insert.data);
    create_indexes(db, table, false);
    create_indexes(db, table, true);
}

static void switch_in(struct database *db, const struct table *table, bool same_shape)
{
    struct catalog_table row = {
        .name = table->name,
        .schema = table->schema,
        .fingerprint = (char *)"",
        .cursor = {.exact = (char *)"1:1:"},
    };
    struct error err = {0};

    if (mirror_layout_switch_in(db, table, COPY, same_shape, NULL, &err) == FAILED ||
        catalog_put_tables(db, &row, 1, &err) == FAILED)
        fail_msg("%s", err.message);
    assert_int_equal(number_of(db, "select count(*) from sqlite_schema"
                                   " where tbl_name = '" COPY "'"),
                     0);
}

/* What the fixture's daemon has after its first sync. */
static void mirror_people(struct database *db, struct table *table)
{
    *table = people();
    fill_copy(db, table,
              "('a', 'a@x', 'Rome', null), ('b', 'b@x', 'Oslo', null),"
              " ('c', 'c@x', 'Bonn', null)");
    switch_in(db, table, false);
}

/* Writes down every row that comes, changes or goes, as "+a ~b -c". */
static void watch(struct database *db)
{
    run_sql(db, "create table diary (line);"
                "create trigger on_insert after insert on people begin"
                " insert into diary values ('+' || new.id); end;"
                "create trigger on_update after update on people begin"
                " insert into diary values ('~' || new.id); end;"
                "create trigger on_delete after delete on people begin"
                " insert into diary values ('-' || old.id); end;");
}

static void assert_diary(struct database *db, const char *expected)
{
    assert_text_of(db, "select coalesce(group_concat(line, ' '), '') from diary",
                   expected);
}

/* "a:a@x" of every row in order of id. */
static void assert_people(struct database *db, const char *expected)
{
    assert_text_of(db,
                   "select coalesce(group_concat(id || ':' || email, ' '), '')"
                   " from (select * from people order by id)",
                   expected);
}

static void assert_objects(struct database *db, const char *type, const char *expected)
{
    OWNED(buffer_release) struct buffer query = {0};

    buffer_append_format(&query,
                         "select coalesce(group_concat(name, ' '), '') from"
                         " (select name from sqlite_schema where type = '%s'"
                         " and tbl_name = 'people' and sql is not null order by name)",
                         type);
    assert_text_of(db, query.data, expected);
}

#define CAPTURE                                                                          \
    "tide_capture_before_delete_people tide_capture_before_insert_people"                \
    " tide_capture_before_update_people tide_capture_delete_people"                      \
    " tide_capture_evict_people tide_capture_insert_people tide_capture_key_people"      \
    " tide_capture_replace_people tide_capture_update_people"
/* Of a table that keeps tombstones. */
#define CAPTURE_WITH_TOMBSTONES "tide_capture_anew_people " CAPTURE

/* ---- copies ---- */

static void a_copy_has_a_private_name(void **state)
{
    OWNED(text_free) char *name = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(mirror_layout_copy_name("people", &name, &err), OK);
    assert_string_equal(name, COPY);
}

static void a_copy_starts_empty(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);

    fill_copy(db, &table, "('a', 'a@x', 'Rome', null)");
    fill_copy(db, &table, NULL);
    assert_int_equal(number_of(db, "select count(*) from " COPY), 0);
    assert_text_of(db, "select group_concat(name, ' ') from tide_index",
                   "people_city people_email");
}

static void indexes_are_made_one_at_a_time(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);
    struct error err = {0};

    table_with_index(&table, "people_both", false, NAMES("city", "email"));
    assert_int_equal(mirror_layout_create_copy(db, &table, COPY, &err), OK);
    assert_int_equal(mirror_layout_create_index(db, &table, COPY, false, &err), OK);
    assert_text_of(db, "select group_concat(name, ' ') from tide_index", "people_city");
    assert_int_equal(create_indexes(db, &table, false), 1);
    assert_int_equal(create_indexes(db, &table, true), 1);
    assert_int_equal(create_indexes(db, &table, true), 0);
}

static void twins_in_a_copy_are_told_from_other_failures(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);
    struct error err = {0};

    assert_int_equal(mirror_layout_create_copy(db, &table, COPY, &err), OK);
    run_sql(db, "insert into " COPY " (id, email) values ('a', 'x'), ('b', 'x')");
    assert_int_equal(mirror_layout_create_index(db, &table, COPY, true, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_non_null(strstr(err.message, "people_email"));
}

static void a_dropped_copy_leaves_nothing(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);
    struct error err = {0};

    fill_copy(db, &table, NULL);
    assert_int_equal(mirror_layout_drop_copy(db, COPY, &err), OK);
    assert_int_equal(mirror_layout_drop_copy(db, COPY, &err), OK);
    assert_int_equal(number_of(db, "select count(*) from tide_index"), 0);
    assert_int_equal(number_of(db, "select count(*) from sqlite_schema"
                                   " where name like '%people%'"),
                     0);
}

/* ---- nothing is there yet ---- */

static void the_first_copy_becomes_the_table(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    assert_people(db, "a:a@x b:b@x c:c@x");
    assert_objects(db, "trigger", CAPTURE_WITH_TOMBSTONES);
    assert_objects(db, "index", "people_city people_email");
    assert_int_equal(number_of(db, "select count(*) from live_people"), 3);
}

static void a_parent_may_come_after_its_child(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);

    table_with_foreign_key(&table, NAMES("city"), "city", NAMES("name"));
    table_with_foreign_key(&table, NAMES("email"), "people", NAMES("id"));
    fill_copy(db, &table, "('a', null, 'Rome', null)");
    switch_in(db, &table, false);
    assert_text_of(
        db,
        "select group_concat(\"table\", ' ') from"
        " (select \"table\" from pragma_foreign_key_list('people') order by 1)",
        "city people");
}

static void a_name_that_an_application_has_taken_is_left_alone(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);
    struct error err = {0};

    run_sql(db, "create table People (mine); insert into People values ('precious')");
    fill_copy(db, &table, NULL);
    assert_int_equal(mirror_layout_switch_in(db, &table, COPY, false, NULL, &err),
                     FAILED);
    assert_int_equal(err.kind, ERROR_SCHEMA);
    assert_non_null(strstr(err.message, "people"));
    assert_true(err.hint[0]);
    assert_text_of(db, "select mine from people", "precious");
}

static void an_index_name_that_is_taken_gets_a_number(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = db_of(state);

    run_sql(db, "create table t (a); create index People_City on t (a);"
                "create view people_city_2 as select 1");
    fill_copy(db, &table, NULL);
    switch_in(db, &table, false);
    assert_objects(db, "index", "people_city_3 people_email");
    assert_text_of(db, "select tbl_name from sqlite_schema where name = 'People_City'",
                   "t");
}

/* ---- the same shape ---- */

static void only_what_differs_is_merged(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    watch(db);
    fill_copy(db, &table,
              "('a', 'a@x', 'Rome', null), ('b', 'new@x', 'Oslo', null),"
              " ('d', 'd@x', 'Kiel', null)");
    switch_in(db, &table, true);
    assert_people(db, "a:a@x b:new@x d:d@x");
    assert_diary(db, "-c ~b +d");
}

static void rows_keep_their_rowids(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    fill_copy(db, &table, "('c', 'c@x', 'Kiel', null), ('b', 'b@x', 'Oslo', null)");
    switch_in(db, &table, true);
    assert_text_of(db, "select group_concat(rowid || id, ' ') from people", "2b 3c");
}

static void values_that_were_swapped_meanwhile_are_merged(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    fill_copy(db, &table,
              "('a', 'b@x', 'Rome', null), ('b', 'a@x', 'Oslo', null),"
              " ('c', 'c@x', 'Bonn', null)");
    switch_in(db, &table, true);
    assert_people(db, "a:b@x b:a@x c:c@x");
    assert_int_equal(number_of(db, "select count(*) from tide_refetch"), 0);
}

static void what_applications_made_stays_in_the_same_shape(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    watch(db);
    run_sql(db, "create index mine on people (email, city);"
                "create view romans as select * from people where city = 'Rome'");
    fill_copy(db, &table, "('a', 'a@x', 'Rome', null)");
    switch_in(db, &table, true);
    assert_objects(db, "index", "mine people_city people_email");
    assert_objects(db, "trigger",
                   "on_delete on_insert on_update " CAPTURE_WITH_TOMBSTONES);
    assert_int_equal(number_of(db, "select count(*) from romans"), 1);
    assert_text_of(db, "select group_concat(name, ' ') from tide_index",
                   "people_city people_email");
}

static void triggers_and_view_that_somebody_dropped_are_back(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    run_sql(db, "drop trigger tide_capture_delete_people; drop view live_people;"
                "drop trigger tide_capture_insert_people;"
                "create trigger tide_capture_insert_people after insert on people"
                " begin select 1; end");
    fill_copy(db, &table, "('a', 'a@x', 'Rome', null)");
    switch_in(db, &table, true);
    assert_objects(db, "trigger", CAPTURE_WITH_TOMBSTONES);
    assert_int_equal(number_of(db, "select count(*) from live_people"), 1);
    run_sql(db, "update tide_gate set open = 0");
    run_sql(db, "insert into people (id) values ('z')");
    assert_text_of(db, "select row_key || ' ' || op from tide_outbox", "[\"z\"] insert");
}

/* ---- full-text search of an application ---- */

static void make_search(struct database *db)
{
    run_sql(db, "create virtual table search using fts5(email, content = 'people');"
                "insert into search (search) values ('rebuild');"
                "create trigger search_insert after insert on people begin"
                " insert into search (rowid, email) values (new.rowid, new.email); end;"
                "create trigger search_delete after delete on people begin"
                " insert into search (search, rowid, email)"
                " values ('delete', old.rowid, old.email); end;"
                "create trigger search_update after update on people begin"
                " insert into search (search, rowid, email)"
                " values ('delete', old.rowid, old.email);"
                " insert into search (rowid, email) values (new.rowid, new.email); end;");
}

static void assert_found(struct database *db, const char *word, int64_t count)
{
    OWNED(buffer_release) struct buffer query = {0};

    buffer_append_format(&query, "select count(*) from search where search match '%s'",
                         word);
    assert_int_equal(number_of(db, query.data), count);
    run_sql(db, "insert into search (search, rank) values ('integrity-check', 1)");
}

static void full_text_search_is_right_in_the_same_shape(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);

    mirror_people(db, &table);
    make_search(db);
    fill_copy(db, &table, "('a', 'a@x', 'Rome', null), ('b', 'walrus', 'Oslo', null)");
    switch_in(db, &table, true);
    assert_found(db, "walrus", 1);
    assert_found(db, "x", 1);
}

static void full_text_search_is_right_in_another_shape(void **state)
{
    OWNED(table_release) struct table table = {0};
    OWNED(table_release) struct table older = older_people();
    struct database *db = db_of(state);

    mirror_people(db, &table);
    make_search(db);
    fill_copy(db, &older, "('e', 'walrus', 'Rome', 7), ('b', 'b@x', 'Oslo', 8)");
    switch_in(db, &older, false);
    assert_found(db, "walrus", 1);
    assert_found(db, "x", 1);
}

/* ---- another shape ---- */

static void another_shape_replaces_the_table(void **state)
{
    OWNED(table_release) struct table table = {0};
    OWNED(table_release) struct table older = older_people();
    struct database *db = db_of(state);

    mirror_people(db, &table);
    fill_copy(db, &older, "('a', 'a@x', 'Rome', 7)");
    switch_in(db, &older, false);
    assert_int_equal(number_of(db, "select age from people"), 7);
    assert_objects(db, "trigger", CAPTURE);
    assert_objects(db, "index", "people_email_2");
    assert_text_of(db, "select group_concat(name, ' ') from tide_index",
                   "people_email_2");
    assert_int_equal(number_of(db, "select count(*) from sqlite_schema"
                                   " where name = 'live_people'"),
                     0);
}

static void what_applications_made_is_put_back(void **state)
{
    OWNED(table_release) struct table table = {0};
    OWNED(table_release) struct table older = older_people();
    struct database *db = db_of(state);

    mirror_people(db, &table);
    watch(db);
    run_sql(db, "create unique index mine on people (email desc)");
    fill_copy(db, &older, "('a', 'a@x', 'Rome', 7), ('d', 'd@x', 'Kiel', 8)");
    switch_in(db, &older, false);
    assert_people(db, "a:a@x d:d@x");
    assert_diary(db, "-a -b -c +a +d");
    assert_objects(db, "index", "mine people_email_2");
    assert_objects(db, "trigger", "on_delete on_insert on_update " CAPTURE);
}

static void an_index_that_does_not_fit_is_left_out_alone(void **state)
{
    OWNED(table_release) struct table table = {0};
    OWNED(table_release) struct table older = older_people();
    struct database *db = db_of(state);

    mirror_people(db, &table);
    run_sql(db, "create index fits on people (email, id);"
                "create index on_city on people (city desc);"
                "create index fits_too on people (id, email)");
    fill_copy(db, &older, "('a', 'a@x', 'Rome', 7)");
    switch_in(db, &older, false);
    assert_objects(db, "index", "fits fits_too people_email_2");
}

static void a_trigger_that_does_not_fit_does_not_stop_the_switch(void **state)
{
    OWNED(table_release) struct table table = {0};
    OWNED(table_release) struct table older = older_people();
    struct database *db = db_of(state);

    mirror_people(db, &table);
    run_sql(db, "create table diary (line);"
                "create trigger by_city after insert on people begin"
                " insert into diary values (new.city); end");
    fill_copy(db, &older, "('a', 'a@x', 'Rome', 7), ('b', 'b@x', 'Oslo', 8)");
    switch_in(db, &older, false);
    assert_people(db, "a:a@x b:b@x");
    assert_diary(db, "");
    assert_objects(db, "trigger", CAPTURE);
}

static void every_value_survives_the_refill(void **state)
{
    OWNED(table_release) struct table table = {0};
    OWNED(table_release) struct table older = older_people();
    struct database *db = db_of(state);

    mirror_people(db, &table);
    watch(db);
    fill_copy(db, &older, "('a', '007', x'00ff', 9e999), ('b', null, '', 'NaN')");
    switch_in(db, &older, false);
    assert_text_of(db,
                   "select group_concat(quote(email) || ' ' || quote(town) || ' ' ||"
                   " iif(age = 9e999, 'infinite', quote(age)), '; ') from people",
                   "'007' X'00FF' infinite; NULL '' 'NaN'");
}

/* ---- dropping ---- */

static void a_dropped_table_leaves_nothing_of_ours(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = db_of(state);
    struct error err = {0};

    mirror_people(db, &table);
    assert_int_equal(mirror_layout_drop(db, "people", &err), OK);
    assert_int_equal(mirror_layout_drop(db, "people", &err), OK);
    assert_int_equal(number_of(db, "select count(*) from sqlite_schema"
                                   " where name like '%people%'"),
                     0);
    assert_int_equal(number_of(db, "select count(*) from tide_index"), 0);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_apply_setup, cache_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_a_private_name),
        CASE(a_copy_starts_empty),
        CASE(indexes_are_made_one_at_a_time),
        CASE(twins_in_a_copy_are_told_from_other_failures),
        CASE(a_dropped_copy_leaves_nothing),
        CASE(the_first_copy_becomes_the_table),
        CASE(a_parent_may_come_after_its_child),
        CASE(a_name_that_an_application_has_taken_is_left_alone),
        CASE(an_index_name_that_is_taken_gets_a_number),
        CASE(only_what_differs_is_merged),
        CASE(rows_keep_their_rowids),
        CASE(values_that_were_swapped_meanwhile_are_merged),
        CASE(what_applications_made_stays_in_the_same_shape),
        CASE(triggers_and_view_that_somebody_dropped_are_back),
        CASE(full_text_search_is_right_in_the_same_shape),
        CASE(full_text_search_is_right_in_another_shape),
        CASE(another_shape_replaces_the_table),
        CASE(what_applications_made_is_put_back),
        CASE(an_index_that_does_not_fit_is_left_out_alone),
        CASE(a_trigger_that_does_not_fit_does_not_stop_the_switch),
        CASE(every_value_survives_the_refill),
        CASE(a_dropped_table_leaves_nothing_of_ours),
    };

    return cmocka_run_group_tests_name("mirror_layout", tests, NULL, NULL);
}
