/* What is said to the primary when rows are brought to it; that it works is tested
 * against a real one (test_push.py, test_push_types.py). */
#include "lib/store/mirror_sql.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <string.h>

typedef void (*builder)(struct buffer *sql, const struct mirror_push *push);

static void assert_says(builder build, const struct mirror_push *push, const char *part)
{
    OWNED(buffer_release) struct buffer sql = {0};

    build(&sql, push);
    assert_false(sql.failed);
    if (!strstr(sql.data, part))
        fail_msg("'%s' is not in: %s", part, sql.data);
}

static void assert_says_not(builder build, const struct mirror_push *push,
                            const char *part)
{
    OWNED(buffer_release) struct buffer sql = {0};

    build(&sql, push);
    assert_false(sql.failed);
    if (strstr(sql.data, part))
        fail_msg("'%s' is in: %s", part, sql.data);
}

enum { ID, NOTE, TOTAL, TWICE, CHANGED };

static int setup(void **state)
{
    static struct table table;

    table = table_named("item");
    column_with_type(table_with_column(&table, "id", CODEC_INTEGER), "integer");
    column_with_type(table_with_column(&table, "no\"te", CODEC_TEXT),
                     "character varying(3)");
    column_with_type(table_with_column(&table, "total", CODEC_NUMERIC_SHORT),
                     "numeric(12,4)");
    table_with_column(&table, "twice", CODEC_TEXT)->generated = true;
    column_with_type(table_with_column(&table, "updated_at", CODEC_TIMESTAMPTZ),
                     "timestamp with time zone");
    table.updated_at = CHANGED;
    table.deleted_at = TABLE_NO_COLUMN;
    table_with_key(&table, NAMES("id"));
    *state = &table;
    return 0;
}

static int teardown(void **state)
{
    table_release(*state);
    return 0;
}

static struct mirror_push inserting(const struct table *table)
{
    static const size_t columns[] = {ID, NOTE, TOTAL, CHANGED};

    return (struct mirror_push){table, columns, 4, .locals = true};
}

static struct mirror_push updating(const struct table *table)
{
    static const size_t columns[] = {NOTE, TOTAL};

    return (struct mirror_push){table, columns, 2, .locals = true, .bases = true};
}

static struct mirror_push deleting(const struct table *table)
{
    static const size_t columns[] = {ID, NOTE, TOTAL, TWICE, CHANGED};

    return (struct mirror_push){table, columns, 5, .bases = true};
}

static void an_insert_leaves_what_is_there(void **state)
{
    struct mirror_push push = inserting(*state);

    assert_says(mirror_sql_push_insert, &push, " ON CONFLICT (\"id\") DO NOTHING");
    assert_says(mirror_sql_push_insert, &push, " OVERRIDING SYSTEM VALUE ");
}

static void an_insert_takes_the_time_of_the_primary(void **state)
{
    struct mirror_push push = inserting(*state);

    assert_says(mirror_sql_push_insert, &push,
                "(\"id\", \"no\"\"te\", \"total\", \"updated_at\") OVERRIDING SYSTEM "
                "VALUE SELECT source.v1, source.v2, source.v3, now() FROM source");
}

static void a_deferrable_key_is_no_arbiter(void **state)
{
    struct table *table = *state;
    struct mirror_push push = inserting(table);

    table->deferrable_key = true;
    assert_says_not(mirror_sql_push_insert, &push, "ON CONFLICT");
    assert_says(mirror_sql_push_insert, &push, " WHERE NOT EXISTS (SELECT FROM ONLY ");
}

static void values_are_cast_without_what_would_cut_them(void **state)
{
    struct mirror_push push = updating(*state);

    assert_says(mirror_sql_push_update, &push, "raw.v1::character varying AS v1");
    assert_says(mirror_sql_push_update, &push, "raw.b2::numeric AS b2");
}

static void a_length_that_is_left_out_does_not_become_one(void **state)
{
    struct table *table = *state;
    struct mirror_push push = updating(table);

    column_with_type(&table->columns[NOTE], "character(5)");
    assert_says(mirror_sql_push_update, &push, "raw.v1::pg_catalog.bpchar AS v1");
    column_with_type(&table->columns[NOTE], "bit(4)");
    assert_says(mirror_sql_push_update, &push, "raw.v1::pg_catalog.\"bit\" AS v1");
    column_with_type(&table->columns[NOTE], "bit varying(4)");
    assert_says(mirror_sql_push_update, &push, "raw.v1::bit varying AS v1");
    column_with_type(&table->columns[NOTE], "character(5)[]");
    assert_says(mirror_sql_push_update, &push, "raw.v1::pg_catalog.bpchar[] AS v1");
}

static void a_modifier_is_not_looked_for_in_a_name(void **state)
{
    struct table *table = *state;
    struct mirror_push push = updating(table);

    column_with_type(&table->columns[NOTE], "public.\"we(i)rd\"(3)");
    assert_says(mirror_sql_push_update, &push, "raw.v1::public.\"we(i)rd\" AS v1");
    column_with_type(&table->columns[NOTE], "timestamp(3) with time zone");
    assert_says(mirror_sql_push_update, &push, "raw.v1::timestamp with time zone AS v1");
}

static void an_update_compares_what_it_sets(void **state)
{
    struct mirror_push push = updating(*state);

    assert_says(mirror_sql_push_update, &push,
                " SET \"no\"\"te\" = source.v1, \"total\" = source.v2, \"updated_at\" = "
                "now() FROM source WHERE target.\"id\"::integer = source.k1 AND ");
    assert_says(mirror_sql_push_update, &push,
                "(target.\"total\"::numeric) IS NOT DISTINCT FROM "
                "(source.b2::numeric(12,4)::numeric)");
}

static void an_update_goes_through_the_index_in_order(void **state)
{
    struct table *table = *state;
    struct mirror_push push = updating(table);

    assert_says(mirror_sql_push_update, &push,
                "AS raw(o, k1, v1, v2, b1, b2) ORDER BY k1)");
    table->columns[ID].codec = CODEC_TEXT;
    assert_says_not(mirror_sql_push_update, &push, "ORDER BY");
    table->columns[ID].codec = CODEC_INTEGER;
    table_with_index(table, "by_total", true, NAMES("twice", "total"));
    assert_says_not(mirror_sql_push_update, &push, "ORDER BY");
}

static void text_is_compared_letter_by_letter(void **state)
{
    struct mirror_push push = updating(*state);

    assert_says(mirror_sql_push_update, &push,
                "(target.\"no\"\"te\"::text COLLATE \"C\") IS NOT DISTINCT FROM "
                "(source.b1::text COLLATE \"C\")");
}

static void types_without_equality_are_compared_as_they_print(void **state)
{
    struct table *table = *state;
    struct mirror_push push = updating(table);

    table->columns[NOTE].codec = CODEC_JSON;
    column_with_type(&table->columns[NOTE], "json");
    assert_says(mirror_sql_push_update, &push,
                "(target.\"no\"\"te\"::json::text COLLATE \"C\") IS NOT DISTINCT FROM");
    table->columns[NOTE].codec = CODEC_SERVER_TEXT;
    column_with_type(&table->columns[NOTE], "point");
    assert_says(mirror_sql_push_update, &push, "concat(source.b1) end)");
}

static void an_update_without_bases_compares_nothing(void **state)
{
    struct mirror_push push = updating(*state);

    push.bases = false;
    assert_says_not(mirror_sql_push_update, &push, "DISTINCT");
    assert_int_equal(mirror_sql_push_parameters(&push), 4);
}

static void a_touch_sets_the_time_alone(void **state)
{
    struct table *table = *state;
    struct mirror_push push = {.table = table, .locals = true, .bases = true};

    assert_says(mirror_sql_push_update, &push, " SET \"updated_at\" = now() FROM ");
    assert_false(mirror_sql_push_updates_nothing(&push));
    table->updated_at = TABLE_NO_COLUMN;
    assert_true(mirror_sql_push_updates_nothing(&push));
}

static void a_delete_compares_all_but_what_the_primary_makes(void **state)
{
    struct mirror_push push = deleting(*state);

    assert_says(mirror_sql_push_delete, &push, "DELETE FROM ONLY \"public\".\"item\" AS");
    assert_says(mirror_sql_push_delete, &push, "source.b3::numeric(12,4)");
    assert_says_not(mirror_sql_push_delete, &push, "target.\"twice\"");
    assert_says_not(mirror_sql_push_delete, &push, "target.\"updated_at\"");
}

static void a_partitioned_table_is_taken_whole(void **state)
{
    struct table *table = *state;
    struct mirror_push push = updating(table);

    assert_says(mirror_sql_push_update, &push, "UPDATE ONLY \"public\".\"item\"");
    table->partitioned = true;
    assert_says_not(mirror_sql_push_update, &push, "ONLY");
}

static void arrays_are_json_or_the_primarys_own(void **state)
{
    struct table *table = *state;
    struct mirror_push push = updating(table);

    table->columns[NOTE].codec = CODEC_ARRAY_OF_TEXT;
    column_with_type(&table->columns[NOTE], "character varying(3)[]");
    assert_says(mirror_sql_push_update, &push,
                " ORDER BY position)::character varying[] ELSE raw.v1::character "
                "varying[] END AS v1");
}

static void a_look_says_of_each_column_what_it_holds(void **state)
{
    struct mirror_push push = updating(*state);

    assert_says(mirror_sql_push_look, &push, "SELECT source.o, array_to_string(ARRAY[((");
    assert_says(mirror_sql_push_look, &push, "]::int[], ''), CASE WHEN isfinite(");
    assert_says(mirror_sql_push_look, &push, " FOR UPDATE OF target");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_insert_leaves_what_is_there),
        TEST(an_insert_takes_the_time_of_the_primary),
        TEST(a_deferrable_key_is_no_arbiter),
        TEST(values_are_cast_without_what_would_cut_them),
        TEST(a_length_that_is_left_out_does_not_become_one),
        TEST(a_modifier_is_not_looked_for_in_a_name),
        TEST(an_update_compares_what_it_sets),
        TEST(an_update_goes_through_the_index_in_order),
        TEST(text_is_compared_letter_by_letter),
        TEST(types_without_equality_are_compared_as_they_print),
        TEST(an_update_without_bases_compares_nothing),
        TEST(a_touch_sets_the_time_alone),
        TEST(a_delete_compares_all_but_what_the_primary_makes),
        TEST(a_partitioned_table_is_taken_whole),
        TEST(arrays_are_json_or_the_primarys_own),
        TEST(a_look_says_of_each_column_what_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
