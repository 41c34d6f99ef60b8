#include "lib/base/json_writer.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static json_t *parsed(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(json);
    return json;
}

static void assert_real(double real, const char *expected)
{
    OWNED(json_decrefp) json_t *json = json_real(real);
    OWNED(text_free) char *text = json_writer_text(json, JSON_FORM_COMPACT);

    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void a_real_has_as_few_digits_as_it_can(void **state)
{
    (void)state;
    assert_real(0.1, "0.1");
    assert_real(9.99, "9.99");
    assert_real(0.073, "0.073");
    assert_real(-1.5e-7, "-1.5e-7");
    assert_real(100.0, "100.0");
    assert_real(-0.0, "-0.0");
    assert_real(1e300, "1e300");
    assert_real(9876543210123.45, "9876543210123.45");
    assert_real(DBL_TRUE_MIN, "5e-324");
}

static void a_real_has_as_many_digits_as_it_needs(void **state)
{
    (void)state;
    assert_real(0.1 + 0.2, "0.30000000000000004");
    assert_real(1234567.890123456, "1234567.890123456");
    assert_real(123456789.01234567, "123456789.01234567");
    assert_real(1.0 / 3.0, "0.3333333333333333");
    assert_real(DBL_MAX, "1.7976931348623157e308");
    assert_real(9007199254740993.0, "9007199254740992.0");
}

/* xorshift64*: the same numbers in every run. */
static uint64_t next_bits(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

static void any_real_reads_back_as_itself(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        OWNED(json_decrefp) json_t *json = NULL;
        OWNED(json_decrefp) json_t *again = NULL;
        OWNED(text_free) char *text = NULL;
        uint64_t bits = next_bits(&seed);
        double real;

        memcpy(&real, &bits, sizeof(real));
        if (!isfinite(real))
            continue;
        json = json_real(real);
        text = json_writer_text(json, JSON_FORM_COMPACT);
        again = parsed(text);
        assert_memory_equal(&real, &(double){json_real_value(again)}, sizeof(real));
    }
}

static const char everything[] = "{\"a\": [], \"b\": {}, \"c\": [1, -2.5, "
                                 "\"x\\n\\\"\\u0001\xc3\xa4/\", true, false, null],"
                                 " \"\\\"name\\\\\": {\"deep\": [[{\"er\": [{}, [], "
                                 "0]}]]}, \"9\": 9223372036854775807}";

static void the_rest_is_as_jansson_writes_it(void **state)
{
    OWNED(json_decrefp) json_t *json = parsed(everything);
    OWNED(text_free) char *compact = json_dumps(json, JSON_COMPACT);
    OWNED(text_free) char *indented = json_dumps(json, JSON_INDENT(2));
    OWNED(text_free) char *our_compact = json_writer_text(json, JSON_FORM_COMPACT);
    OWNED(text_free) char *our_indented = json_writer_text(json, JSON_FORM_INDENTED);

    (void)state;
    assert_string_equal(our_compact, compact);
    assert_string_equal(our_indented, indented);
}

static void it_appends(void **state)
{
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(json_decrefp) json_t *json = parsed("[1]");

    (void)state;
    buffer_append_text(&text, "so: ");
    json_writer_append(&text, json, JSON_FORM_COMPACT);
    assert_string_equal(text.data, "so: [1]");
}

static json_t *nested(int depth)
{
    json_t *json = json_array();

    while (--depth > 0)
        json = depth % 2 ? json_pack("[o]", json) : json_pack("{s:o}", "in", json);
    return json;
}

static void it_goes_as_deep_as_can_be_read_back(void **state)
{
    OWNED(json_decrefp) json_t *deepest = nested(2048);
    OWNED(json_decrefp) json_t *too_deep = nested(2049);
    OWNED(text_free) char *text = json_writer_text(deepest, JSON_FORM_COMPACT);
    OWNED(json_decrefp) json_t *again = NULL;

    (void)state;
    assert_non_null(text);
    again = parsed(text);
    assert_true(json_equal(again, deepest));
    assert_null(json_writer_text(too_deep, JSON_FORM_COMPACT));
}

static void what_contains_itself_is_no_json(void **state)
{
    json_t *first = json_array();
    json_t *second = json_object();

    (void)state;
    json_array_append_new(first, second);
    json_object_set(second, "first", first);
    assert_null(json_writer_text(first, JSON_FORM_COMPACT));
    json_array_clear(first);
    json_decref(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_has_as_few_digits_as_it_can),
        cmocka_unit_test(a_real_has_as_many_digits_as_it_needs),
        cmocka_unit_test(any_real_reads_back_as_itself),
        cmocka_unit_test(the_rest_is_as_jansson_writes_it),
        cmocka_unit_test(it_appends),
        cmocka_unit_test(it_goes_as_deep_as_can_be_read_back),
        cmocka_unit_test(what_contains_itself_is_no_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
