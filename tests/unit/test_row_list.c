#include "lib/store/row_list.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"
#include "tests/support/values.h"

#include <string.h>

/* The key stands behind another column and compares without case. */
static struct table tags(void)
{
    struct table table = table_named("tag");

    table_with_column(&table, "size", CODEC_BIGINT);
    table_with_column(&table, "name", CODEC_CASELESS_TEXT);
    table_with_key(&table, NAMES("name"));
    return table;
}

static void make(struct row_list *list, struct database *db, const struct table *table,
                 enum row_list_shape shape)
{
    struct error err = {0};

    if (row_list_make(list, db, table, "test", shape, &err) == FAILED)
        fail_msg("%s", err.message);
}

static void keys_compare_as_the_tables_do(void **state)
{
    OWNED(table_release) struct table table = tags();
    OWNED(row_list_release) struct row_list list = {0};
    const struct value red = text_value("red");
    const struct value shout = text_value("RED");
    const struct value blue = text_value("blue");
    struct error err = {0};

    make(&list, *state, &table, ROW_LIST_KEYS);
    assert_int_equal(row_list_put(&list, &red, &err), OK);
    assert_int_equal(row_list_put(&list, &shout, &err), OK);
    assert_int_equal(row_list_find(&list, &shout, NULL, &err), OK);
    assert_int_equal(row_list_find(&list, &blue, NULL, &err), NOTHING);
    assert_int_equal(number_of(*state, "select count(*) from temp.tide_test_16384"), 1);
    assert_int_equal(row_list_remove(&list, &red, &err), OK);
    assert_int_equal(row_list_find(&list, &shout, NULL, &err), NOTHING);
}

static void whole_rows_come_back_as_they_were(void **state)
{
    OWNED(table_release) struct table table = tags();
    OWNED(row_list_release) struct row_list list = {0};
    const struct value row[] = {integer_value(42), text_value("red")};
    struct value found[2] = {0};
    struct error err = {0};

    make(&list, *state, &table, ROW_LIST_ROWS);
    assert_int_equal(row_list_first(&list, found, &err), NOTHING);
    assert_int_equal(row_list_put(&list, row, &err), OK);
    assert_int_equal(row_list_find(&list, &row[1], found, &err), OK);
    assert_int_equal(found[0].integer, 42);
    assert_int_equal(row_list_first(&list, found, &err), OK);
    assert_memory_equal(found[1].bytes, "red", 3);
    assert_int_equal(row_list_remove(&list, &found[1], &err), OK);
    assert_int_equal(row_list_first(&list, found, &err), NOTHING);
}

static void a_dropped_list_leaves_nothing_behind(void **state)
{
    OWNED(table_release) struct table table = tags();
    struct row_list list = {0};
    const struct value row[] = {integer_value(42), text_value("red")};
    struct value found[2];
    struct error err = {0};

    assert_int_equal(row_list_drop(&list, &err), OK);
    make(&list, *state, &table, ROW_LIST_ROWS);
    assert_int_equal(row_list_put(&list, row, &err), OK);
    assert_int_equal(row_list_first(&list, found, &err), OK);
    row_list_rest(&list);
    assert_int_equal(row_list_drop(&list, &err), OK);
    assert_int_equal(open_statement_count(*state), 0);
    assert_int_equal(number_of(*state, "select count(*) from sqlite_temp_schema"), 0);
}

static void a_list_goes_with_its_transaction(void **state)
{
    OWNED(table_release) struct table table = tags();
    struct row_list list = {0};
    const struct value red = text_value("red");
    struct error err = {0};

    run_sql(*state, "begin");
    make(&list, *state, &table, ROW_LIST_KEYS);
    assert_int_equal(row_list_put(&list, &red, &err), OK);
    row_list_release(&list);
    run_sql(*state, "rollback");
    assert_int_equal(number_of(*state, "select count(*) from sqlite_temp_schema"), 0);
    make(&list, *state, &table, ROW_LIST_KEYS);
    assert_int_equal(row_list_find(&list, &red, NULL, &err), NOTHING);
    row_list_release(&list);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_in_memory_setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(keys_compare_as_the_tables_do),
        CASE(whole_rows_come_back_as_they_were),
        CASE(a_dropped_list_leaves_nothing_behind),
        CASE(a_list_goes_with_its_transaction),
    };

    return cmocka_run_group_tests_name("row_list", tests, NULL, NULL);
}
