#include "daemon/migrate/schema_alteration.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static struct schema_object type_of(enum schema_kind kind, const char *definition)
{
    return (struct schema_object){
        .kind = kind, .identity = "public.t", .definition = definition};
}

static void assert_alters(enum schema_kind kind, const char *from, const char *to,
                          const char *expected)
{
    OWNED(buffer_release) struct buffer script = {0};
    const struct schema_compare_config config = {0};
    const struct schema_object before = type_of(kind, from);
    const struct schema_object after = type_of(kind, to);

    schema_alteration_append(&script, &before, &after, &config);
    assert_string_equal(script.data ? script.data : "", expected);
}

static bool only_adds(const char *from, const char *to)
{
    const struct schema_object before = type_of(SCHEMA_ENUM, from);
    const struct schema_object after = type_of(SCHEMA_ENUM, to);

    return schema_alteration_only_adds_values(&before, &after);
}

static void values_that_only_come_are_told_from_others(void **state)
{
    (void)state;
    assert_true(only_adds("'a', 'c'", "'a', 'b', 'c'"));
    assert_true(only_adds("", "'a'"));
    assert_true(only_adds("'it''s', E'o\\\\d'", "'x', 'it''s', E'o\\\\d'"));
    assert_false(only_adds("'a', 'b'", "'b', 'a'"));
    assert_false(only_adds("'a', 'b'", "'a'"));
    assert_false(only_adds("'it''s'", "'it'"));
}

static void values_are_added_in_their_place(void **state)
{
    (void)state;
    assert_alters(SCHEMA_ENUM, "'b'", "'a', 'b', 'c, d', 'e''f'",
                  "alter type public.t add value 'a' before 'b';\n"
                  "alter type public.t add value 'c, d' after 'b';\n"
                  "alter type public.t add value 'e''f' after 'c, d'");
    assert_alters(SCHEMA_ENUM, "", "'a'", "alter type public.t add value 'a'");
}

static void attributes_are_dropped_and_added_until_the_order_is_right(void **state)
{
    (void)state;
    assert_alters(SCHEMA_COMPOSITE, "a integer\n\"B b\" numeric(10,2)", "a integer",
                  "alter type public.t drop attribute \"B b\"");
    assert_alters(SCHEMA_COMPOSITE, "a integer\nb text", "b text\na integer",
                  "alter type public.t drop attribute a;\n"
                  "alter type public.t add attribute a integer");
    assert_alters(SCHEMA_COMPOSITE, "a integer", "a text",
                  "alter type public.t drop attribute a;\n"
                  "alter type public.t add attribute a text");
}

static bool never(void *context, const char *from_type, const char *to_type)
{
    (void)context;
    (void)from_type;
    (void)to_type;
    return false;
}

static void assert_retypes(const char *from, const char *to, bool castable,
                           const char *expected)
{
    OWNED(buffer_release) struct buffer script = {0};
    const struct schema_compare_config config = {.can_cast = castable ? NULL : never};
    struct schema_object before = type_of(SCHEMA_COLUMN, from);
    struct schema_object after = type_of(SCHEMA_COLUMN, to);

    before.type = from;
    after.type = to;
    after.alter = "alter … using c";
    schema_alteration_append(&script, &before, &after, &config);
    assert_string_equal(script.data, expected);
}

static void a_value_goes_through_text_where_there_is_no_cast(void **state)
{
    (void)state;
    assert_retypes("integer", "bigint", true, "alter … using c::bigint");
    assert_retypes("integer", "date", false, "alter … using c::text::date");
    /* the same name is another type: the old one was set aside */
    assert_retypes("public.mood", "public.mood", true,
                   "alter … using c::text::public.mood");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_only_come_are_told_from_others),
        cmocka_unit_test(values_are_added_in_their_place),
        cmocka_unit_test(attributes_are_dropped_and_added_until_the_order_is_right),
        cmocka_unit_test(a_value_goes_through_text_where_there_is_no_cast),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
