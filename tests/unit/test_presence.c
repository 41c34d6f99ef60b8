#include "lib/store/presence.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/row_list.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

static struct table keyed_by(const char *name, const char *key)
{
    struct table table = table_named(name);

    table_with_column(&table, key, CODEC_BIGINT);
    table_with_key(&table, (const char *const[]){key, NULL});
    return table;
}

static void list(struct database *db, const struct table *table, struct row_list *list,
                 int64_t key)
{
    struct value value = {.type = VALUE_INTEGER, .integer = key};
    struct error err = {0};

    if (row_list_make(list, db, table, "present", ROW_LIST_KEYS, &err) == FAILED ||
        row_list_put(list, &value, &err) == FAILED)
        fail_msg("%s", err.message);
}

static int64_t delete_absent(const struct table *table, struct row_list *list)
{
    struct error err = {0};
    int64_t deleted = -1;

    if (presence_delete_absent(table, table->name, list, &deleted, &err) == FAILED ||
        row_list_drop(list, &err) == FAILED)
        fail_msg("%s", err.message);
    return deleted;
}

static void two_tables_may_be_listed_at_once(void **state)
{
    const struct database_options options = {0};
    OWNED(table_release) struct table one = keyed_by("one", "a");
    OWNED(table_release) struct table other = keyed_by("other", "b");
    struct row_list ones = {0};
    struct row_list others = {0};
    struct database *db = NULL;
    struct error err = {0};

    (void)state;
    other.oid = one.oid + 1;
    assert_int_equal(database_new(&db, ":memory:", &options, &err), OK);
    assert_int_equal(database_run(db, "test",
                                  "create table one (a integer primary key);"
                                  "create table other (b integer primary key);"
                                  "insert into one values (1), (2), (3);"
                                  "insert into other values (1), (2)",
                                  &err),
                     OK);
    list(db, &one, &ones, 2);
    list(db, &other, &others, 1);
    assert_int_equal(delete_absent(&one, &ones), 2);
    assert_int_equal(delete_absent(&other, &others), 1);
    database_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tables_may_be_listed_at_once),
    };

    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
