#include "daemon/setting.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/model/table.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static int64_t duration_us(const char *text)
{
    int64_t us = -1;
    struct error err;

    return setting_parse_duration(text, &us, &err) == OK ? us : -1;
}

static void durations_have_units(void **state)
{
    (void)state;
    assert_int_equal(duration_us("250us"), 250);
    assert_int_equal(duration_us("500ms"), 500 * US_PER_MS);
    assert_int_equal(duration_us("10s"), 10 * US_PER_SECOND);
    assert_int_equal(duration_us("2min"), 120 * US_PER_SECOND);
    assert_int_equal(duration_us("2m"), 120 * US_PER_SECOND);
    assert_int_equal(duration_us("1h 30min"), 5400 * US_PER_SECOND);
    assert_int_equal(duration_us("1.5h"), 5400 * US_PER_SECOND);
    assert_int_equal(duration_us("30 d"), 30LL * 86400 * US_PER_SECOND);
    assert_int_equal(duration_us("0"), 0);
}

static void what_is_no_duration_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "7",
                                        "s",
                                        "10 parsec",
                                        "-1s",
                                        "1.s",
                                        "1e3s",
                                        "0x10s",
                                        "10s,",
                                        "10s 5",
                                        "inf",
                                        "99999d99999d",
                                        "99999999999999999d"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(duration_us(wrong[i]), -1);
}

static enum outcome parse(enum setting_id id, const char *text,
                          struct setting_value *out_value, struct error *err)
{
    *out_value = (struct setting_value){0};
    return setting_parse(&setting_table[id], text, "/home/ana", out_value, err);
}

static void every_default_is_a_valid_value(void **state)
{
    (void)state;
    for (size_t id = 0; id < SETTING_COUNT; id++) {
        OWNED(setting_value_release) struct setting_value value = {0};
        const char *text = setting_table[id].fallback;
        struct error err;

        if (text)
            assert_int_equal(parse((enum setting_id)id, text, &value, &err), OK);
    }
}

static void every_setting_has_a_name_and_a_help(void **state)
{
    (void)state;
    for (size_t id = 0; id < SETTING_COUNT; id++) {
        assert_ptr_equal(setting_find(setting_table[id].section, setting_table[id].key),
                         &setting_table[id]);
        assert_non_null(setting_table[id].help);
    }
    for (size_t id = 0; id < TABLE_SETTING_COUNT; id++)
        assert_ptr_equal(table_setting_find(table_setting_table[id].key),
                         &table_setting_table[id]);
}

static void booleans_have_several_spellings(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(PRIMARY_ALLOW_INSECURE_TLS, "On", &value, &err), OK);
    assert_true(value.flag);
    assert_int_equal(parse(PRIMARY_ALLOW_INSECURE_TLS, "0", &value, &err), OK);
    assert_false(value.flag);
    assert_int_equal(parse(PRIMARY_ALLOW_INSECURE_TLS, "maybe", &value, &err), FAILED);
    assert_string_equal(err.message, "'maybe' is neither yes nor no");
}

static void numbers_have_digits_and_bounds(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(SYNC_PUSH_BATCH, "500", &value, &err), OK);
    assert_int_equal(value.number, 500);
    assert_int_equal(parse(SYNC_PUSH_BATCH, "0", &value, &err), FAILED);
    assert_string_equal(err.message, "'0' is too small: at least 1");
    assert_int_equal(parse(SYNC_PUSH_BATCH, "1e3", &value, &err), FAILED);
    assert_int_equal(parse(SYNC_PUSH_BATCH, "99999999999999999999", &value, &err),
                     FAILED);
}

static void a_choice_is_one_of_its_words(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(SYNC_CONFLICT, "Manual", &value, &err), OK);
    assert_int_equal(value.choice, CONFLICT_MANUAL);
    assert_int_equal(parse(SYNC_CONFLICT, "mine", &value, &err), FAILED);
    assert_string_equal(err.message, "'mine' is none of last_write_wins, server_wins, "
                                     "client_wins or manual");
}

static void lists_are_cut_at_commas_outside_quotes(void **state)
{
    OWNED(setting_value_release) struct setting_value value = {0};
    struct error err;

    (void)state;
    assert_int_equal(
        parse(SYNC_TABLES, "orders , Odd name,!\"a, \"\"b\"\" \"", &value, &err), OK);
    assert_string_equal(value.list[0], "orders");
    assert_string_equal(value.list[1], "Odd name");
    assert_string_equal(value.list[2], "!a, \"b\" ");
    assert_null(value.list[3]);
}

static void a_gap_in_a_list_is_refused(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(SYNC_TABLES, "a,,b", &value, &err), FAILED);
    assert_int_equal(parse(SYNC_TABLES, ",a", &value, &err), FAILED);
}

static void modes_are_octal_and_let_the_owner_in(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(CACHE_MODE, "0640", &value, &err), OK);
    assert_int_equal(value.mode, 0640);
    assert_int_equal(parse(CACHE_MODE, "0680", &value, &err), FAILED);
    assert_int_equal(parse(CACHE_MODE, "1777", &value, &err), FAILED);
    assert_int_equal(parse(CACHE_MODE, "0060", &value, &err), FAILED);
    assert_int_equal(parse(CACHE_MODE, "6", &value, &err), FAILED);
}

static void a_tilde_is_the_home_folder(void **state)
{
    OWNED(setting_value_release) struct setting_value value = {0};
    struct error err;

    (void)state;
    assert_int_equal(parse(CACHE_PATH, "~/app.db", &value, &err), OK);
    assert_string_equal(value.text, "/home/ana/app.db");
}

static void limits_are_named(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(SYNC_POLL_INTERVAL, "1ms", &value, &err), FAILED);
    assert_string_equal(err.message, "'1ms' is too short: at least 0.01 s");
    assert_int_equal(parse(PRIMARY_CONNECT_TIMEOUT, "1h", &value, &err), FAILED);
    assert_string_equal(err.message, "'1h' is too long: at most 600 s");
}

static void only_some_values_may_be_empty(void **state)
{
    struct setting_value value;
    struct error err;

    (void)state;
    assert_int_equal(parse(PRIMARY_ROLE, "", &value, &err), OK);
    assert_null(value.text);
    assert_int_equal(parse(CACHE_PATH, "", &value, &err), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(every_default_is_a_valid_value),
        cmocka_unit_test(every_setting_has_a_name_and_a_help),
        cmocka_unit_test(booleans_have_several_spellings),
        cmocka_unit_test(numbers_have_digits_and_bounds),
        cmocka_unit_test(a_choice_is_one_of_its_words),
        cmocka_unit_test(lists_are_cut_at_commas_outside_quotes),
        cmocka_unit_test(a_gap_in_a_list_is_refused),
        cmocka_unit_test(modes_are_octal_and_let_the_owner_in),
        cmocka_unit_test(a_tilde_is_the_home_folder),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(only_some_values_may_be_empty),
    };

    return cmocka_run_group_tests_name("setting", tests, NULL, NULL);
}
