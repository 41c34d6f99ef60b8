#include "lib/store/resolution.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

/* A mirrored table with one row, and a trigger that stands for the capture. */
static const char world[] =
    "insert into tide_table (name, schema_name, fingerprint, tracked, exact, mark_us, "
    "swept_us, basis) values ('Note', 'public', 'table 1 \"public\" \"Note\"\n"
    "column \"id\" \"text\" text not null\ncolumn \"n\" \"integer\" integer\n"
    "column \"body\" \"text\" text\ncolumn \"raw\" \"bytea\" bytea\nkey \"id\"\n"
    "updated_at -\ndeleted_at -\n', 1, '', 0, 0, '');"
    "create table \"Note\" (id text not null, n integer, body text, raw blob, primary "
    "key "
    "(id));"
    "insert into \"Note\" values ('a', 1, 'x', null);"
    "create trigger captured after update on \"Note\" begin insert into tide_outbox "
    "(table_id, row_key, op) values (1, '[\"a\"]', 'update'); end;";

static int setup(void **state)
{
    cache_in_memory_setup(state);
    run_sql(*state, world);
    return 0;
}

static void reject(struct database *db, int id, const char *op, const char *cause,
                   const char *unit)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_format(
        &sql,
        "insert into tide_rejected_row (rejected_id, table_name, row_key, op, sqlstate, "
        "message, cause_id, unit_id, changed_us, rejected_us) values (%d, 'note', "
        "'[\"%s\"]', '%s', '23514', 'no', %s, %s, 1, 2)",
        id, op[0] == 'i' ? "b" : "a", op, cause, unit);
    run_sql(db, sql.data);
}

static enum outcome retry(struct database *db, int64_t id, struct error *err)
{
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    size_t count = 0;

    assert_int_equal(resolution_group(db, id, &ids, &count, err), OK);
    return resolution_retry(db, ids, count, err);
}

static void a_retried_update_is_an_applications_write_again(void **state)
{
    struct database *db = *state;
    struct error err;

    reject(db, 4, "update", "null", "null");
    run_sql(db, "insert into tide_rejected_value values (4, 'n', 1, 2), (4, 'raw', null, "
                "x'00ff')");

    assert_int_equal(retry(db, 4, &err), OK);
    assert_text_of(db, "select n || body || hex(raw) from note", "2x00FF");
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 1);
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), 0);
    assert_int_equal(number_of(db, "select count(*) from tide_rejected_value"), 0);
}

static void a_retried_insert_brings_the_row_back(void **state)
{
    struct database *db = *state;
    struct error err;

    reject(db, 4, "insert", "null", "null");
    run_sql(db,
            "insert into tide_rejected_value values (4, 'id', null, 'b'), (4, 'body', "
            "null, 'y')");

    assert_int_equal(retry(db, 4, &err), OK);
    assert_text_of(db, "select body from note where id = 'b'", "y");
}

static void a_retried_delete_removes_the_row(void **state)
{
    struct database *db = *state;
    struct error err;

    reject(db, 4, "delete", "null", "null");
    run_sql(db, "insert into tide_rejected_value values (4, 'body', 'x', null)");

    assert_int_equal(retry(db, 4, &err), OK);
    assert_int_equal(number_of(db, "select count(*) from note"), 0);
}

static void a_unit_of_work_is_marked_again(void **state)
{
    struct database *db = *state;
    struct error err;

    reject(db, 4, "update", "null", "9");
    reject(db, 5, "insert", "null", "9");
    run_sql(
        db,
        "insert into tide_rejected_value values (4, 'n', 1, 2), (5, 'id', null, 'b')");

    assert_int_equal(retry(db, 5, &err), OK);
    assert_text_of(db, "select group_concat(op) from tide_outbox", "begin,update,end");
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), 0);
}

static void a_unit_of_work_is_left_alone_until_the_rest_of_it_is_refused(void **state)
{
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    struct database *db = *state;
    struct error err;
    size_t count;

    reject(db, 4, "update", "null", "9");
    run_sql(db, "insert into tide_rejected_value values (4, 'n', 1, 2);"
                "insert into tide_outbox (table_id, row_key, op, base) values"
                " (0, null, 'begin', 4), (1, '[\"z\"]', 'update', '{}'),"
                " (0, null, 'end', null)");

    assert_int_equal(retry(db, 4, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_string_equal(err.message,
                        "rejected change 4: the rest of its unit of work has "
                        "not been set aside with it yet");
    assert_int_equal(resolution_group(db, 0, &ids, &count, &err), OK);
    assert_int_equal(resolution_discard(db, ids, count, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), 1);

    run_sql(db, "delete from tide_outbox where row_key is not null");
    assert_int_equal(retry(db, 4, &err), OK);
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), 0);
}

/* Looked up, not searched for: a bad day leaves many. */
static void many_rejected_changes_are_gathered_quickly(void **state)
{
    struct database *db = *state;
    int64_t start = clock_monotonic_us();
    struct error err;

    run_sql(db,
            "insert into tide_rejected_row (table_name, row_key, op, sqlstate, message,"
            " cause_id, unit_id, changed_us, rejected_us)"
            " with recursive n (i) as (select 1 union all select i + 1 from n"
            " where i < 30000)"
            " select 'Note', '[\"' || i || '\"]', 'update', '23514', 'no',"
            " iif(i % 3 = 2, i - 1, null), iif(i % 3 = 0, i / 6, null), 1, 2 from n");
    for (int64_t id = 0; id <= 30000; id += 100) {
        OWNED(resolution_ids_free) int64_t *ids = NULL;
        size_t count = 0;

        assert_int_equal(resolution_group(db, id, &ids, &count, &err), OK);
        assert_int_equal(count, id == 0 ? 30000 : id == 30000 ? 1 : 2);
    }
    assert_true(clock_monotonic_us() - start < 10 * US_PER_SECOND);
}

static void what_depends_on_a_change_goes_with_it(void **state)
{
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    struct database *db = *state;
    struct error err;
    size_t count = 0;

    reject(db, 4, "insert", "null", "null");
    reject(db, 5, "update", "4", "null");
    reject(db, 6, "update", "null", "null");

    assert_int_equal(resolution_group(db, 5, &ids, &count, &err), OK);
    assert_int_equal(count, 2);
    assert_int_equal(ids[0], 4);
    assert_int_equal(ids[1], 5);
}

/* It still shows the refused values: writing them again would change nothing. */
static void a_row_that_waits_to_be_read_again_is_not_written(void **state)
{
    struct database *db = *state;
    struct error err;

    reject(db, 4, "update", "null", "null");
    run_sql(db, "insert into tide_rejected_value values (4, 'n', 0, 1);"
                "insert into tide_refetch values ('Note', '[\"a\"]');"
                "insert into tide_conflict_row values "
                "(3, null, 'Note', '[\"a\"]', 'manual', 'remote', 1, 1, 2);"
                "insert into tide_conflict_value values (3, 'n', 0, 1, 2)");

    assert_int_equal(retry(db, 4, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), 1);
    assert_int_equal(resolution_keep_mine(db, 3, &err), FAILED);
    assert_int_equal(number_of(db, "select open from tide_conflict_row"), 1);

    run_sql(db, "delete from tide_refetch");
    assert_int_equal(retry(db, 4, &err), OK);
    assert_int_equal(resolution_keep_mine(db, 3, &err), OK);
}

static void a_row_that_is_gone_keeps_the_change_where_it_is(void **state)
{
    struct database *db = *state;
    struct error err;

    reject(db, 4, "update", "null", "null");
    run_sql(db,
            "insert into tide_rejected_value values (4, 'n', 1, 2); delete from note");

    assert_int_equal(retry(db, 4, &err), FAILED);
    assert_int_equal(err.kind, ERROR_REJECTED);
    assert_string_equal(err.message,
                        "rejected change 4: note: the row is not in the cache any more");
    assert_int_equal(number_of(db, "select count(*) from tide_rejected"), 1);
}

static void an_unknown_change_is_named(void **state)
{
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    struct error err;
    size_t count = 0;

    assert_int_equal(resolution_group(*state, 77, &ids, &count, &err), FAILED);
    assert_string_equal(err.message, "there is no rejected change 77");
}

static void add_conflict(struct database *db, const char *winner)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_format(
        &sql,
        "insert into tide_conflict_row values (3, null, 'note', "
        "'[\"a\"]', 'manual', '%s', 1, 1, 2);"
        "insert into tide_conflict_value values (3, 'body', 'x', 'mine', "
        "'theirs')",
        winner);
    run_sql(db, sql.data);
}

static void my_values_become_a_new_change(void **state)
{
    struct database *db = *state;
    struct error err;

    add_conflict(db, "remote");
    assert_int_equal(resolution_keep_mine(db, 3, &err), OK);
    assert_text_of(db, "select body from note", "mine");
    assert_int_equal(number_of(db, "select open from tide_conflict"), 0);
    assert_int_equal(number_of(db, "select count(*) from tide_outbox"), 1);
}

static void their_values_settle_it(void **state)
{
    struct database *db = *state;
    struct error err;

    add_conflict(db, "remote");
    assert_int_equal(resolution_keep_theirs(db, 3, &err), OK);
    assert_text_of(db, "select body from note", "x");
    assert_int_equal(number_of(db, "select open from tide_conflict"), 0);
}

static void values_that_won_are_not_written_again(void **state)
{
    struct database *db = *state;
    struct error err;

    add_conflict(db, "local");
    assert_int_equal(resolution_keep_mine(db, 3, &err), FAILED);
    assert_string_equal(err.message, "the local values of conflict 3 won already");
}

#define TEST(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_retried_update_is_an_applications_write_again),
        TEST(a_retried_insert_brings_the_row_back),
        TEST(a_retried_delete_removes_the_row),
        TEST(a_unit_of_work_is_marked_again),
        TEST(a_unit_of_work_is_left_alone_until_the_rest_of_it_is_refused),
        TEST(many_rejected_changes_are_gathered_quickly),
        TEST(what_depends_on_a_change_goes_with_it),
        TEST(a_row_that_waits_to_be_read_again_is_not_written),
        TEST(a_row_that_is_gone_keeps_the_change_where_it_is),
        TEST(an_unknown_change_is_named),
        TEST(my_values_become_a_new_change),
        TEST(their_values_settle_it),
        TEST(values_that_won_are_not_written_again),
    };

    return cmocka_run_group_tests_name("resolution", tests, NULL, NULL);
}
