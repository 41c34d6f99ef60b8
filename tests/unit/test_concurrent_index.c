#include "tests/support/cmocka_all.h"

#include "daemon/migrate/concurrent_index.h"

#include <string.h>

static bool parse(const char *text, struct concurrent_index *index)
{
    const struct sql_statement statement = {text, strlen(text), 1};

    return concurrent_index_parse(&statement, index);
}

static void expect_word(struct sql_word word, const char *expected)
{
    assert_int_equal(word.length, strlen(expected));
    assert_memory_equal(word.text, expected, word.length);
}

static void expect_build(const char *text, const char *name, const char *table)
{
    struct concurrent_index index;

    assert_true(parse(text, &index));
    assert_true(index.creates);
    expect_word(index.name, name);
    expect_word(index.table, table);
}

static void builds_are_recognised(void **state)
{
    (void)state;
    expect_build("create index concurrently ix_a on a (x)", "ix_a", "a");
    expect_build(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix_a ON ONLY public.a(x)", "ix_a",
        "public.a");
    expect_build("create /* why */ index -- so\n concurrently \"Ix \"\"a\" on "
                 "\"My schema\".\"T.x\"(x)",
                 "\"Ix \"\"a\"", "\"My schema\".\"T.x\"");
    expect_build("create index concurrently on a (x)", "", "a");
    expect_build("create index concurrently \xc3\xbc$1 on a (x)", "\xc3\xbc$1", "a");
}

static void drops_are_recognised(void **state)
{
    struct concurrent_index index;

    (void)state;
    assert_true(parse("drop index concurrently if exists public.ix_a", &index));
    assert_false(index.creates);
    expect_word(index.name, "public.ix_a");
    assert_true(parse("Drop Index Concurrently ix_a cascade", &index));
    expect_word(index.name, "ix_a");
}

static void other_statements_are_not(void **state)
{
    static const char *const others[] = {
        "",
        "create index ix_a on a (x)",
        "drop index ix_a",
        "reindex index concurrently ix_a",
        "create table concurrently (x int)",
        "refresh materialized view concurrently a",
        "create index concurrently ix_a",
    };
    struct concurrent_index index;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(parse(others[i], &index));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_are_recognised),
        cmocka_unit_test(drops_are_recognised),
        cmocka_unit_test(other_statements_are_not),
    };

    return cmocka_run_group_tests_name("concurrent_index", tests, NULL, NULL);
}
