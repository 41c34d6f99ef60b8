#include "lib/store/staging.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/outbox_fixture.h"

#include <stdlib.h>
#include <string.h>

static void free_staging(struct staging **staging)
{
    staging_free(*staging);
}

static void free_reader(struct staging_reader **reader)
{
    staging_reader_free(*reader);
}

#define OWNED_STAGING OWNED(free_staging) struct staging *

static bool every_table(const struct table *table)
{
    (void)table;
    return true;
}

static struct staging_summary
fill(struct staging *staging, struct outbox_fixture *fixture, int64_t through, bool whole)
{
    const struct staging_request request = {
        .tables = &fixture->tables,
        .through = through,
        .wants_whole_rows = whole ? every_table : NULL,
    };
    struct staging_summary summary = {0};
    struct error err = {0};

    if (staging_fill(staging, &request, &summary, &err) == FAILED)
        fail_msg("%s", err.message);
    return summary;
}

static struct staging *staging_of(struct outbox_fixture *fixture)
{
    struct staging *staging;
    struct error err = {0};

    if (staging_new(&staging, fixture->db, &err) == FAILED)
        fail_msg("%s", err.message);
    return staging;
}

static struct staging *staged(struct outbox_fixture *fixture)
{
    struct staging *staging = staging_of(fixture);

    fill(staging, fixture, 1000000, false);
    return staging;
}

static void append_value(struct buffer *text, const struct value *value)
{
    if (value->type == VALUE_NULL)
        buffer_append_text(text, "-");
    value_append_text(text, value);
}

static void append_row(struct buffer *text, const struct staged_row *row,
                       const struct table *table, const size_t *columns, size_t count)
{
    buffer_append_format(text, "  %s", row->row_key);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(text, " %s:", table->columns[columns[i]].name);
        append_value(text, &row->values[i].base);
        buffer_append_text(text, ">");
        append_value(text, &row->values[i].local);
    }
    for (size_t i = 0; row->whole && i < table->column_count; i++) {
        buffer_append_text(text, i ? "," : " whole ");
        append_value(text, &row->whole[i]);
    }
    buffer_append_text(text, "\n");
}

static void append_group(struct buffer *text, struct staging *staging,
                         const struct staged_group *group)
{
    static const char *const phases[] = {"insert", "update", "delete"};
    OWNED(free_reader) struct staging_reader *reader = NULL;
    struct staged_row row;
    struct error err = {0};

    buffer_append_format(text, "%s %s %d-%d\n", phases[group->phase], group->table->name,
                         (int)group->first, (int)group->last);
    assert_int_equal(staging_reader_new(&reader, staging, group, group->first, &err), OK);
    while (staging_reader_next(reader, &row, &err) == OK)
        append_row(text, &row, group->table, group->columns, group->column_count);
}

/* Every group and its rows, in the order of sending; NUL reads @. */
static void assert_sends(struct staging *staging, const char *expected)
{
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(staged_group_release) struct staged_group group = {0};
    struct error err = {0};

    while (staging_group_at(staging, group.last + 1, INT64_MAX, &group, &err) == OK) {
        int64_t last = group.last;

        append_group(&text, staging, &group);
        staged_group_release(&group);
        group.last = last;
    }
    for (size_t i = 0; i < text.length; i++)
        if (!text.data[i])
            text.data[i] = '@';
    assert_string_equal(text.data ? text.data : "", expected);
}

static void assert_clean(struct staging *staging, const char *expected)
{
    OWNED(buffer_release) struct buffer text = {0};
    const struct table *table;
    struct error err = {0};
    int64_t position = 0;
    char *key;

    while (staging_next_clean(staging, &position, &table, &key, &err) == OK) {
        buffer_append_format(&text, "%s%s ", table->name, key);
        free(key);
    }
    assert_string_equal(text.data ? text.data : "", expected);
}

/* ---- folding ---- */

static void an_empty_outbox_stages_nothing(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = staging_of(fixture);
    const struct staging_request request = {.tables = &fixture->tables, .through = 5};
    struct staging_summary summary;
    struct error err = {0};

    assert_int_equal(staging_fill(staging, &request, &summary, &err), NOTHING);
    for (int i = 0; i < 7; i++)
        captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}");
    run_sql(fixture->db, "delete from tide_outbox where sequence <= 5");
    assert_int_equal(staging_fill(staging, &request, &summary, &err), NOTHING);
    assert_sends(staging, "");
    run_sql(fixture->db, "begin; rollback");
}

static void rows_come_in_the_order_of_sending(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db,
            "insert into customer values ('Old', 'n2', 1), ('new', 'n', 2);"
            "insert into orders (id, customer_id, parent_id, note) values"
            " (1, 'new', 2, 'a'), (2, 'new', null, 'b'), (3, 'old', null, 'c'),"
            " (4, 'old', null, 'd')");
    captured(fixture, CUSTOMER_ID, "[\"gone\"]", "delete",
             "{\"id\":\"'gone'\",\"vat\":\"7\"}");
    captured(fixture, ORDERS_ID, "[\"9\"]", "delete",
             "{\"id\":\"9\",\"total\":\"5\",\"note\":\"NULL\"}");
    captured(fixture, ORDERS_ID, "[\"4\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{\"note\":\"'y'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    captured(fixture, CUSTOMER_ID, "[\"new\"]", "insert", NULL);
    captured(fixture, CUSTOMER_ID, "[\"old\"]", "update", "{\"name\":\"'n1'\"}");
    staging = staged(fixture);
    assert_sends(staging,
                 "insert customer 1-1\n"
                 "  [\"new\"] id:->new name:->n vat:->2\n"
                 "insert orders 2-3\n"
                 "  [\"2\"] id:->2 customer_id:->new parent_id:->- note:->b amount:->-"
                 " vat:->- updated_at:->-\n"
                 "  [\"1\"] id:->1 customer_id:->new parent_id:->2 note:->a amount:->-"
                 " vat:->- updated_at:->-\n"
                 "update customer 4-4\n"
                 "  [\"old\"] name:n1>n2\n"
                 "update orders 5-6\n"
                 "  [\"4\"] note:x>d\n"
                 "  [\"3\"] note:y>c\n"
                 "delete orders 7-7\n"
                 "  [\"9\"] id:9>- note:->-\n"
                 "delete customer 8-8\n"
                 "  [\"gone\"] id:gone>- vat:7>-\n");
    assert_clean(staging, "");
}

static void rows_with_the_same_dirty_columns_are_neighbours(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db, "insert into orders (id, note, vat) values (1, 'a', 1),"
                         " (2, 'b', 2), (3, 'c', 3)");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"vat\":\"0\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"vat\":\"1\"}");
    staging = staged(fixture);
    assert_sends(staging, "update orders 1-2\n"
                          "  [\"1\"] note:x>a\n"
                          "  [\"3\"] note:x>c\n"
                          "update orders 3-3\n"
                          "  [\"2\"] vat:0>2\n");
}

static void what_has_nothing_to_send_is_noted(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db,
            "insert into orders (id, note, vat) values (1, 'a', 1), (2, 'b', 2)");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'a'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update",
             "{\"note\":\"'x'\",\"vat\":\"2\",\"updated_at\":\"NULL\",\"gone\":\"1\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"3\"]", "delete", "{\"note\":\"'a'\"}");
    captured(fixture, ORDERS_ID, "[\"4\"]", "update", "{\"note\":\"'a'\"}");
    captured(fixture, ORDERS_ID, "[\"5\"]", "insert", NULL);
    staging = staged(fixture);
    assert_sends(staging, "update orders 1-1\n"
                          "  [\"2\"] note:x>b\n");
    assert_clean(staging, "orders[\"1\"] orders[\"2\"] orders[\"3\"] orders[\"4\"] "
                          "orders[\"5\"] ");
}

static void a_touch_is_sent_without_columns(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db, "insert into orders (id) values (1);"
                         "insert into customer values ('a', 'b', 1)");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{}");
    captured(fixture, CUSTOMER_ID, "[\"a\"]", "update", "{}");
    staging = staged(fixture);
    assert_sends(staging, "update orders 1-1\n"
                          "  [\"1\"]\n");
    assert_clean(staging, "customer[\"a\"] ");
}

static void later_transactions_are_left_out(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = staging_of(fixture);
    struct staging_summary summary;

    run_sql(fixture->db, "insert into orders (id, note, vat) values (1, 'later', 5),"
                         " (4, 'again', 9), (5, 'new', 1)");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'first'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{\"vat\":\"1\"}");
    captured(fixture, ORDERS_ID, "[\"4\"]", "delete",
             "{\"id\":\"4\",\"note\":\"'old'\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update",
             "{\"note\":\"'cut'\",\"vat\":\"4\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"note\":\"'cut'\"}");
    captured(
        fixture, ORDERS_ID, "[\"2\"]", "delete",
        "{\"id\":\"2\",\"customer_id\":\"NULL\",\"parent_id\":\"NULL\","
        "\"note\":\"'later'\",\"amount\":\"Inf\",\"vat\":\"6\",\"updated_at\":\"NULL\"}");
    captured(
        fixture, ORDERS_ID, "[\"3\"]", "delete",
        "{\"id\":\"3\",\"customer_id\":\"NULL\",\"parent_id\":\"NULL\","
        "\"note\":\"'x'\",\"amount\":\"1.5\",\"vat\":\"2\",\"updated_at\":\"NULL\"}");
    captured(fixture, ORDERS_ID, "[\"4\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"5\"]", "insert", NULL);
    summary = fill(staging, fixture, 4, false);
    assert_int_equal(summary.through, 4);
    assert_int_equal(summary.entry_count, 4);
    assert_int_equal(summary.row_count, 4);
    assert_sends(staging, "insert orders 1-1\n"
                          "  [\"2\"] id:->2 customer_id:->- parent_id:->- note:->cut"
                          " amount:->Infinity vat:->6 updated_at:->-\n"
                          "update orders 2-2\n"
                          "  [\"1\"] note:first>cut\n"
                          "update orders 3-3\n"
                          "  [\"3\"] vat:1>2\n"
                          "delete orders 4-4\n"
                          "  [\"4\"] id:4>- note:old>-\n");
    summary = fill(staging, fixture, 100, false);
    assert_int_equal(summary.through, 10);
    assert_int_equal(summary.row_count, 4);
    assert_clean(staging, "orders[\"2\"] orders[\"4\"] ");
}

static void an_unknown_table_is_named(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = staging_of(fixture);
    struct staging_summary summary;

    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    captured(fixture, 77, "[\"1\",\"2\"]", "insert", NULL);
    marked(fixture, "begin");
    assert_int_equal(fill(staging, fixture, 1, false).unknown_table_id, 0);
    summary = fill(staging, fixture, 3, false);
    assert_int_equal(summary.unknown_table_id, 77);
    assert_int_equal(summary.row_count, 0);
    assert_int_equal(summary.entry_count, 3);
}

static void whole_rows_and_strange_text_are_kept(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = staging_of(fixture);

    run_sql(fixture->db,
            "insert into orders (id, note) values (1, cast(x'6100' as text)),"
            " (2, cast(x'ff' as text)), (3, 'c');"
            "insert into customer values (cast(x'4100' as text), 'n', 1)");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"note\":\"'y'\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{\"note\":\"'\xfe'\"}");
    captured(fixture, CUSTOMER_ID, "[\"a\\u0000\"]", "update", "{\"name\":\"'x'\"}");
    fill(staging, fixture, 100, true);
    assert_sends(staging, "update customer 1-1\n"
                          "  [\"a\\u0000\"] name:x>n whole A@,n,1\n"
                          "update orders 2-4\n"
                          "  [\"1\"] note:x>a@ whole 1,-,-,a@,-,-,-,-\n"
                          "  [\"2\"] note:y>\xff whole 2,-,-,\xff,-,-,-,-\n"
                          "  [\"3\"] note:\xfe>c whole 3,-,-,c,-,-,-,-\n");
}

static void keys_are_looked_up_as_the_column_compares(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db, "insert into customer values ('ABC', 'n', 1)");
    captured(fixture, CUSTOMER_ID, "[\"abc\"]", "update", "{\"id\":\"'abc'\"}");
    staging = staged(fixture);
    assert_sends(staging, "update customer 1-1\n"
                          "  [\"abc\"] id:abc>ABC\n");
}

/* ---- what is set aside ---- */

static void refuse(struct staging *staging, int64_t ordinal)
{
    const struct staged_refusal refusal = {"23505", "duplicate", "orders_key"};
    struct error err = {0};

    if (staging_refuse(staging, ordinal, &refusal, &err) == FAILED)
        fail_msg("%s", err.message);
}

static int64_t close_staging(struct staging *staging)
{
    struct error err = {0};
    int64_t added = -1;

    if (staging_close(staging, &added, &err) == FAILED)
        fail_msg("%s", err.message);
    return added;
}

static void assert_outcasts(struct staging *staging, const char *expected)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct staged_outcast outcast;
    struct error err = {0};
    int64_t position = 0;

    while (staging_next_outcast(staging, &position, &outcast, &err) == OK) {
        assert_string_equal(outcast.refusal.sqlstate, "23505");
        assert_string_equal(outcast.refusal.constraint, "orders_key");
        buffer_append_format(&text, "%d %s%s by %d in %d\n", (int)outcast.row.ordinal,
                             outcast.table->name, outcast.row.row_key,
                             (int)outcast.cause_ordinal, (int)outcast.unit);
    }
    assert_string_equal(text.data ? text.data : "", expected);
}

static void a_refused_row_is_not_sent_again(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;
    OWNED(staged_group_release) struct staged_group group = {0};
    struct error err = {0};

    run_sql(fixture->db, "insert into orders (id, note) values (1, 'a'), (2, 'b'),"
                         " (3, 'c'), (4, 'd')");
    for (char key[] = "[\"1\"]"; key[2] <= '4'; key[2]++)
        captured(fixture, ORDERS_ID, key, "update", "{\"note\":\"'x'\"}");
    staging = staged(fixture);
    refuse(staging, 1);
    refuse(staging, 3);
    refuse(staging, 3);
    assert_sends(staging, "update orders 2-4\n"
                          "  [\"2\"] note:x>b\n"
                          "  [\"4\"] note:x>d\n");
    assert_int_equal(staging_group_at(staging, 1, 3, &group, &err), OK);
    assert_int_equal(group.first, 2);
    assert_int_equal(group.last, 3);
    assert_int_equal(close_staging(staging), 0);
    assert_outcasts(staging, "1 orders[\"1\"] by 0 in 0\n3 orders[\"3\"] by 0 in 0\n");
    staged_group_release(&group);
    assert_int_equal(staging_group_at(staging, 3, 3, &group, &err), NOTHING);
}

static void rows_that_refer_to_a_refused_insert_go_with_it(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db,
            "insert into customer values ('A', 'n', 70), ('b', 'n', 8);"
            "insert into orders (id, customer_id, parent_id, vat) values"
            " (1, 'a', null, null), (2, 'b', 1, null), (3, 'b', 2, null),"
            " (4, 'b', null, 70), (5, 'b', null, null), (6, 'A', null, null),"
            " (7, 'a', null, null)");
    captured(fixture, CUSTOMER_ID, "[\"a\"]", "insert", NULL); /* 1 */
    captured(fixture, CUSTOMER_ID, "[\"b\"]", "insert", NULL); /* 2 */
    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);   /* 3 */
    captured(fixture, ORDERS_ID, "[\"2\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"3\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"4\"]", "insert", NULL);
    captured(fixture, ORDERS_ID, "[\"5\"]", "insert", NULL); /* 7 */
    captured(fixture, ORDERS_ID, "[\"6\"]", "update", "{\"customer_id\":\"'b'\"}");
    captured(fixture, ORDERS_ID, "[\"7\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"8\"]", "delete", "{\"customer_id\":\"'a'\"}");
    staging = staged(fixture);
    refuse(staging, 1);
    assert_int_equal(close_staging(staging), 5);
    assert_outcasts(staging, "1 customer[\"a\"] by 0 in 0\n"
                             "3 orders[\"1\"] by 1 in 0\n"
                             "4 orders[\"2\"] by 3 in 0\n"
                             "5 orders[\"3\"] by 4 in 0\n"
                             "6 orders[\"4\"] by 1 in 0\n"
                             "8 orders[\"6\"] by 1 in 0\n");
    assert_int_equal(close_staging(staging), 0);
}

static void a_reference_that_was_changed_in_part_is_found(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db, "insert into line values (1, 1, null), (1, 2, 1), (2, 2, 1)");
    captured(fixture, LINE_ID, "[\"1\",\"1\"]", "insert", NULL);
    captured(fixture, LINE_ID, "[\"1\",\"2\"]", "update", "{\"parent_number\":\"NULL\"}");
    captured(fixture, LINE_ID, "[\"2\",\"2\"]", "update", "{\"parent_number\":\"NULL\"}");
    staging = staged(fixture);
    assert_sends(staging, "insert line 1-1\n"
                          "  [\"1\",\"1\"] order_id:->1 number:->1 parent_number:->-\n"
                          "update line 2-3\n"
                          "  [\"1\",\"2\"] parent_number:->1\n"
                          "  [\"2\",\"2\"] parent_number:->1\n");
    refuse(staging, 1);
    assert_int_equal(close_staging(staging), 1);
    assert_outcasts(staging, "1 line[\"1\",\"1\"] by 0 in 0\n"
                             "2 line[\"1\",\"2\"] by 1 in 0\n");
}

static void a_refused_update_takes_nobody_with_it(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    run_sql(fixture->db, "insert into customer values ('a', 'n', 70);"
                         "insert into orders (id, customer_id) values (1, 'a')");
    /* the spelling of its key was changed too */
    captured(fixture, CUSTOMER_ID, "[\"a\"]", "update", "{\"id\":\"'A'\"}");
    captured(fixture, ORDERS_ID, "[\"1\"]", "insert", NULL);
    staging = staged(fixture);
    refuse(staging, 2);
    assert_int_equal(close_staging(staging), 0);
}

static void capture_units(struct outbox_fixture *fixture)
{
    run_sql(fixture->db, "insert into orders (id, note) values (1, 'a'), (2, 'b'),"
                         " (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f')");
    captured(fixture, ORDERS_ID, "[\"1\"]", "update", "{\"note\":\"'x'\"}");
    marked(fixture, "begin"); /* 2 */
    captured(fixture, ORDERS_ID, "[\"2\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{\"note\":\"'x'\"}");
    marked(fixture, "end");
    marked(fixture, "begin"); /* 6 */
    captured(fixture, ORDERS_ID, "[\"3\"]", "update", "{\"note\":\"'x'\"}");
    captured(fixture, ORDERS_ID, "[\"4\"]", "update", "{\"note\":\"'x'\"}");
    marked(fixture, "end");
    captured(fixture, ORDERS_ID, "[\"5\"]", "update", "{\"note\":\"'x'\"}");
    marked(fixture, "begin"); /* 11, never ended */
    captured(fixture, ORDERS_ID, "[\"6\"]", "update", "{\"note\":\"'x'\"}");
}

static void units_of_work_go_together(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    capture_units(fixture);
    staging = staged(fixture);
    refuse(staging, 4);
    assert_int_equal(close_staging(staging), 2);
    assert_outcasts(staging, "2 orders[\"2\"] by 3 in 6\n"
                             "3 orders[\"3\"] by 4 in 6\n"
                             "4 orders[\"4\"] by 0 in 6\n");
    refuse(staging, 1);
    refuse(staging, 6);
    assert_int_equal(close_staging(staging), 0);
}

static void a_unit_that_was_not_ended_ends_at_the_next(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    capture_units(fixture);
    run_sql(fixture->db, "insert into orders (id, note) values (7, 'g'), (8, 'h')");
    captured(fixture, ORDERS_ID, "[\"7\"]", "update", "{\"note\":\"'x'\"}");
    marked(fixture, "begin");
    captured(fixture, ORDERS_ID, "[\"8\"]", "update", "{\"note\":\"'x'\"}");
    staging = staged(fixture);
    refuse(staging, 7);
    assert_int_equal(close_staging(staging), 1);
    assert_outcasts(staging, "6 orders[\"6\"] by 7 in 11\n7 orders[\"7\"] by 0 in 11\n");
}

static void filling_again_forgets_everything(void **state)
{
    struct outbox_fixture *fixture = *state;
    OWNED_STAGING staging = NULL;

    capture_units(fixture);
    staging = staged(fixture);
    refuse(staging, 4);
    assert_int_equal(close_staging(staging), 2);
    assert_int_equal(fill(staging, fixture, 100, false).row_count, 6);
    assert_outcasts(staging, "");
    refuse(staging, 2);
    assert_int_equal(close_staging(staging), 2);
}

#define WITH_FIXTURE(test)                                                               \
    cmocka_unit_test_setup_teardown(test, outbox_fixture_setup, outbox_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(an_empty_outbox_stages_nothing),
        WITH_FIXTURE(rows_come_in_the_order_of_sending),
        WITH_FIXTURE(rows_with_the_same_dirty_columns_are_neighbours),
        WITH_FIXTURE(what_has_nothing_to_send_is_noted),
        WITH_FIXTURE(a_touch_is_sent_without_columns),
        WITH_FIXTURE(later_transactions_are_left_out),
        WITH_FIXTURE(an_unknown_table_is_named),
        WITH_FIXTURE(whole_rows_and_strange_text_are_kept),
        WITH_FIXTURE(keys_are_looked_up_as_the_column_compares),
        WITH_FIXTURE(a_refused_row_is_not_sent_again),
        WITH_FIXTURE(rows_that_refer_to_a_refused_insert_go_with_it),
        WITH_FIXTURE(a_reference_that_was_changed_in_part_is_found),
        WITH_FIXTURE(a_refused_update_takes_nobody_with_it),
        WITH_FIXTURE(units_of_work_go_together),
        WITH_FIXTURE(a_unit_that_was_not_ended_ends_at_the_next),
        WITH_FIXTURE(filling_again_forgets_everything),
    };

    return cmocka_run_group_tests_name("staging", tests, NULL, NULL);
}
