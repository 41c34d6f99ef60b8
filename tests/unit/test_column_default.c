#include "daemon/primary/column_default.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

static const char present_moment[] = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')";

struct example {
    enum column_codec codec;
    const char *type_name;
    const char *expression; /* as pg_get_expr() prints it */
    const char *expected;   /* NULL: no default */
};

static void check(const struct example *example)
{
    OWNED(buffer_release) struct buffer sql = {0};
    struct table_column column = {.codec = example->codec,
                                  .type_name = (char *)(uintptr_t)example->type_name};

    column_default_translate(&sql, &column, example->expression);
    if (!example->expected && sql.length)
        fail_msg("%s became %s", example->expression, sql.data);
    if (example->expected && !sql.length)
        fail_msg("%s was not understood", example->expression);
    if (example->expected)
        assert_string_equal(sql.data, example->expected);
}

#define CHECK_ALL(examples)                                                              \
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)                  \
    check(&(examples)[i])

static void numbers(void **state)
{
    static const struct example examples[] = {
        {CODEC_INTEGER, "integer", "0", "0"},
        {CODEC_INTEGER, "integer", "'-5'::integer", "-5"},
        {CODEC_INTEGER, "integer", "(-5)", "-5"},
        {CODEC_BIGINT, "bigint", "'9007199254740993'::bigint", "9007199254740993"},
        {CODEC_INTEGER, "integer", "1.5", NULL},
        {CODEC_INTEGER, "integer", "nextval('t_id_seq'::regclass)", NULL},
        {CODEC_INTEGER, "integer", "(1 + 2)", NULL},
        {CODEC_DOUBLE, "double precision", "'-0.5'::numeric", "-0.5"},
        {CODEC_DOUBLE, "double precision", "'NaN'::double precision", NULL},
        {CODEC_NUMERIC_SHORT, "numeric(12,4)", "(5)::numeric", "5"},
        {CODEC_NUMERIC_SHORT, "numeric(12,4)", "random()", NULL},
    };

    (void)state;
    CHECK_ALL(examples);
}

static void exact_numbers_have_all_digits_of_their_scale(void **state)
{
    static const struct example examples[] = {
        {CODEC_NUMERIC, "numeric(20,2)", "0", "'0.00'"},
        {CODEC_NUMERIC, "numeric(20,2)", "1.5", "'1.50'"},
        {CODEC_NUMERIC, "numeric(20,2)", "1.555", NULL},
        {CODEC_NUMERIC, "numeric(20,0)", "7", "'7'"},
        {CODEC_NUMERIC, "numeric", "1.50", "'1.50'"},
    };

    (void)state;
    CHECK_ALL(examples);
}

static void texts(void **state)
{
    static const struct example examples[] = {
        {CODEC_TEXT, "text", "'it''s'::text", "'it''s'"},
        {CODEC_TEXT, "character varying(10)", "'web'::character varying", "'web'"},
        {CODEC_TEXT, "text", "''::text", "''"},
        {CODEC_TEXT, "text", "('a'::text || 'b'::text)", NULL},
        {CODEC_TEXT, "text", "'a'::text || 'b'::text", NULL},
        {CODEC_TEXT, "text", "CURRENT_USER", NULL},
        {CODEC_TEXT, "text", "NULL::text", NULL},
        {CODEC_TEXT, "text", "'unterminated", NULL},
        {CODEC_PADDED_TEXT, "character(5)", "'ab'::bpchar", "'ab'"},
        {CODEC_JSONB, "jsonb", "'{\"a\": 1}'::jsonb", "'{\"a\": 1}'"},
        {CODEC_ARRAY_OF_TEXT, "text[]", "'{}'::text[]", "'[]'"},
        {CODEC_ARRAY_OF_TEXT, "text[]", "ARRAY[]::text[]", "'[]'"},
        {CODEC_ARRAY_OF_TEXT, "text[]", "'{a}'::text[]", NULL},
        {CODEC_BYTEA, "bytea", "'\\xdead'::bytea", "x'dead'"},
        {CODEC_BYTEA, "bytea", "'\\xd'::bytea", NULL},
        {CODEC_BOOLEAN, "boolean", "true", "1"},
        {CODEC_BOOLEAN, "boolean", "false", "0"},
        {CODEC_BOOLEAN, "boolean", "(1 = 1)", NULL},
        {CODEC_SERVER_TEXT, "date", "CURRENT_DATE", NULL},
    };

    (void)state;
    CHECK_ALL(examples);
}

static void moments_and_identifiers(void **state)
{
    static const struct example examples[] = {
        {CODEC_TIMESTAMPTZ, "timestamp with time zone", "now()", present_moment},
        {CODEC_TIMESTAMPTZ, "timestamp with time zone", "CURRENT_TIMESTAMP",
         present_moment},
        {CODEC_TIMESTAMPTZ, "timestamp with time zone", "timezone('utc'::text, now())",
         present_moment},
        {CODEC_TIMESTAMPTZ, "timestamp with time zone", "(now() + '1 day'::interval)",
         NULL},
        {CODEC_UUID, "uuid", "gen_random_uuid()", column_default_random_uuid},
        {CODEC_UUID, "uuid", "extensions.uuid_generate_v4()", column_default_random_uuid},
        {CODEC_UUID, "uuid", "uuid_generate_v1()", NULL},
        {CODEC_UUID, "uuid", "'00000000-0000-0000-0000-00000000000a'::uuid",
         "'00000000-0000-0000-0000-00000000000a'"},
    };

    (void)state;
    CHECK_ALL(examples);
}

static void an_enum_default_is_one_of_its_labels(void **state)
{
    OWNED(buffer_release) struct buffer known = {0};
    OWNED(buffer_release) struct buffer unknown = {0};
    OWNED(table_release) struct table table = table_named("t");
    struct table_column *column = table_with_column(&table, "mood", CODEC_TEXT);

    (void)state;
    column_with_labels(column, NAMES("sad", "ok"));
    column_default_translate(&known, column, "'ok'::mood");
    column_default_translate(&unknown, column, "'glad'::mood");
    assert_string_equal(known.data, "'ok'");
    assert_int_equal(unknown.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(exact_numbers_have_all_digits_of_their_scale),
        cmocka_unit_test(texts),
        cmocka_unit_test(moments_and_identifiers),
        cmocka_unit_test(an_enum_default_is_one_of_its_labels),
    };

    return cmocka_run_group_tests_name("column_default", tests, NULL, NULL);
}
