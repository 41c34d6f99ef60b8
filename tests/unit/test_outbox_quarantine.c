#include "lib/store/outbox_quarantine.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/failing_memory.h"
#include "tests/support/table_builder.h"

#include <stdio.h>
#include <string.h>

static int64_t quarantine_between(struct database *db, int64_t after, int64_t through)
{
    OWNED(table_release) struct table orders = table_named("orders");
    const struct outbox_table items[] = {{1, &orders}};
    const struct outbox_tables tables = {items, 1};
    int64_t count = -1;
    struct error err;

    table_with_column(&orders, "id", CODEC_BIGINT);
    table_with_key(&orders, NAMES("id"));
    if (outbox_quarantine(db, &tables, after, through, &count, &err) == FAILED)
        fail_msg("%s", err.message);
    return count;
}

static int64_t quarantine(struct database *db)
{
    return quarantine_between(db, 0, INT64_MAX);
}

/* Each allocation in turn fails, until there is none that could; the rows stay and go as
 * they do when memory is enough. */
static void quarantine_without_memory(struct database *db, int64_t wanted)
{
    OWNED(table_release) struct table orders = table_named("orders");
    const struct outbox_table items[] = {{1, &orders}};
    const struct outbox_tables tables = {items, 1};
    int64_t set_aside = 0;
    bool failed = true;

    table_with_column(&orders, "id", CODEC_BIGINT);
    table_with_key(&orders, NAMES("id"));
    for (long number = 0; failed; number++) {
        int64_t count = 0;
        enum outcome outcome;
        struct error err;

        failing_memory_start(MEMORY_FAILS_ONCE, number);
        outcome = outbox_quarantine(db, &tables, 0, INT64_MAX, &count, &err);
        failed = failing_memory_end();
        assert_true(outcome == OK || failed);
        set_aside += outcome == OK ? count : 0;
    }
    assert_int_equal(set_aside, wanted);
}

static int setup(void **state)
{
    int failed = cache_in_memory_setup(state);

    run_sql(*state, "insert into tide_table values "
                    "(1, 'orders', 'public', '', 1, '', 0, 0, ''),"
                    "(2, 'refused', 'public', '', 1, '', 0, 0, '')");
    return failed;
}

static void add(struct database *db, const char *entry)
{
    char text[512];

    snprintf(text, sizeof(text),
             "insert into tide_outbox (table_id, row_key, op, base) values (%s)", entry);
    run_sql(db, text);
}

static void what_the_triggers_write_stays(void **state)
{
    struct database *db = *state;

    add(db, "1, '[\"5\"]', 'insert', null");
    add(db,
        "1, '[\"5\"]', 'update', '{\"a\":\"NULL\",\"b\":\"''x''''y''\",\"c\":\"-Inf\"}'");
    add(db, "1, '[\"5\"]', 'update', '{}'");
    add(db, "1, '[\"5\"]', 'delete', '{\"id\":\"5\"}'");
    run_sql(db, "insert into tide_unit values ('begin'), ('end')");
    assert_int_equal(quarantine(db), 0);
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 6);
}

static void nonsense_is_set_aside(void **state)
{
    static const char *const nonsense[] = {
        "1, '[\"5\"]', 'upsert', '{}'",
        "1, '[\"5\"]', '', '{}'",
        "1, '[\"5\"]', x'00ff', '{}'",
        "1, null, 'update', '{}'",
        "1, '', 'update', '{}'",
        "1, '[', 'update', '{}'",
        "1, '[\"5\",\"6\"]', 'update', '{}'",
        "1, '[]', 'update', '{}'",
        "1, '{\"id\":5}', 'update', '{}'",
        "1, x'00ff', 'update', '{}'",
        "1, '[\"5\"]', 'update', null",
        "1, '[\"5\"]', 'update', '[]'",
        "1, '[\"5\"]', 'update', '{\"a\"'",
        "1, '[\"5\"]', 'update', '{\"a\":1}'",
        "1, '[\"5\"]', 'update', '{\"a\":\"drop table orders\"}'",
        "1, '[\"5\"]', 'delete', null",
        "99, '[\"5\"]', 'update', '{}'",
        "-1, '[\"5\"]', 'insert', null",
        "'x', '[\"5\"]', 'insert', null",
        "0, '[\"5\"]', 'begin', null",
    };
    struct database *db = *state;
    size_t count = sizeof(nonsense) / sizeof(nonsense[0]);

    for (size_t i = 0; i < count; i++)
        add(db, nonsense[i]);
    add(db, "1, '[\"7\"]', 'update', '{}'");
    assert_int_equal(quarantine(db), (int)count);
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 1);
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), (int)count);
    assert_int_equal(quarantine(db), 0);
}

static void assert_units(struct database *db, const char *expected)
{
    assert_text_of(
        db,
        "select group_concat(rejected_id || ':' || coalesce(unit_id, '-'), ' ')"
        " from (select * from tide_rejected order by rejected_id)",
        expected);
}

static const char broken_begins[] =
    "select coalesce(group_concat(sequence || ':' || base), '') from tide_outbox "
    "where op = 'begin' and base is not null";

static void nonsense_breaks_the_unit_of_work_that_it_is_in(void **state)
{
    struct database *db = *state;

    add(db, "1, '[\"1\"]', 'upsert', '{}'");
    run_sql(db, "insert into tide_unit values ('begin')"); /* 2 */
    add(db, "1, '[\"2\"]', 'update', '{}'");
    run_sql(db, "insert into tide_unit values ('end')");
    run_sql(db, "insert into tide_unit values ('begin')"); /* 5 */
    add(db, "1, null, 'update', '{}'");
    add(db, "1, '[\"3\"]', 'update', '{}'");
    add(db, "99, '[\"4\"]', 'update', '{}'");
    run_sql(db, "insert into tide_unit values ('end')");
    add(db, "1, '[\"5\"]', 'update', 'ever'");

    assert_int_equal(quarantine(db), 4);
    assert_units(db, "1:- 2:5 3:5 4:-");
    assert_text_of(db, broken_begins, "5:2");
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 6);
}

static void a_unit_that_began_before_is_found(void **state)
{
    struct database *db = *state;

    run_sql(db, "insert into tide_unit values ('begin'), ('end'), ('begin')");
    add(db, "1, '[\"1\"]', 'update', '{}'");
    assert_int_equal(quarantine(db), 0);
    add(db, "1, '[\"2\"]', 'upsert', '{}'");
    assert_int_equal(quarantine_between(db, 4, INT64_MAX), 1);
    assert_units(db, "1:3");
    assert_text_of(db, broken_begins, "3:1");
}

static void a_unit_that_ended_before_is_not_meant(void **state)
{
    struct database *db = *state;

    run_sql(db, "insert into tide_unit values ('begin'), ('end')");
    add(db, "1, '[\"2\"]', 'upsert', '{}'");
    assert_int_equal(quarantine_between(db, 2, INT64_MAX), 1);
    assert_units(db, "1:-");
    assert_text_of(db, broken_begins, "");
}

/* Whoever looks finds what was written, and why it was refused. */
static void what_is_set_aside_is_kept(void **state)
{
    struct database *db = *state;

    add(db, "1, '[\"5\"]', 'delete', '{\"a\":\"b\"}'");
    add(db, "42, 'what', 'update', 'ever'");
    assert_int_equal(quarantine(db), 2);
    assert_text_of(db,
                   "select table_name || row_key || op || sqlstate from tide_rejected "
                   "where rejected_id = 1",
                   "orders[\"5\"]deleteXX001");
    assert_text_of(
        db, "select \"values\" ->> 'base' from tide_rejected where rejected_id = 1",
        "{\"a\":\"b\"}");
    assert_text_of(
        db,
        "select table_name || row_key || sqlstate || message "
        "from tide_rejected where rejected_id = 2",
        "table 42[\"what\"]42P01entry 2 of the outbox makes no sense: it is of a "
        "table that is not mirrored");
}

static void the_reason_is_the_entrys_own(void **state)
{
    static const char *const entries[][2] = {
        {"0, '[\"5\"]', 'begin', null", "a mark of a unit of work names a row"},
        {"1, null, 'update', '{}'", "it names no row"},
        {"1, '[\"5\"]', 'update', null", "it has no old values"},
        {"1, '[\"5\"]', 'upsert', '{}'", "\"upsert\" is no operation"},
    };
    struct database *db = *state;

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        char query[128];

        add(db, entries[i][0]);
        assert_int_equal(quarantine(db), 1);
        snprintf(query, sizeof(query),
                 "select substr(message, instr(message, ': ') + 2) from tide_rejected "
                 "where rejected_id = %zu",
                 i + 1);
        assert_text_of(db, query, entries[i][1]);
    }
}

/* It may be followed again: what becomes of its changes is for others to say. */
static void a_table_that_is_refused_for_now_keeps_its_entries(void **state)
{
    struct database *db = *state;

    add(db, "2, '[\"a\",\"b\"]', 'update', '{}'");
    assert_int_equal(quarantine(db), 0);
}

static void want_of_memory_is_no_nonsense(void **state)
{
    struct database *db = *state;

    add(db,
        "1, '[\"5\"]', 'update', '{\"a\":\"NULL\",\"b\":\"''x''\",\"c\":\"X''00ff''\"}'");
    add(db, "1, '[\"6\"]', 'delete', '{\"id\":\"6\"}'");
    quarantine_without_memory(db, 0);
    assert_text_of(db, "select count(*) from tide_outbox", "2");
}

static void what_is_set_aside_is_whole_when_memory_runs_out(void **state)
{
    struct database *db = *state;

    add(db, "1, '[\"5\"]', 'update', '{\"a\":\"nonsense\"}'");
    quarantine_without_memory(db, 1);
    assert_text_of(db, "select count(*) from tide_outbox", "0");
    assert_text_of(db, "select row_key from tide_rejected_row", "[\"5\"]");
    assert_text_of(db, "select value from tide_rejected_value where column_name = 'base'",
                   "{\"a\":\"nonsense\"}");
}

static void any_number_is_set_aside(void **state)
{
    struct database *db = *state;

    run_sql(
        db,
        "insert into tide_outbox (table_id, row_key, op) "
        "with recursive n (n) as (values (1) union all select n + 1 from n limit 1000) "
        "select 1, '?', 'x' from n");
    assert_int_equal(quarantine(db), 1000);
}

static void only_what_is_asked_for_is_looked_at(void **state)
{
    struct database *db = *state;

    for (int i = 0; i < 4; i++)
        add(db, "1, '?', 'x', null");
    assert_int_equal(quarantine_between(db, 1, 3), 2);
    assert_text_of(db,
                   "select group_concat(sequence, ' ')"
                   " from (select sequence from tide_outbox order by sequence)",
                   "1 4");
}

#define CASE(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_the_triggers_write_stays),
        CASE(nonsense_is_set_aside),
        CASE(nonsense_breaks_the_unit_of_work_that_it_is_in),
        CASE(a_unit_that_began_before_is_found),
        CASE(a_unit_that_ended_before_is_not_meant),
        CASE(what_is_set_aside_is_kept),
        CASE(the_reason_is_the_entrys_own),
        CASE(a_table_that_is_refused_for_now_keeps_its_entries),
        CASE(any_number_is_set_aside),
        CASE(want_of_memory_is_no_nonsense),
        CASE(what_is_set_aside_is_whole_when_memory_runs_out),
        CASE(only_what_is_asked_for_is_looked_at),
    };

    failing_memory_install();
    return cmocka_run_group_tests_name("outbox_quarantine", tests, NULL, NULL);
}
