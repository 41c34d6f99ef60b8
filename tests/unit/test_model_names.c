#include "daemon/cli/model_names.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

static void assert_given(struct model_names *names, const char *name,
                         const char *expected)
{
    const char *given = NULL;
    struct error err = {0};

    assert_int_equal(model_names_give(names, "", name, "", &given, &err), OK);
    assert_string_equal(given, expected);
}

static void names_are_snake_case_and_of_c_alone(void **state)
{
    OWNED(model_names_release) struct model_names names = {0};

    (void)state;
    assert_given(&names, "agent_chat_session", "agent_chat_session");
    assert_given(&names, "createdAt", "created_at");
    assert_given(&names, "HTTPCode", "httpcode");
    assert_given(&names, "2nd", "n2nd");
    assert_given(&names, "_x", "n_x");
    assert_given(&names, "a b--c", "a_b_c");
    assert_given(&names,
                 "gr\xc3\xb6\xc3\x9f"
                 "e",
                 "gr_e");
    assert_given(&names, "?", "n_");
}

static void what_is_taken_is_not_given(void **state)
{
    OWNED(model_names_release) struct model_names names = {0};
    const char *given = NULL;
    struct error err = {0};

    (void)state;
    assert_given(&names, "class", "class_");
    assert_given(&names, "Class", "class_2");
    assert_given(&names, "errno", "errno_");
    assert_given(&names, "note", "note");
    assert_given(&names, "Note", "note_2");
    assert_given(&names, "NOTE", "note_3");
    assert_int_equal(model_names_give(&names, "has_", "note", "", &given, &err), OK);
    assert_string_equal(given, "has_note");
    assert_given(&names, "has_note", "has_note_2");
}

static void structs_are_pascal_case(void **state)
{
    OWNED(text_free) char *plain = model_names_pascal("agent_chat_session");
    OWNED(text_free) char *numbered = model_names_pascal("order_2");

    (void)state;
    assert_string_equal(plain, "AgentChatSession");
    assert_string_equal(numbered, "Order2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_snake_case_and_of_c_alone),
        cmocka_unit_test(what_is_taken_is_not_given),
        cmocka_unit_test(structs_are_pascal_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
