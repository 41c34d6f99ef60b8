#include "lib/store/presence.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

static struct table keyed_by(const char *name, const char *key)
{
    struct table table = table_named(name);

    table_with_column(&table, key, CODEC_BIGINT);
    table_with_key(&table, (const char *const[]){key, NULL});
    return table;
}

static void list(struct database *db, const struct table *table, struct statement *add,
                 int64_t key)
{
    struct value value = {.type = VALUE_INTEGER, .integer = key};
    struct error err = {0};

    if (presence_start(db, table, add, &err) == FAILED ||
        presence_add(add, &value, 1, &err) == FAILED)
        fail_msg("%s", err.message);
    statement_release(add);
}

static int64_t delete_absent(struct database *db, const struct table *table)
{
    struct error err = {0};
    int64_t deleted = -1;

    if (presence_delete_absent(db, table, table->name, &deleted, &err) == FAILED)
        fail_msg("%s", err.message);
    return deleted;
}

static void two_tables_may_be_listed_at_once(void **state)
{
    const struct database_options options = {0};
    OWNED(table_release) struct table one = keyed_by("one", "a");
    OWNED(table_release) struct table other = keyed_by("other", "b");
    struct statement add = {0};
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
    list(db, &one, &add, 2);
    list(db, &other, &add, 1);
    assert_int_equal(delete_absent(db, &one), 2);
    assert_int_equal(delete_absent(db, &other), 1);
    database_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tables_may_be_listed_at_once),
    };

    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
