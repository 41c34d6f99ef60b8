#include "lib/store/row_story.h"

#include "lib/base/cleanup.h"
#include "lib/store/change_report.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>

static int setup(void **state)
{
    cache_in_memory_setup(state);
    run_sql(*state,
            "insert into tide_table (name, schema_name, fingerprint, tracked, exact, "
            "mark_us, swept_us, basis) values ('line', 'public', 'table 1 \"public\" "
            "\"line\"\ncolumn \"order_id\" \"text\" text not null\n"
            "column \"number\" \"integer\" integer not null\n"
            "column \"note\" \"text\" text\nkey \"order_id\" \"number\"\n"
            "updated_at -\ndeleted_at -\n', 1, '', 1000000, 0, '');"
            "create table line (order_id text, number integer, note text, primary key "
            "(order_id, number));"
            "insert into line values ('o1', 2, 'new');"
            "insert into tide_outbox (table_id, row_key, op, base, changed_at) values "
            "(1, '[\"o1\",\"2\"]', 'update', '{\"note\":\"''old''\"}', 2461367.0),"
            "(1, '[\"o1\",\"3\"]', 'insert', null, 2461367.5);");
    return 0;
}

static void assert_document(json_t *document, const char *expected)
{
    OWNED(text_free) char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);

    json_decref(document);
    assert_string_equal(text, expected);
}

static void a_row_tells_what_is_pending_for_it(void **state)
{
    json_t *document = NULL;
    struct error err;

    assert_int_equal(row_story(*state, "LINE", "[\"o1\", \"2\"]", &document, &err), OK);
    assert_document(
        document,
        "{\"complete_up_to\":\"1970-01-01T00:00:01.000Z\",\"conflicts\":[],\"key\":["
        "\"o1\",\"2\"],\"kind\":\"explain\",\"pending\":[{\"changed_at\":\"2026-11-22T12:"
        "00:00.000Z\",\"columns\":{\"note\":\"'old'\"},\"operation\":\"update\"}],"
        "\"refetch\":false,\"rejected\":[],\"row\":{\"note\":\"new\",\"number\":2,"
        "\"order_id\":\"o1\"},\"table\":\"line\",\"v\":1}");
}

static void a_key_of_several_columns_wants_json(void **state)
{
    json_t *document = NULL;
    struct error err;

    assert_int_equal(row_story(*state, "line", "o1", &document, &err), FAILED);
    assert_string_equal(err.message, "the key of line has 2 columns");
}

static void an_unknown_table_is_named(void **state)
{
    json_t *document = NULL;
    struct error err;

    assert_int_equal(row_story(*state, "lines", "o1", &document, &err), FAILED);
    assert_string_equal(err.message, "lines is not a mirrored table");
}

static void the_outbox_is_folded_by_row(void **state)
{
    json_t *document = NULL;
    struct error err;

    run_sql(*state, "delete from line where number = 2");
    run_sql(*state,
            "insert into tide_outbox (table_id, row_key, op, base, changed_at) "
            "values (1, '[\"o1\",\"3\"]', 'delete', '{}', 2461368.0),"
            "(1, '[\"o1\",\"2\"]', 'delete', '{\"note\":\"''new''\"}', 2461368.0)");
    assert_int_equal(change_report_outbox(*state, &document, &err), OK);
    json_object_del(json_array_get(json_object_get(document, "changes"), 0),
                    "last_changed_at");
    assert_document(
        document,
        "{\"changes\":[{\"columns\":[\"note\"],\"entries\":2,\"first_changed_at\":\"2026-"
        "11-22T12:00:00.000Z\",\"key\":[\"o1\",\"2\"],\"operation\":\"delete\",\"table\":"
        "\"line\"},{\"columns\":[],\"entries\":2,\"first_changed_at\":\"2026-11-23T00:00:"
        "00.000Z\",\"key\":[\"o1\",\"3\"],\"last_changed_at\":\"2026-11-23T12:00:00."
        "000Z\","
        "\"operation\":\"nothing\",\"table\":\"line\"}],\"count\":2,\"entries\":4,"
        "\"kind\":\"outbox\",\"oldest\":\"2026-11-22T12:00:00.000Z\",\"v\":1}");
}

#define TEST(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, setup, cache_in_memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_tells_what_is_pending_for_it),
        TEST(a_key_of_several_columns_wants_json),
        TEST(an_unknown_table_is_named),
        TEST(the_outbox_is_folded_by_row),
    };

    return cmocka_run_group_tests_name("row_story", tests, NULL, NULL);
}
