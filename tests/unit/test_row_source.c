/* Rows of C as a table of SQL. */
#include "lib/db/row_source.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#define INSERT "insert into kept select c0, c1, c2, c3, c4 from tide_rows(?1)"

/* One row of each type, `count` times. */
struct countdown {
    int64_t left;
    bool fails;
};

static enum outcome next(void *context, struct error *err)
{
    struct countdown *countdown = context;

    if (countdown->left-- > 0)
        return OK;
    return countdown->fails ? error_set(err, ERROR_CORRUPT, "the source dried up")
                            : NOTHING;
}

static void column(void *context, size_t column, struct row_result *result)
{
    const struct countdown *countdown = context;

    if (column == 0)
        row_result_int(result, countdown->left);
    else if (column == 1)
        row_result_real(result, 0.5);
    else if (column == 2)
        row_result_text(result, "a\0b", 3);
    else if (column == 3)
        row_result_blob(result, NULL, 0);
}

static enum outcome insert(struct database *db, struct countdown countdown,
                           struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};
    struct row_source source = {next, column, &countdown, NULL};

    run_sql(db, "create table if not exists kept (a integer primary key, b, c, d, e)");
    if (statement_prepare_text(&statement, db, "insert", INSERT, err) == FAILED)
        return FAILED;
    return row_source_run(&statement, &source, err);
}

/* One column of the source, in a table of its own. */
static void read_into_kept(struct database *db, const char *column,
                           struct row_source *source)
{
    OWNED(statement_release) struct statement statement = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    struct error err = {0};

    run_sql(db, "create table kept (a)");
    buffer_append_format(&sql, "insert into kept select %s from tide_rows(?1)", column);
    assert_int_equal(statement_prepare_text(&statement, db, "insert", sql.data, &err),
                     OK);
    assert_int_equal(row_source_run(&statement, source, &err), OK);
}

static void every_type_arrives_as_it_is(void **state)
{
    struct error err = {0};

    assert_int_equal(insert(*state, (struct countdown){.left = 3}, &err), OK);
    assert_text_of(*state,
                   "select group_concat(a || typeof(b) || hex(c) || quote(d) ||"
                   " quote(e), ' ') from kept",
                   "0real610062X''NULL 1real610062X''NULL 2real610062X''NULL");
}

/* Values of no length, and each column by its number. */
static void empty_or_number(void *context, size_t column, struct row_result *result)
{
    (void)context;
    if (column == 0)
        row_result_text(result, NULL, 0);
    else
        row_result_int(result, (int64_t)column);
}

static void text_of_no_length_is_text(void **state)
{
    struct countdown once = {.left = 1};
    struct row_source source = {next, empty_or_number, &once, NULL};

    read_into_kept(*state, "c0", &source);
    assert_text_of(*state, "select quote(a) from kept", "''");
}

/* As many columns as a table of PostgreSQL can have, and not one more. */
static void every_column_is_asked_for_by_its_number(void **state)
{
    struct countdown once = {.left = 1};
    struct row_source source = {next, empty_or_number, &once, NULL};

    read_into_kept(*state, "c1599", &source);
    assert_int_equal(number_of(*state, "select a from kept"), 1599);
    assert_sql_refused(*state, "select c1600 from tide_rows(7)", "no such column");
}

static void the_source_itself_is_no_value(void **state)
{
    struct countdown once = {.left = 1};
    struct row_source source = {next, empty_or_number, &once, NULL};

    read_into_kept(*state, "source", &source);
    assert_text_of(*state, "select quote(a) from kept", "NULL");
}

static void a_source_without_rows_is_fine(void **state)
{
    struct error err = {0};

    assert_int_equal(insert(*state, (struct countdown){.left = 0}, &err), OK);
    assert_int_equal(number_of(*state, "select count(*) from kept"), 0);
}

static void a_source_that_fails_leaves_nothing_and_says_why(void **state)
{
    struct error err = {0};

    assert_int_equal(insert(*state, (struct countdown){.left = 2, .fails = true}, &err),
                     FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_string_equal(err.message, "the source dried up");
    assert_int_equal(number_of(*state, "select count(*) from kept"), 0);
}

static void what_sqlite_refuses_is_said_too(void **state)
{
    struct error err = {0};

    assert_int_equal(insert(*state, (struct countdown){.left = 2}, &err), OK);
    assert_int_equal(insert(*state, (struct countdown){.left = 3}, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_int_equal(number_of(*state, "select count(*) from kept"), 2);
}

static void nobody_else_reads_one(void **state)
{
    assert_sql_refused(*state, "select * from tide_rows", "no query solution");
    assert_sql_refused(*state, "select * from tide_rows(7)", "misuse");
    run_sql(*state, "create table t (a); create trigger sly after insert on t begin"
                    " insert into t select c0 from tide_rows(NEW.a); end");
    assert_sql_refused(*state, "insert into t values (1)", "unsafe use");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_in_memory_setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_type_arrives_as_it_is),
        CASE(text_of_no_length_is_text),
        CASE(every_column_is_asked_for_by_its_number),
        CASE(the_source_itself_is_no_value),
        CASE(a_source_without_rows_is_fine),
        CASE(a_source_that_fails_leaves_nothing_and_says_why),
        CASE(what_sqlite_refuses_is_said_too),
        CASE(nobody_else_reads_one),
    };

    return cmocka_run_group_tests_name("row_source", tests, NULL, NULL);
}
