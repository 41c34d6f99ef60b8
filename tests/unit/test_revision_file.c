#include "tests/support/cmocka_all.h"

#include "daemon/migrate/revision_file.h"

#include <string.h>

static void expect_description(const char *message, const char *expected)
{
    char text[REVISION_DESCRIPTION_SIZE];
    struct error err = {0};

    assert_int_equal(revision_description(message, text, &err), expected ? OK : FAILED);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_int_equal(err.kind, ERROR_INVALID);
}

static void messages_become_snake_case(void **state)
{
    (void)state;
    expect_description("add user preferences table", "add_user_preferences_table");
    expect_description("  Add: user-preferences (v2)!  ", "add_user_preferences_v2");
    expect_description("naïve", "na_ve");
    expect_description("a", "a");
    expect_description("?!", NULL);
    expect_description("", NULL);
    expect_description("ü", NULL);
}

static void long_messages_are_cut_at_the_end_of_a_word(void **state)
{
    char text[REVISION_DESCRIPTION_SIZE];
    char word[200];
    struct error err;

    (void)state;
    expect_description(
        "one two three four five six seven eight nine ten eleven twelve thirteen",
        "one_two_three_four_five_six_seven_eight_nine_ten_eleven_twelve");
    memset(word, 'x', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    assert_int_equal(revision_description(word, text, &err), OK);
    assert_int_equal(strlen(text), REVISION_DESCRIPTION_SIZE - 2);
}

static void expect_next(const char *newest, const char *today, const char *expected)
{
    char revision[MIGRATION_REVISION_SIZE];
    struct error err = {0};

    assert_int_equal(revision_next(newest, today, revision, &err),
                     expected ? OK : FAILED);
    if (expected)
        assert_string_equal(revision, expected);
}

static void numbers_count_within_the_day(void **state)
{
    (void)state;
    expect_next("", "20261122", "20261122_0001");
    expect_next("20261121_0009", "20261122", "20261122_0001");
    expect_next("20261122_0009", "20261122", "20261122_0010");
    expect_next("20261122_9999", "20261122", NULL);
    expect_next("20261121_9999", "20261122", "20261122_0001");
}

static void a_file_from_the_future_stays_behind(void **state)
{
    (void)state;
    expect_next("20270101_0001", "20261122", "20270101_0002");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_become_snake_case),
        cmocka_unit_test(long_messages_are_cut_at_the_end_of_a_word),
        cmocka_unit_test(numbers_count_within_the_day),
        cmocka_unit_test(a_file_from_the_future_stays_behind),
    };

    return cmocka_run_group_tests_name("revision_file", tests, NULL, NULL);
}
