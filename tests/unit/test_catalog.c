#include "lib/store/catalog.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/failing_memory.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(call)                                                                       \
    do {                                                                                 \
        struct error err = {0};                                                          \
        if ((call) != OK)                                                                \
            fail_msg("%s: %s", #call, err.message);                                      \
    } while (0)

static struct catalog_table table_at(char *name, char *exact, int64_t mark_us)
{
    return (struct catalog_table){
        .name = name,
        .schema = (char *)"public",
        .fingerprint = (char *)"columns: id",
        .tracked = true,
        .cursor = {.exact = exact, .mark_us = mark_us, .swept_us = mark_us - 1},
    };
}

static struct catalog_copy copy_of(char *name)
{
    return (struct catalog_copy){
        .name = name,
        .schema = (char *)"public",
        .copy_name = (char *)"tide_copy_people",
        .fingerprint = (char *)"columns: id",
        .cursor = {.exact = (char *)"7:9:8", .mark_us = 500, .swept_us = 500},
    };
}

/* Names in order, with commas between. */
static void assert_tables(struct database *db, const char *expected)
{
    assert_text_of(db,
                   "select coalesce((select group_concat(name, ',') from"
                   " (select name from tide_table order by name)), '')",
                   expected);
}

static void tables_come_back_as_they_were_put(void **state)
{
    struct catalog_table put[] = {table_at((char *)"people", (char *)"3:5:4", 100),
                                  table_at((char *)"lines", (char *)"", 0)};
    struct catalog_table *tables = NULL;
    size_t count = 0;

    MUST(catalog_put_tables(*state, put, 2, &err));
    MUST(catalog_tables(*state, &tables, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(tables[0].name, "lines");
    assert_string_equal(tables[1].name, "people");
    assert_string_equal(tables[1].schema, "public");
    assert_string_equal(tables[1].fingerprint, "columns: id");
    assert_true(tables[1].tracked);
    assert_string_equal(tables[1].cursor.exact, "3:5:4");
    assert_int_equal(tables[1].cursor.mark_us, 100);
    assert_int_equal(tables[1].cursor.swept_us, 99);
    for (size_t i = 0; i < count; i++)
        catalog_table_release(&tables[i]);
    free(tables);
}

/* ---- when memory runs out ---- */

static enum outcome read_tables(struct database *db, struct error *err)
{
    struct catalog_table *tables = NULL;
    size_t count = 0;

    if (catalog_tables(db, &tables, &count, err) == FAILED)
        return FAILED;
    assert_int_equal(count, 1);
    assert_string_equal(tables[0].name, "people");
    assert_string_equal(tables[0].schema, "public");
    assert_string_equal(tables[0].fingerprint, "columns: id");
    assert_string_equal(tables[0].cursor.exact, "3:5:4");
    assert_string_equal(tables[0].cursor.basis, "");
    catalog_table_release(&tables[0]);
    free(tables);
    return OK;
}

static enum outcome read_copies(struct database *db, struct error *err)
{
    struct catalog_copy *copies = NULL;
    size_t count = 0;

    if (catalog_copies(db, &copies, &count, err) == FAILED)
        return FAILED;
    assert_int_equal(count, 1);
    assert_string_equal(copies[0].name, "people");
    assert_string_equal(copies[0].schema, "public");
    assert_string_equal(copies[0].copy_name, "tide_copy_people");
    assert_string_equal(copies[0].fingerprint, "columns: id");
    assert_string_equal(copies[0].cursor.exact, "7:9:8");
    assert_string_equal(copies[0].cursor.basis, "");
    assert_null(copies[0].last_key);
    catalog_copy_release(&copies[0]);
    free(copies);
    return OK;
}

static enum outcome read_cluster(struct database *db, struct error *err)
{
    OWNED(catalog_cluster_release) struct catalog_cluster cluster = {0};

    if (catalog_cluster(db, &cluster, err) == FAILED)
        return FAILED;
    assert_string_equal(cluster.system_identifier, "77");
    return OK;
}

static enum outcome read_keys(struct database *db, struct error *err)
{
    char **keys = NULL;
    size_t count = 0;

    if (catalog_refetches(db, "people", 10, &keys, &count, err) == FAILED)
        return FAILED;
    assert_int_equal(count, 1);
    assert_string_equal(keys[0], "[\"1\"]");
    free(keys[0]);
    free(keys);
    return OK;
}

/* Each allocation in turn fails, until there is none that could. */
static void assert_all_or_nothing(struct database *db,
                                  enum outcome (*read)(struct database *db,
                                                       struct error *err))
{
    bool failed = true;

    for (long number = 0; failed; number++) {
        enum outcome outcome;
        struct error err;

        failing_memory_start(MEMORY_FAILS_ONCE, number);
        outcome = read(db, &err);
        failed = failing_memory_end();
        assert_true(outcome == OK || failed);
    }
}

static void what_is_read_is_whole_or_an_error_when_memory_runs_out(void **state)
{
    struct catalog_table table = table_at((char *)"people", (char *)"3:5:4", 100);
    struct catalog_copy copy = copy_of((char *)"people");
    struct catalog_cluster cluster = {.system_identifier = (char *)"77", .timeline = 1};

    MUST(catalog_put_tables(*state, &table, 1, &err));
    MUST(catalog_put_copy(*state, &copy, &err));
    MUST(catalog_put_cluster(*state, &cluster, &err));
    MUST(catalog_add_refetch(*state, "people", "[\"1\"]", &err));
    assert_all_or_nothing(*state, read_tables);
    assert_all_or_nothing(*state, read_copies);
    assert_all_or_nothing(*state, read_cluster);
    assert_all_or_nothing(*state, read_keys);
}

static void an_empty_catalog_has_no_tables(void **state)
{
    struct catalog_table *tables = NULL;
    struct catalog_copy *copies = NULL;
    size_t count = 7;

    MUST(catalog_tables(*state, &tables, &count, &err));
    assert_int_equal(count, 0);
    count = 7;
    MUST(catalog_copies(*state, &copies, &count, &err));
    assert_int_equal(count, 0);
    free(tables);
    free(copies);
}

static void many_tables_fit(void **state)
{
    struct catalog_table *tables = NULL;
    size_t count = 0;
    char name[16];

    for (int i = 0; i < 100; i++) {
        struct catalog_table table = table_at(name, (char *)"1:1:", i);

        snprintf(name, sizeof(name), "t%02d", i);
        MUST(catalog_put_tables(*state, &table, 1, &err));
    }
    MUST(catalog_tables(*state, &tables, &count, &err));
    assert_int_equal(count, 100);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tables[i].cursor.mark_us, i);
        catalog_table_release(&tables[i]);
    }
    free(tables);
}

static void a_table_put_again_moves_on(void **state)
{
    struct catalog_table table = table_at((char *)"people", (char *)"3:5:4", 100);

    MUST(catalog_put_tables(*state, &table, 1, &err));
    table = table_at((char *)"PEOPLE", (char *)"8:8:", 200);
    MUST(catalog_put_tables(*state, &table, 1, &err));
    assert_tables(*state, "people");
    assert_text_of(*state, "select exact || ' ' || mark_us from tide_table", "8:8: 200");
    MUST(catalog_remove_table(*state, "People", &err));
    assert_tables(*state, "");
    MUST(catalog_remove_table(*state, "People", &err));
}

static void a_copy_remembers_how_far_it_came(void **state)
{
    struct catalog_copy copy = copy_of((char *)"people");
    struct catalog_copy *copies = NULL;
    size_t count = 0;

    MUST(catalog_put_copy(*state, &copy, &err));
    copy.last_key = (char *)"[\"41\"]";
    copy.row_count = 41;
    copy.byte_count = 4100;
    copy.complete = true;
    MUST(catalog_put_copy(*state, &copy, &err));
    MUST(catalog_copies(*state, &copies, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(copies[0].copy_name, "tide_copy_people");
    assert_string_equal(copies[0].last_key, "[\"41\"]");
    assert_int_equal(copies[0].row_count, 41);
    assert_int_equal(copies[0].byte_count, 4100);
    assert_true(copies[0].complete);
    assert_string_equal(copies[0].cursor.exact, "7:9:8");
    assert_int_equal(copies[0].cursor.swept_us, 500);
    catalog_copy_release(&copies[0]);
    free(copies);
    MUST(catalog_remove_copy(*state, "people", &err));
    assert_int_equal(number_of(*state, "select count(*) from tide_copy"), 0);
}

static void a_copy_begins_without_a_key(void **state)
{
    struct catalog_copy copy = copy_of((char *)"people");
    struct catalog_copy *copies = NULL;
    size_t count = 0;

    MUST(catalog_put_copy(*state, &copy, &err));
    MUST(catalog_copies(*state, &copies, &count, &err));
    assert_null(copies[0].last_key);
    assert_false(copies[0].complete);
    catalog_copy_release(&copies[0]);
    free(copies);
}

static void there_is_one_cluster(void **state)
{
    struct catalog_cluster cluster = {0};
    struct error none = {0};

    assert_int_equal(catalog_cluster(*state, &cluster, &none), NOTHING);
    MUST(catalog_put_cluster(*state, &(struct catalog_cluster){(char *)"7001", 1, 800},
                             &err));
    MUST(catalog_put_cluster(*state, &(struct catalog_cluster){(char *)"7002", 3, 700},
                             &err));
    MUST(catalog_cluster(*state, &cluster, &err));
    assert_string_equal(cluster.system_identifier, "7002");
    assert_int_equal(cluster.timeline, 3);
    assert_int_equal(cluster.next_xid, 700);
    assert_int_equal(number_of(*state, "select count(*) from tide_cluster"), 1);
    catalog_cluster_release(&cluster);
}

static void the_highest_transaction_id_never_falls(void **state)
{
    MUST(catalog_put_cluster(*state, &(struct catalog_cluster){(char *)"7001", 1, 700},
                             &err));
    MUST(catalog_put_mark(*state, 1, 5000000000, &err));
    MUST(catalog_put_mark(*state, 2, 900, &err));
    assert_true(number_of(*state, "select next_xid from tide_cluster") == 5000000000);
}

static void forgotten_cursors_start_anew(void **state)
{
    struct catalog_table table = table_at((char *)"people", (char *)"3:5:4", 100);
    struct catalog_copy copy = copy_of((char *)"lines");

    MUST(catalog_put_tables(*state, &table, 1, &err));
    MUST(catalog_put_copy(*state, &copy, &err));
    MUST(catalog_forget_cursors(*state, &err));
    assert_text_of(*state, "select exact from tide_table", "");
    assert_text_of(*state, "select fingerprint from tide_table", "columns: id");
    assert_text_of(*state, "select fingerprint from tide_copy", "");
}

static size_t refetch_count(struct database *db, const char *table, size_t limit)
{
    char **keys = NULL;
    size_t count = 0;

    MUST(catalog_refetches(db, table, limit, &keys, &count, &err));
    for (size_t i = 0; i < count; i++)
        free(keys[i]);
    free(keys);
    return count;
}

static void keys_to_read_again_are_a_set_for_each_table(void **state)
{
    MUST(catalog_add_refetch(*state, "people", "[\"1\"]", &err));
    MUST(catalog_add_refetch(*state, "People", "[\"1\"]", &err));
    MUST(catalog_add_refetch(*state, "people", "[\"2\"]", &err));
    MUST(catalog_add_refetch(*state, "lines", "[\"1\"]", &err));
    assert_int_equal(refetch_count(*state, "people", 10), 2);
    assert_int_equal(refetch_count(*state, "people", 1), 1);
    assert_int_equal(refetch_count(*state, "PEOPLE", 2), 2);
    MUST(catalog_remove_refetch(*state, "people", "[\"1\"]", &err));
    MUST(catalog_remove_refetch(*state, "people", "[\"7\"]", &err));
    assert_int_equal(refetch_count(*state, "people", 10), 1);
    MUST(catalog_remove_refetches(*state, "people", &err));
    assert_int_equal(refetch_count(*state, "people", 10), 0);
    assert_int_equal(refetch_count(*state, "lines", 10), 1);
}

static void the_state_is_there_for_everybody(void **state)
{
    const char *shown = "select state || '|' || since || '|' || coalesce(reason, '-')"
                        " || '|' || coalesce(complete_up_to, '-') || '|' || tables"
                        " from tide_status";
    struct catalog_table table = table_at((char *)"people", (char *)"3:5:4", 100);

    MUST(catalog_put_tables(*state, &table, 1, &err));
    MUST(catalog_put_state(*state, "offline", 1000000, "no route", &err));
    assert_text_of(*state, shown, "offline|1970-01-01T00:00:01.000Z|no route|-|1");
    MUST(catalog_put_mark(*state, 2500000, 0, &err));
    MUST(catalog_put_state(*state, "live", 2000000, NULL, &err));
    assert_text_of(*state, shown,
                   "live|1970-01-01T00:00:02.000Z|-|1970-01-01T00:00:02.500Z|1");
}

static void the_gate_opens_and_closes(void **state)
{
    assert_int_equal(number_of(*state, "select open from tide_gate"), 0);
    MUST(catalog_open_gate(*state, &err));
    assert_int_equal(number_of(*state, "select open from tide_gate"), 1);
    MUST(catalog_close_gate(*state, &err));
    assert_int_equal(number_of(*state, "select open from tide_gate"), 0);
}

static void a_copied_cursor_is_its_own(void **state)
{
    char exact[] = "3:5:4";
    const struct catalog_cursor cursor = {.exact = exact, .mark_us = 1, .swept_us = 2};
    struct catalog_cursor copy = {0};

    (void)state;
    MUST(catalog_cursor_copy(&copy, &cursor, &err));
    exact[0] = '9';
    assert_string_equal(copy.exact, "3:5:4");
    assert_int_equal(copy.mark_us, 1);
    assert_int_equal(copy.swept_us, 2);
    catalog_cursor_release(&copy);
    catalog_cursor_release(&copy);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_in_memory_setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(tables_come_back_as_they_were_put),
        CASE(an_empty_catalog_has_no_tables),
        CASE(many_tables_fit),
        CASE(a_table_put_again_moves_on),
        CASE(a_copy_remembers_how_far_it_came),
        CASE(a_copy_begins_without_a_key),
        CASE(there_is_one_cluster),
        CASE(the_highest_transaction_id_never_falls),
        CASE(forgotten_cursors_start_anew),
        CASE(keys_to_read_again_are_a_set_for_each_table),
        CASE(the_state_is_there_for_everybody),
        CASE(the_gate_opens_and_closes),
        CASE(what_is_read_is_whole_or_an_error_when_memory_runs_out),
        cmocka_unit_test(a_copied_cursor_is_its_own),
    };

    failing_memory_install();
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
