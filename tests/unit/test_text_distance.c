#include "lib/base/text_distance.h"

#include "tests/support/cmocka_all.h"

static const char *const words[] = {"status", "sync", "watch", "wait", NULL, "resync"};

#define NEAREST(word) text_nearest(word, words, sizeof(words) / sizeof(words[0]))

static void equal_words_have_no_distance(void **state)
{
    (void)state;
    assert_int_equal(text_distance("status", "Status"), 0);
    assert_int_equal(text_distance("", ""), 0);
}

static void each_slip_counts_once(void **state)
{
    (void)state;
    assert_int_equal(text_distance("stauts", "status"), 1);
    assert_int_equal(text_distance("sttus", "status"), 1);
    assert_int_equal(text_distance("statuss", "status"), 1);
    assert_int_equal(text_distance("stafus", "status"), 1);
    assert_int_equal(text_distance("", "sync"), 4);
}

static void the_nearest_word_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(NEAREST("stauts"), "status");
    assert_string_equal(NEAREST("snyc"), "sync");
    assert_string_equal(NEAREST("reesync"), "resync");
}

static void what_resembles_nothing_gets_no_suggestion(void **state)
{
    (void)state;
    assert_null(NEAREST("bootstrap"));
    assert_null(NEAREST("x"));
}

static void a_very_long_word_is_passed_over(void **state)
{
    char word[TEXT_DISTANCE_LIMIT + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(word) - 1; i++)
        word[i] = 's';
    word[sizeof(word) - 1] = '\0';
    assert_true(text_distance(word, "sync") == SIZE_MAX);
    assert_null(NEAREST(word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_words_have_no_distance),
        cmocka_unit_test(each_slip_counts_once),
        cmocka_unit_test(the_nearest_word_is_suggested),
        cmocka_unit_test(what_resembles_nothing_gets_no_suggestion),
        cmocka_unit_test(a_very_long_word_is_passed_over),
    };

    return cmocka_run_group_tests_name("text_distance", tests, NULL, NULL);
}
