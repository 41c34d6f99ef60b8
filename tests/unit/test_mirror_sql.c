/* The cache's half runs against a real SQLite; the primary's half is read. */
#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <string.h>

/* 63 bytes with everything that could end a quotation. */
#define ODD_NAME "We\"ird' Tablé 🎉 [select] `x` ; -- /* $1 ?1 %1$s aaaaaaaaaaa"

static int open_database(void **state)
{
    const struct database_options options = {0};
    struct database *db;
    struct error err = {0};

    if (database_new(&db, ":memory:", &options, &err) == FAILED)
        fail_msg("%s", err.message);
    *state = db;
    return 0;
}

static int close_database(void **state)
{
    database_free(*state);
    return 0;
}

static void run(struct database *db, const char *text)
{
    struct error err = {0};

    if (database_run(db, "test", text, &err) == FAILED)
        fail_msg("%s: %s", err.message, text);
}

static void run_built(struct database *db, struct buffer *sql)
{
    assert_false(sql->failed);
    run(db, sql->data);
    buffer_release(sql);
}

static void create(struct database *db, const struct table *table)
{
    struct buffer sql = {0};

    mirror_sql_create_table(&sql, table, table->name);
    buffer_append_text(&sql, ";\n");
    for (size_t i = 0; i < table->index_count; i++) {
        mirror_sql_create_index(&sql, table, &table->indexes[i], table->indexes[i].name,
                                table->name);
        buffer_append_text(&sql, ";\n");
    }
    run_built(db, &sql);
}

static void prepare(struct statement *statement, struct database *db, struct buffer *sql)
{
    struct error err = {0};

    assert_false(sql->failed);
    if (statement_prepare_text(statement, db, "test", sql->data, &err) == FAILED)
        fail_msg("%s: %s", err.message, sql->data);
    buffer_release(sql);
}

/* Binds texts (NULL: null) and runs; how many rows it changed. */
static int64_t run_with(struct database *db, struct statement *statement,
                        const char *const *values, size_t count)
{
    struct error err = {0};
    int64_t before = number_of(db, "select total_changes()");

    for (size_t i = 0; i < count; i++)
        statement_bind_text(statement, (int)i + 1, values[i]);
    if (statement_run(statement, &err) == FAILED)
        fail_msg("%s", err.message);
    return number_of(db, "select total_changes()") - before;
}

static int64_t upsert(struct database *db, const struct table *table,
                      const char *const *values)
{
    OWNED(statement_release) struct statement statement = {0};
    struct buffer sql = {0};

    mirror_sql_upsert(&sql, table, table->name);
    prepare(&statement, db, &sql);
    return run_with(db, &statement, values, table->column_count);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__})

static struct table people(void)
{
    struct table table = table_named("people");

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "email", CODEC_CASELESS_TEXT);
    table_with_column(&table, "code", CODEC_PADDED_TEXT);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(&table, NAMES("id"));
    table.deleted_at = 3;
    return table;
}

/* ---- names ---- */

static void create_odd_table(struct database *db, struct table *table)
{
    struct buffer sql = {0};

    *table = table_named(ODD_NAME);
    table_with_column(table, "select", CODEC_TEXT);
    table_with_column(table, ODD_NAME, CODEC_INTEGER);
    table_with_column(table, "Mixed Case", CODEC_TEXT);
    column_with_labels(&table->columns[2], NAMES("it's \"great\"", "ok"));
    table_with_column(table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(table, NAMES(ODD_NAME, "select"));
    table_with_index(table, "index " ODD_NAME, true, NAMES("Mixed Case"));
    table->deleted_at = 3;
    create(db, table);
    mirror_sql_create_live_view(&sql, table);
    mirror_sql_create_capture(&sql, table, 1);
    run_built(db, &sql);
}

static void any_name_works_everywhere(void **state)
{
    OWNED(table_release) struct table table = {0};
    struct database *db = *state;
    struct buffer sql = {0};

    run(db, "update tide_gate set open = 1");
    create_odd_table(db, &table);
    assert_int_equal(upsert(db, &table, VALUES("a", "1", "ok", NULL)), 1);
    mirror_sql_evict(&sql, &table, &table.indexes[0], table.name);
    run_built(db, &sql);
    mirror_sql_delete(&sql, &table, table.name);
    run_built(db, &sql);
    mirror_sql_count_live(&sql, &table, table.name);
    run_built(db, &sql);
    assert_int_equal(number_of(db, "select count(*) from sqlite_schema where type in "
                                   "('view', 'trigger') and (tbl_name like 'We%' or"
                                   " name like 'live_We%' or"
                                   " tbl_name like 'tide_capture_We%')"),
                     15);
    mirror_sql_drop_helpers(&sql, &table);
    run_built(db, &sql);
    assert_int_equal(number_of(db, "select count(*) from sqlite_schema where type in "
                                   "('view', 'trigger') and (tbl_name like 'We%' or"
                                   " name like 'live_We%' or"
                                   " tbl_name like 'tide_capture_We%')"),
                     0);
}

static void a_table_may_be_called_excluded(void **state)
{
    OWNED(table_release) struct table table = table_named("excluded");
    struct database *db = *state;

    table_with_column(&table, "t", CODEC_BIGINT);
    table_with_column(&table, "excluded", CODEC_TEXT);
    table_with_key(&table, NAMES("t"));
    create(db, &table);
    assert_int_equal(upsert(db, &table, VALUES("1", "a")), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", "b")), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", "b")), 0);
}

/* ---- tables ---- */

static void every_codec_makes_a_column(void **state)
{
    OWNED(table_release) struct table table = table_named("all_codecs");
    struct database *db = *state;
    char name[] = "c_";

    table_with_column(&table, "key", CODEC_UUID);
    for (int codec = 0; codec < CODEC_COUNT; codec++) {
        name[1] = (char)('a' + codec);
        table_with_column(&table, name, (enum column_codec)codec);
    }
    table_with_key(&table, NAMES("key"));
    create(db, &table);
    for (size_t i = 0; i < table.column_count; i++) {
        OWNED(buffer_release) struct buffer query = {0};
        const struct column_codec_info *codec = column_codec_info(table.columns[i].codec);

        buffer_append_format(&query,
                             "select count(*) from pragma_table_info('all_codecs')"
                             " where name = '%s' and type = '%s'",
                             table.columns[i].name, codec->cache_type);
        assert_int_equal(number_of(db, query.data), 1);
    }
}

static void one_integer_key_is_the_rowid(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = *state;

    create(db, &table);
    run(db, "insert into people (id) values (7)");
    assert_int_equal(number_of(db, "select rowid from people"), 7);
}

static void a_key_may_have_several_columns(void **state)
{
    OWNED(table_release) struct table table = table_named("line");
    struct database *db = *state;

    table_with_column(&table, "number", CODEC_SMALLINT);
    table_with_column(&table, "order_id", CODEC_UUID);
    table_with_key(&table, NAMES("order_id", "number"));
    create(db, &table);
    assert_int_equal(number_of(db, "select pk from pragma_table_info('line')"
                                   " where name = 'order_id'"),
                     1);
    assert_int_equal(number_of(db, "select pk from pragma_table_info('line')"
                                   " where name = 'number'"),
                     2);
}

static void assert_refused(struct database *db, const char *text, const char *part)
{
    struct error err = {0};

    assert_int_equal(database_run(db, "test", text, &err), FAILED);
    assert_non_null(strstr(err.message, part));
}

static void constraints_hold(void **state)
{
    OWNED(table_release) struct table table = table_named("t");
    struct database *db = *state;

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "flag", CODEC_BOOLEAN);
    table_with_column(&table, "mood", CODEC_TEXT);
    column_with_labels(&table.columns[2], NAMES("sad", "it's"));
    table_with_column(&table, "name", CODEC_TEXT);
    table.columns[3].not_null = true;
    column_with_default(&table.columns[3], "'web'");
    table_with_key(&table, NAMES("id"));
    create(db, &table);
    run(db, "insert into t (id, flag, mood) values (1, 1, 'it''s'), (2, null, null)");
    assert_int_equal(number_of(db, "select count(*) from t where name = 'web'"), 2);
    assert_refused(db, "insert into t (id, flag) values (3, 2)", "CHECK");
    assert_refused(db, "insert into t (id, mood) values (3, 'SAD')", "CHECK");
    assert_refused(db, "insert into t (id, name) values (3, null)", "NOT NULL");
}

static void foreign_keys_wait_for_the_commit(void **state)
{
    OWNED(table_release) struct table parent = people();
    OWNED(table_release) struct table child = table_named("child");
    struct database *db = *state;

    table_with_column(&child, "id", CODEC_BIGINT);
    table_with_column(&child, "person", CODEC_BIGINT);
    table_with_key(&child, NAMES("id"));
    table_with_foreign_key(&child, NAMES("person"), "people", NAMES("id"));
    create(db, &child);
    create(db, &parent);
    run(db, "pragma foreign_keys = on; begin; insert into child values (1, 5);"
            " insert into people (id) values (5); commit");
    assert_refused(db, "insert into child values (2, 6)", "FOREIGN KEY");
}

static void indexes_keep_order_and_condition(void **state)
{
    OWNED(table_release) struct table table = people();
    struct table_index *index;
    struct database *db = *state;

    index = table_with_index(&table, "live", true, NAMES("email", "code"));
    index->descending[1] = true;
    index->predicate = strdup("\"deleted_at\" IS NULL");
    create(db, &table);
    assert_int_equal(number_of(db, "select desc from pragma_index_xinfo('live')"
                                   " where name = 'code'"),
                     1);
    run(db, "insert into people (id, email, code) values (1, 'a', 'b')");
    run(db, "insert into people values (2, 'a', 'b', '2026-11-22')");
    assert_refused(db, "insert into people values (3, 'A', 'b  ', null)", "UNIQUE");
}

static void the_live_view_hides_tombstones(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = *state;
    struct buffer sql = {0};

    create(db, &table);
    mirror_sql_create_live_view(&sql, &table);
    run_built(db, &sql);
    run(db, "insert into people (id, deleted_at) values (1, null), (2, '2026-11-22')");
    assert_int_equal(number_of(db, "select id from live_people"), 1);
    mirror_sql_count_live(&sql, &table, "people");
    assert_int_equal(number_of(db, sql.data), 1);
    buffer_release(&sql);
    table.deleted_at = TABLE_NO_COLUMN;
    mirror_sql_create_live_view(&sql, &table);
    assert_int_equal(sql.length, 0);
}

/* ---- rows ---- */

static void an_unchanged_row_is_not_written(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = *state;

    create(db, &table);
    assert_int_equal(upsert(db, &table, VALUES("1", "a@x", "c", NULL)), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", "a@x", "c", NULL)), 0);
    assert_int_equal(upsert(db, &table, VALUES("1", "A@x", "c", NULL)), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", "A@x", "c  ", NULL)), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", "A@x", "c  ", "2026")), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", NULL, "c  ", "2026")), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", NULL, "c  ", "2026")), 0);
}

static void the_spelling_of_a_caseless_key_follows(void **state)
{
    OWNED(table_release) struct table table = table_named("tag");
    struct database *db = *state;

    table_with_column(&table, "name", CODEC_CASELESS_TEXT);
    table_with_key(&table, NAMES("name"));
    create(db, &table);
    assert_int_equal(upsert(db, &table, VALUES("red")), 1);
    assert_int_equal(upsert(db, &table, VALUES("RED")), 1);
    assert_int_equal(upsert(db, &table, VALUES("RED")), 0);
    assert_int_equal(number_of(db, "select count(*) from tag where name = 'RED' collate "
                                   "binary"),
                     1);
}

static void a_table_of_nothing_but_key_can_be_written(void **state)
{
    OWNED(table_release) struct table table = table_named("pair");
    struct database *db = *state;

    table_with_column(&table, "a", CODEC_BIGINT);
    table_with_column(&table, "b", CODEC_UUID);
    table_with_key(&table, NAMES("b", "a"));
    create(db, &table);
    assert_int_equal(upsert(db, &table, VALUES("1", "x")), 1);
    assert_int_equal(upsert(db, &table, VALUES("1", "x")), 0);
    assert_int_equal(upsert(db, &table, VALUES("2", "x")), 1);
}

static void delete_goes_by_the_order_of_the_key(void **state)
{
    OWNED(table_release) struct table table = table_named("pair");
    OWNED(statement_release) struct statement statement = {0};
    struct database *db = *state;
    struct buffer sql = {0};

    table_with_column(&table, "a", CODEC_BIGINT);
    table_with_column(&table, "b", CODEC_TEXT);
    table_with_key(&table, NAMES("b", "a"));
    create(db, &table);
    run(db, "insert into pair values (1, 'x'), (2, 'x')");
    mirror_sql_delete(&sql, &table, "pair");
    prepare(&statement, db, &sql);
    assert_int_equal(run_with(db, &statement, VALUES("x", "2"), 2), 1);
    assert_int_equal(number_of(db, "select a from pair"), 1);
}

static int64_t evict(struct database *db, const struct table *table,
                     const char *const *values)
{
    OWNED(statement_release) struct statement statement = {0};
    struct buffer sql = {0};

    mirror_sql_evict(&sql, table, &table->indexes[0], table->name);
    prepare(&statement, db, &sql);
    return run_with(db, &statement, values, table->column_count);
}

static void a_row_in_the_way_is_removed(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = *state;

    table_with_index(&table, "by_email", true, NAMES("email"));
    create(db, &table);
    run(db, "insert into people (id, email) values (1, 'a'), (2, null), (3, 'c')");
    assert_int_equal(evict(db, &table, VALUES("1", "a", NULL, NULL)), 0);
    assert_int_equal(evict(db, &table, VALUES("9", NULL, NULL, NULL)), 0);
    assert_int_equal(evict(db, &table, VALUES("9", "A", NULL, NULL)), 1);
    assert_int_equal(number_of(db, "select count(*) from people"), 2);
}

static void rows_outside_a_partial_index_are_not_in_the_way(void **state)
{
    OWNED(table_release) struct table table = people();
    struct database *db = *state;

    table_with_index(&table, "live", true, NAMES("email"))->predicate =
        strdup("\"deleted_at\" IS NULL");
    create(db, &table);
    run(db, "insert into people (id, email, deleted_at) values (1, 'a', null),"
            " (2, 'b', '2026')");
    assert_int_equal(evict(db, &table, VALUES("9", "a", NULL, "2026")), 0);
    assert_int_equal(evict(db, &table, VALUES("9", "b", NULL, NULL)), 0);
    assert_int_equal(evict(db, &table, VALUES("9", "a", NULL, NULL)), 1);
}

/* ---- the primary ---- */

static void assert_built(struct buffer *sql, const char *expected)
{
    assert_false(sql->failed);
    assert_string_equal(sql->data, expected);
    buffer_release(sql);
}

static struct table item(void)
{
    struct table table = table_named("item");

    table_with_column(&table, "id", CODEC_BIGINT);
    column_with_type(&table.columns[0], "bigint");
    table_with_column(&table, "tag", CODEC_TEXT);
    column_with_type(&table.columns[1], "character varying(9)");
    table_with_column(&table, "updated_at", CODEC_TEXT);
    table_with_key(&table, NAMES("tag", "id"));
    return table;
}

static void a_copy_resumes_after_the_last_key(void **state)
{
    OWNED(table_release) struct table table = item();
    struct buffer sql = {0};

    (void)state;
    mirror_sql_copy_query(&sql, &table, VALUES("it's", "5"));
    assert_built(&sql,
                 "SELECT \"id\"::bigint, \"tag\"::text, \"updated_at\"::text"
                 " FROM ONLY \"public\".\"item\" WHERE true AND (\"tag\", \"id\"::bigint)"
                 " > ('it''s'::character varying(9), '5'::bigint)"
                 " ORDER BY \"item\".\"tag\", \"item\".\"id\"");
}

static void a_comment_in_the_scope_ends_with_it(void **state)
{
    OWNED(table_release) struct table table = item();
    struct buffer sql = {0};

    (void)state;
    table.scope = strdup("id > 5 -- mine");
    mirror_sql_primary_count(&sql, &table);
    assert_built(&sql, "SELECT count(*) FROM ONLY \"public\".\"item\" WHERE true AND (id "
                       "> 5 -- mine\n)");
}

static void rows_that_left_the_scope_are_deleted_keys(void **state)
{
    OWNED(table_release) struct table table = item();
    struct buffer sql = {0};

    (void)state;
    table.scope = strdup("id > 5");
    table.updated_at = 2;
    mirror_sql_untracked_delta(&sql, &table);
    assert_built(&sql, "WITH delta AS MATERIALIZED ("
                       "SELECT 'd'::\"char\", \"id\"::bigint, \"tag\"::text, NULL::text"
                       " FROM ONLY \"public\".\"item\""
                       " WHERE (\"updated_at\" >= ($1::timestamptz AT TIME ZONE 'UTC'))"
                       " AND (id > 5\n) IS NOT TRUE UNION ALL"
                       " SELECT 'u'::\"char\", \"id\"::bigint, \"tag\"::text,"
                       " \"updated_at\"::text FROM ONLY \"public\".\"item\""
                       " WHERE (\"updated_at\" >= ($1::timestamptz AT TIME ZONE 'UTC'))"
                       " AND (id > 5\n)"
                       ") SELECT * FROM delta ORDER BY 1, 3, 2");
}

static void a_table_without_timestamps_has_no_untracked_delta(void **state)
{
    OWNED(table_release) struct table table = item();
    struct buffer sql = {0};

    (void)state;
    mirror_sql_untracked_delta(&sql, &table);
    assert_int_equal(sql.length, 0);
}

static void logged_keys_are_cast_in_the_order_of_the_key(void **state)
{
    OWNED(table_release) struct table table = item();
    struct buffer sql = {0};

    (void)state;
    mirror_sql_tracked_delta(&sql, &table, true);
    assert_built(&sql,
                 "WITH delta AS MATERIALIZED ("
                 "SELECT CASE WHEN key IS NULL THEN 't' ELSE 'd' END::\"char\","
                 " (key[2]::bigint)::bigint, (key[1]::character varying(9))::text,"
                 " NULL::text FROM tidemark.deleted_row WHERE relation = 16384::oid"
                 " AND tide_xid >= pg_snapshot_xmin($1::pg_snapshot)"
                 " UNION ALL SELECT 'u'::\"char\", \"id\"::bigint,"
                 " \"tag\"::text, \"updated_at\"::text FROM ONLY \"public\".\"item\""
                 " WHERE tide_xid >= pg_snapshot_xmin($1::pg_snapshot)"
                 ") SELECT * FROM delta ORDER BY 1, 3, 2");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_name_works_everywhere, cache_in_memory_setup,
                                        cache_in_memory_teardown),
        CASE(a_table_may_be_called_excluded),
        CASE(every_codec_makes_a_column),
        CASE(one_integer_key_is_the_rowid),
        CASE(a_key_may_have_several_columns),
        CASE(constraints_hold),
        CASE(foreign_keys_wait_for_the_commit),
        CASE(indexes_keep_order_and_condition),
        CASE(the_live_view_hides_tombstones),
        CASE(an_unchanged_row_is_not_written),
        CASE(the_spelling_of_a_caseless_key_follows),
        CASE(a_table_of_nothing_but_key_can_be_written),
        CASE(delete_goes_by_the_order_of_the_key),
        CASE(a_row_in_the_way_is_removed),
        CASE(rows_outside_a_partial_index_are_not_in_the_way),
        cmocka_unit_test(a_copy_resumes_after_the_last_key),
        cmocka_unit_test(a_comment_in_the_scope_ends_with_it),
        cmocka_unit_test(rows_that_left_the_scope_are_deleted_keys),
        cmocka_unit_test(a_table_without_timestamps_has_no_untracked_delta),
        cmocka_unit_test(logged_keys_are_cast_in_the_order_of_the_key),
    };

    return cmocka_run_group_tests_name("mirror_sql", tests, NULL, NULL);
}
