#include "lib/store/change_counts.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

static struct change_counts counts_of(struct database *db)
{
    struct change_counts counts;
    struct error err;

    assert_int_equal(change_counts_read(db, &counts, &err), OK);
    return counts;
}

static void rows_count_not_entries(void **state)
{
    struct database *db = *state;
    OWNED(change_counts_release) struct change_counts counts = {0};

    run_sql(db,
            "insert into tide_table values "
            "(1, 'orders', 'public', '', 1, '', 0, 0, ''),"
            "(2, 'items', 'public', '', 1, '', 0, 0, '');"
            "insert into tide_outbox (table_id, row_key, op, base, changed_at) values "
            "(1, '[\"1\"]', 'insert', null, julianday('2026-11-22 12:00:00')),"
            "(1, '[\"1\"]', 'update', '{}', julianday('2026-11-22 12:00:01')),"
            "(2, '[\"1\"]', 'update', '{}', julianday('2026-11-22 11:00:00')),"
            "(9, '[\"1\"]', 'update', '{}', julianday('2026-11-22 12:00:00'));"
            "insert into tide_unit values ('begin')");
    counts = counts_of(db);
    assert_int_equal(counts.rows, 3);
    assert_int_equal(counts.entries, 4);
    /* a float of days is good for a tenth of a millisecond */
    assert_in_range(counts.oldest_us, 1795345200000000 - 100, 1795345200000000 + 100);
    assert_int_equal(change_counts_find(&counts, "ORDERS")->pending, 1);
    assert_int_equal(change_counts_find(&counts, "table 9")->pending, 1);
    assert_null(change_counts_find(&counts, "customers"));
}

/* Those of a push in flight are not known yet. */
static void only_filed_outcomes_count(void **state)
{
    struct database *db = *state;
    OWNED(change_counts_release) struct change_counts counts = {0};

    run_sql(db,
            "insert into tide_rejected_row (push_id, table_name, row_key, op, sqlstate, "
            "message, cause_id, changed_us, rejected_us) values "
            "('x', 'orders', '[\"0\"]', 'update', '23514', 'no', null, 0, 0),"
            "(null, 'orders', '[\"1\"]', 'update', '23503', 'later', 3, 0, 0),"
            "(null, 'orders', '[\"2\"]', 'insert', '23505', 'twice', null, 0, 0);"
            "insert into tide_conflict_row (push_id, table_name, row_key, rule, winner, "
            "open, changed_us, found_us) values "
            "('x', 'orders', '[\"1\"]', 'manual', 'remote', 1, 0, 0),"
            "(null, 'orders', '[\"1\"]', 'manual', 'remote', 1, 0, 0),"
            "(null, 'orders', '[\"1\"]', 'server_wins', 'remote', 0, 0, 0)");
    counts = counts_of(db);
    assert_int_equal(counts.rejected, 2);
    assert_int_equal(change_counts_find(&counts, "orders")->rejected, 2);
    assert_int_equal(counts.conflicts, 2);
    assert_int_equal(counts.conflicts_open, 1);
    assert_int_equal(counts.first_rejected.rejected_id, 3);
    assert_string_equal(counts.first_rejected.message, "twice");
}

/* Whatever another program wrote there, it is counted. */
static void nonsense_is_counted(void **state)
{
    struct database *db = *state;
    OWNED(change_counts_release) struct change_counts counts = {0};

    run_sql(db,
            "insert into tide_outbox (table_id, row_key, op, base, changed_at) values "
            "('x', x'00', '?', '{', 'yesterday'), (-1, '', '', 1, 1e300)");
    counts = counts_of(db);
    assert_int_equal(counts.rows, 2);
}

static void tables_with_entries_are_listed(void **state)
{
    struct database *db = *state;
    OWNED(change_tables_release) struct change_tables tables = {0};
    struct error err;

    run_sql(db, "insert into tide_table values "
                "(1, 'orders', 'public', '', 1, '', 0, 0, ''),"
                "(2, 'items', 'public', '', 1, '', 0, 0, '');"
                "insert into tide_outbox (table_id, row_key, op, base) values "
                "(2, '[\"1\"]', 'update', '{}'), (2, '[\"2\"]', 'update', '{}'),"
                "(9, '[\"1\"]', 'update', '{}')");
    assert_int_equal(change_counts_tables(db, &tables, &err), OK);
    assert_int_equal(tables.count, 1);
    assert_int_equal(tables.items[0].table_id, 2);
    assert_string_equal(tables.items[0].name, "items");
}

#define CASE(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, cache_in_memory_setup,                     \
                                    cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(rows_count_not_entries),
        CASE(only_filed_outcomes_count),
        CASE(nonsense_is_counted),
        CASE(tables_with_entries_are_listed),
    };

    return cmocka_run_group_tests_name("change_counts", tests, NULL, NULL);
}
