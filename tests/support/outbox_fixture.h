/*
 * Outbox fixture: a cache in memory with three mirrored tables, customer, orders (which
 * refers to it) and line (which refers to itself), and words for what the capture
 * triggers would write. The tables have no triggers: a test says what was changed and
 * what was captured.
 */
#ifndef TESTS_SUPPORT_OUTBOX_FIXTURE_H
#define TESTS_SUPPORT_OUTBOX_FIXTURE_H

#include "lib/store/outbox.h"
#include "tests/support/values.h"

#define CUSTOMER_ID 1
#define ORDERS_ID 2
#define LINE_ID 3

struct outbox_fixture {
    struct database *db;
    struct table customer; /* id citext key, name, vat unique */
    struct table orders;   /* id bigint key, customer_id, parent_id, note, amount float8,
                              total generated, updated_at */
    struct table line;     /* order_id, number key; parent_number, of the same order */
    struct outbox_table items[3];
    struct outbox_tables tables;
};

int outbox_fixture_setup(void **state); /* *state becomes a struct outbox_fixture * */
int outbox_fixture_teardown(void **state);

/* base: JSON or NULL. Returns the sequence; the n-th entry was captured n seconds after
 * 1970 began. */
int64_t captured(struct outbox_fixture *fixture, int64_t table_id, const char *key,
                 const char *operation, const char *base);
/* "begin" or "end" */
int64_t marked(struct outbox_fixture *fixture, const char *mark);

#endif
