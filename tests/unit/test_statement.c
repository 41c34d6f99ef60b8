#include "lib/db/statement.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/text_function.h"
#include "lib/model/value.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static struct statement prepared(struct database *db, const char *text)
{
    struct statement statement;
    struct error err = {0};

    if (statement_prepare_text(&statement, db, "test", text, &err) == FAILED)
        fail_msg("%s: %s", err.message, text);
    return statement;
}

static void step_to_row(struct statement *statement)
{
    struct error err = {0};

    if (statement_step(statement, &err) != OK)
        fail_msg("no row: %s", err.message);
}

static void the_name_is_in_errors(void **state)
{
    static const struct sql sql = {"sheep.count", "select count(*) from sheep"};
    struct statement statement;
    struct error err = {0};

    assert_int_equal(statement_prepare(&statement, *state, &sql, &err), FAILED);
    assert_string_equal(err.message, "sheep.count: no such table: sheep");
    statement_release(&statement);
}

static enum outcome append_twice(void *context, int64_t number, const char *text,
                                 size_t size, struct buffer *out_text)
{
    int64_t *nothing_for = context;

    buffer_append(out_text, text, size);
    buffer_append(out_text, text, size);
    return number == *nothing_for ? NOTHING : OK;
}

static void a_function_of_ours_is_called(void **state)
{
    OWNED(statement_release)
    struct statement query =
        prepared(*state, "select tide_text(?1, 1, 'ab'), tide_text(?1, 2, 'ab'),"
                         " tide_text(?1, 1, cast(x'610062' as text)),"
                         " tide_text(?1, 1, '')");
    int64_t nothing_for = 2;
    struct text_function function = {.call = append_twice, .context = &nothing_for};

    statement_bind_function(&query, 1, &function);
    step_to_row(&query);
    assert_string_equal(statement_column_text(&query, 0), "abab");
    assert_true(statement_column_is_null(&query, 1));
    assert_int_equal(statement_column_size(&query, 2), 6);
    assert_string_equal(statement_column_text(&query, 3), "");
}

static void nobody_elses_sql_calls_it(void **state)
{
    struct error err = {0};
    OWNED(statement_release)
    struct statement query = prepared(*state, "select tide_text('code', 1, 'ab')");

    assert_int_equal(statement_step(&query, &err), FAILED);
    assert_string_equal(err.message, "test: tide_text() was given no function");
    run_sql(*state, "create view sheep as select tide_text(null, 1, 'ab') as a");
    statement_release(&query);
    assert_int_equal(
        statement_prepare_text(&query, *state, "test", "select * from sheep", &err),
        FAILED);
    assert_string_equal(err.message, "test: unsafe use of tide_text()");
}

static void every_type_comes_back(void **state)
{
    OWNED(statement_release)
    struct statement echo = prepared(*state, "select ?1, ?2, ?3, ?4, ?5, ?6");

    statement_bind_int(&echo, 1, INT64_MIN);
    statement_bind_real(&echo, 2, -0.5);
    statement_bind_text(&echo, 3, "text");
    statement_bind_bytes(&echo, 4, "bytes and more", 5);
    statement_bind_blob(&echo, 5, "\0\xff", 2);
    statement_bind_null(&echo, 6);
    step_to_row(&echo);
    assert_int_equal(statement_column_count(&echo), 6);
    assert_true(statement_column_int(&echo, 0) == INT64_MIN);
    assert_true(statement_column_real(&echo, 1) == -0.5);
    assert_string_equal(statement_column_text(&echo, 2), "text");
    assert_string_equal(statement_column_text(&echo, 3), "bytes");
    assert_int_equal(statement_column_size(&echo, 4), 2);
    assert_memory_equal(statement_column_bytes(&echo, 4), "\0\xff", 2);
    assert_true(statement_column_is_null(&echo, 5));
}

static void types_are_numbered_as_values_are(void **state)
{
    OWNED(statement_release)
    struct statement query = prepared(*state, "select null, 1, 1.5, 'a', x'00'");

    step_to_row(&query);
    assert_int_equal(statement_column_type(&query, 0), VALUE_NULL);
    assert_int_equal(statement_column_type(&query, 1), VALUE_INTEGER);
    assert_int_equal(statement_column_type(&query, 2), VALUE_REAL);
    assert_int_equal(statement_column_type(&query, 3), VALUE_TEXT);
    assert_int_equal(statement_column_type(&query, 4), VALUE_BLOB);
}

static void empty_is_not_null(void **state)
{
    OWNED(statement_release)
    struct statement echo =
        prepared(*state, "select typeof(?1), typeof(?2), typeof(?3), typeof(?4)");

    statement_bind_blob(&echo, 1, NULL, 0);
    statement_bind_blob(&echo, 2, "", 0);
    statement_bind_bytes(&echo, 3, "", 0);
    statement_bind_text(&echo, 4, NULL);
    step_to_row(&echo);
    assert_string_equal(statement_column_text(&echo, 0), "blob");
    assert_string_equal(statement_column_text(&echo, 1), "blob");
    assert_string_equal(statement_column_text(&echo, 2), "text");
    assert_string_equal(statement_column_text(&echo, 3), "null");
}

static void after_the_last_row_it_can_run_again(void **state)
{
    OWNED(statement_release) struct statement query = prepared(*state, "select ?1");
    struct error err = {0};

    statement_bind_int(&query, 1, 1);
    step_to_row(&query);
    assert_int_equal(statement_step(&query, &err), NOTHING);
    step_to_row(&query);
    statement_reset(&query);
    statement_bind_int(&query, 1, 2);
    step_to_row(&query);
    assert_int_equal(statement_column_int(&query, 0), 2);
}

static void a_run_passes_over_rows(void **state)
{
    struct database *db = *state;
    OWNED(statement_release) struct statement insert = {0};
    struct error err = {0};

    run_sql(db, "create table t (a)");
    insert = prepared(db, "insert into t values (1), (2), (3) returning a");
    assert_int_equal(statement_run(&insert, &err), OK);
    assert_int_equal(statement_run(&insert, &err), OK);
    assert_int_equal(number_of(db, "select count(*) from t"), 6);
}

static void assert_breaks(struct database *db, const char *text, bool unique)
{
    OWNED(statement_release) struct statement statement = prepared(db, text);
    struct error err = {0};

    assert_int_equal(statement_run(&statement, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_int_equal(statement_broke_unique(&statement), unique);
}

static void unique_is_told_from_other_constraints(void **state)
{
    struct database *db = *state;

    run_sql(db, "create table t (id integer primary key, a unique, b not null);"
                "create table u (a text primary key, b check (b > 0)) without rowid;"
                "insert into t values (1, 1, 1); insert into u values ('k', 1)");
    assert_breaks(db, "insert into t values (1, 2, 2)", true);
    assert_breaks(db, "insert into t values (2, 1, 2)", true);
    assert_breaks(db, "insert into t values (2, 2, null)", false);
    assert_breaks(db, "insert into u values ('k', 2)", true);
    assert_breaks(db, "insert into u values ('l', 0)", false);
}

static void a_failed_run_can_be_repeated(void **state)
{
    struct database *db = *state;
    OWNED(statement_release) struct statement insert = {0};
    struct error err = {0};

    run_sql(db, "create table t (a primary key); insert into t values (1)");
    insert = prepared(db, "insert into t values (1)");
    assert_int_equal(statement_run(&insert, &err), FAILED);
    run_sql(db, "delete from t");
    assert_int_equal(statement_run(&insert, &err), OK);
}

static void a_zeroed_one_can_be_released(void **state)
{
    struct statement statement = {0};

    (void)state;
    statement_release(&statement);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_in_memory_setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_name_is_in_errors),
        CASE(every_type_comes_back),
        CASE(a_function_of_ours_is_called),
        CASE(nobody_elses_sql_calls_it),
        CASE(types_are_numbered_as_values_are),
        CASE(empty_is_not_null),
        CASE(after_the_last_row_it_can_run_again),
        CASE(a_run_passes_over_rows),
        CASE(unique_is_told_from_other_constraints),
        CASE(a_failed_run_can_be_repeated),
        cmocka_unit_test(a_zeroed_one_can_be_released),
    };

    return cmocka_run_group_tests_name("statement", tests, NULL, NULL);
}
