#include "tests/support/cmocka_all.h"

#include "lib/base/json_failure.h"

#include <string.h>

static bool is_memory(const char *text)
{
    json_error_t why;

    assert_null(json_loadb(text, strlen(text), JSON_DECODE_ANY, &why));
    return json_failure_is_memory(text, strlen(text), &why);
}

static void mistakes_are_not_memory(void **state)
{
    static const char *const mistakes[] = {"",
                                           "{",
                                           "[1,]",
                                           "{\"a\"}",
                                           "{\"a\":1,}",
                                           "\"a",
                                           "[1 2]",
                                           "{} {}",
                                           "\"\\q\"",
                                           "\"a\nb\"",
                                           "[1}",
                                           "{1:2}",
                                           ",",
                                           "\"\\u0000\"",
                                           "[\"\xff\"]",
                                           "1e99999",
                                           "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        if (is_memory(mistakes[i]))
            fail_msg("taken for memory: %s", mistakes[i]);
}

/* What jansson says when a string inside had no memory. */
static void a_mistake_that_is_not_there_is_memory(void **state)
{
    static const char *const whole[] = {
        "{\"v\":1,\"a\":[true,null,-1.5e3,\"\\\"x\\u00e9\"]}", " [ ] ", "{ }", "\"a\"",
        "[[{\"a\":{}}],2]"};
    json_error_t why;

    (void)state;
    assert_null(json_loadb("{", 1, 0, &why));
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        assert_true(json_failure_is_memory(whole[i], strlen(whole[i]), &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_not_memory),
        cmocka_unit_test(a_mistake_that_is_not_there_is_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
