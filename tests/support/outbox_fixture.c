#include "tests/support/outbox_fixture.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/mirror_sql.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdlib.h>
#include <string.h>

static struct table make_customer(void)
{
    struct table table = table_named("customer");

    table_with_column(&table, "id", CODEC_CASELESS_TEXT);
    table_with_column(&table, "name", CODEC_TEXT);
    table_with_column(&table, "vat", CODEC_INTEGER);
    table_with_key(&table, NAMES("id"));
    return table;
}

static struct table make_orders(void)
{
    struct table table = table_named("orders");

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "customer_id", CODEC_CASELESS_TEXT);
    table_with_column(&table, "parent_id", CODEC_BIGINT);
    table_with_column(&table, "note", CODEC_TEXT);
    table_with_column(&table, "amount", CODEC_DOUBLE);
    table_with_column(&table, "vat", CODEC_INTEGER);
    table_with_column(&table, "total", CODEC_DOUBLE)->generated = true;
    table_with_column(&table, "updated_at", CODEC_TIMESTAMPTZ);
    table.updated_at = 7;
    table_with_key(&table, NAMES("id"));
    table_with_foreign_key(&table, NAMES("customer_id"), "customer", NAMES("id"));
    table_with_foreign_key(&table, NAMES("parent_id"), "orders", NAMES("id"));
    table_with_foreign_key(&table, NAMES("vat"), "customer", NAMES("vat"));
    return table;
}

static struct table make_line(void)
{
    struct table table = table_named("line");

    table_with_column(&table, "order_id", CODEC_BIGINT);
    table_with_column(&table, "number", CODEC_INTEGER);
    table_with_column(&table, "parent_number", CODEC_INTEGER);
    table_with_key(&table, NAMES("order_id", "number"));
    table_with_foreign_key(&table, NAMES("parent_number", "order_id"), "line",
                           NAMES("number", "order_id"));
    return table;
}

static void create(struct database *db, const struct table *table)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_create_table(&sql, table, table->name);
    assert_false(sql.failed);
    run_sql(db, sql.data);
}

int outbox_fixture_setup(void **state)
{
    struct outbox_fixture *fixture = calloc(1, sizeof(*fixture));
    void *db;

    assert_non_null(fixture);
    cache_in_memory_setup(&db);
    fixture->db = db;
    fixture->customer = make_customer();
    fixture->orders = make_orders();
    fixture->orders.oid = 16385;
    fixture->line = make_line();
    fixture->line.oid = 16386;
    create(fixture->db, &fixture->line);
    create(fixture->db, &fixture->customer);
    create(fixture->db, &fixture->orders);
    fixture->items[0] = (struct outbox_table){CUSTOMER_ID, &fixture->customer};
    fixture->items[1] = (struct outbox_table){ORDERS_ID, &fixture->orders};
    fixture->items[2] = (struct outbox_table){LINE_ID, &fixture->line};
    fixture->tables = (struct outbox_tables){fixture->items, 3};
    *state = fixture;
    return 0;
}

int outbox_fixture_teardown(void **state)
{
    struct outbox_fixture *fixture = *state;

    table_release(&fixture->customer);
    table_release(&fixture->orders);
    table_release(&fixture->line);
    database_free(fixture->db);
    free(fixture);
    return 0;
}

int64_t captured(struct outbox_fixture *fixture, int64_t table_id, const char *key,
                 const char *operation, const char *base)
{
    OWNED(statement_release) struct statement insert = {0};
    struct error err = {0};

    assert_int_equal(
        statement_prepare_text(&insert, fixture->db, "test",
                               "insert into tide_outbox (table_id, row_key, op, base,"
                               " changed_at) values (?, ?, ?, ?, 2440587.5 +"
                               " (select count(*) + 1 from tide_outbox) / 86400.0)",
                               &err),
        OK);
    statement_bind_int(&insert, 1, table_id);
    statement_bind_text(&insert, 2, key);
    statement_bind_text(&insert, 3, operation);
    statement_bind_text(&insert, 4, base);
    assert_int_equal(statement_run(&insert, &err), OK);
    return number_of(fixture->db, "select max(sequence) from tide_outbox");
}

int64_t marked(struct outbox_fixture *fixture, const char *mark)
{
    return captured(fixture, 0, NULL, mark, NULL);
}
