#include "daemon/sync/followed_table.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table with the columns id and parent_id, which refers to `parent` unless that is
 * NULL. Its fingerprint is its name. */
static struct table table_under(const char *name, const char *parent)
{
    struct table table = table_named(name);

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "parent_id", CODEC_BIGINT);
    table_with_key(&table, NAMES("id"));
    if (parent)
        table_with_foreign_key(&table, NAMES("parent_id"), parent, NAMES("id"));
    free(table.fingerprint);
    table.fingerprint = strdup(name);
    return table;
}

static struct followed_set build(struct database *db, struct table *tables, size_t count)
{
    struct table_set schema = {.tables = calloc(count, sizeof(*tables)),
                               .table_count = count};
    struct followed_set set = {0};
    uint32_t numbering = 0;
    struct error err;

    memcpy(schema.tables, tables, count * sizeof(*tables));
    if (followed_set_build(&set, &schema, db, false, &numbering, &err) == FAILED)
        fail_msg("%s", err.message);
    return set;
}

/* As if it had been copied when its definition had that fingerprint. */
static void store(struct database *db, int table_id, const char *name,
                  const char *fingerprint)
{
    char text[256];

    snprintf(
        text, sizeof(text),
        "insert into tide_table values (%d, '%s', 'public', '%s', 1, '1:1:', 1, 1, '')",
        table_id, name, fingerprint);
    run_sql(db, text);
}

static void parents_go_before_their_children(void **state)
{
    struct database *db = *state;
    struct table tables[] = {table_under("a_line", "b_order"),
                             table_under("b_order", "c_customer"),
                             table_under("c_customer", NULL)};
    OWNED(followed_set_release) struct followed_set set = {0};
    struct outbox_tables outbox;

    store(db, 7, "a_line", "a_line");
    store(db, 8, "b_order", "b_order");
    store(db, 9, "c_customer", "c_customer");
    set = build(db, tables, 3);
    outbox = followed_set_outbox(&set);
    assert_int_equal(outbox.count, 3);
    assert_int_equal(outbox.items[0].table_id, 9);
    assert_int_equal(outbox.items[1].table_id, 8);
    assert_int_equal(outbox.items[2].table_id, 7);
    assert_string_equal(outbox.items[2].table->name, "a_line");
}

static void a_circle_has_any_order(void **state)
{
    struct database *db = *state;
    struct table tables[] = {table_under("chicken", "egg"), table_under("egg", "chicken"),
                             table_under("tree", "tree")};
    OWNED(followed_set_release) struct followed_set set = {0};

    store(db, 1, "chicken", "chicken");
    store(db, 2, "egg", "egg");
    store(db, 3, "tree", "tree");
    set = build(db, tables, 3);
    assert_int_equal(followed_set_outbox(&set).count, 3);
}

/* The cache still has it in its old shape: its rows cannot be read by the new one. */
static void only_tables_of_the_right_shape_are_pushed(void **state)
{
    struct database *db = *state;
    struct table tables[] = {table_under("fresh", NULL), table_under("old", NULL),
                             table_under("unseen", NULL)};
    OWNED(followed_set_release) struct followed_set set = {0};
    struct error err;

    store(db, 1, "fresh", "fresh");
    store(db, 2, "old", "another");
    set = build(db, tables, 3);
    assert_int_equal(followed_set_outbox(&set).count, 2);
    assert_int_equal(followed_set_pushable(&set).count, 1);
    assert_int_equal(followed_set_pushable(&set).items[0].table_id, 1);

    store(db, 3, "unseen", "unseen");
    followed_set_find(&set, "unseen")->visible = true;
    assert_int_equal(followed_set_number(&set, db, &err), OK);
    assert_int_equal(followed_set_pushable(&set).count, 2);
    assert_int_equal(followed_set_find(&set, "unseen")->table_id, 3);
}

#define CASE(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, cache_in_memory_setup,                     \
                                    cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(parents_go_before_their_children),
        CASE(a_circle_has_any_order),
        CASE(only_tables_of_the_right_shape_are_pushed),
    };

    return cmocka_run_group_tests_name("followed_table", tests, NULL, NULL);
}
