#include "daemon/cli/command_line.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

struct parsed {
    struct invocation invocation;
    struct error err;
    enum outcome outcome;
};

/* Words between blanks. */
static struct parsed parse(const char *line)
{
    static char text[256];
    struct parsed parsed = {0};
    char program[] = "tidemark";
    char *argv[16] = {program};
    int argc = 1;

    strcpy(text, line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    parsed.outcome = command_line_parse(argc, argv, &parsed.invocation, &parsed.err);
    return parsed;
}

static void assert_refused(const char *line, const char *message)
{
    struct parsed parsed = parse(line);

    assert_int_equal(parsed.outcome, FAILED);
    assert_int_equal(parsed.err.kind, ERROR_INVALID);
    assert_string_equal(parsed.err.message, message);
    if (!strstr(message, "did you mean"))
        assert_true(parsed.err.hint[0]);
}

static void options_may_stand_anywhere(void **state)
{
    static const char *const lines[] = {"-c f --json wait --timeout 5s",
                                        "wait --timeout=5s -cf --json",
                                        "--config=f wait --json --timeout 5s"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct parsed parsed = parse(lines[i]);

        assert_int_equal(parsed.outcome, OK);
        assert_string_equal(parsed.invocation.command->name, "wait");
        assert_string_equal(parsed.invocation.request.path, "f");
        assert_string_equal(parsed.invocation.timeout, "5s");
        assert_true(parsed.invocation.json);
    }
}

static void a_mistyped_command_gets_a_suggestion(void **state)
{
    (void)state;
    assert_refused("stauts", "unknown command 'stauts'; did you mean 'status'?");
    assert_refused("frobnicate", "unknown command 'frobnicate'");
}

static void a_mistyped_option_gets_a_suggestion(void **state)
{
    (void)state;
    assert_refused("status --jsno", "unknown option '--jsno'; did you mean '--json'?");
    assert_refused("wait --timeuot=5s",
                   "unknown option '--timeuot=5s'; did you mean '--timeout'?");
}

static void commands_take_only_their_own_options(void **state)
{
    (void)state;
    assert_refused("sync --timeout 5s", "'sync' takes no --timeout");
    assert_refused("status orders", "'status' takes no 'orders'");
    assert_int_equal(parse("resync").outcome, OK);
    assert_refused("resync a b", "unexpected 'b'");
    assert_refused("wait --timeout", "--timeout needs a value");
    assert_refused("status --json=yes", "--json takes no value");
    assert_refused("", "which command?");
}

static void json_counts_even_behind_a_mistake(void **state)
{
    (void)state;
    assert_true(parse("stauts --json").invocation.json);
}

static void two_dashes_end_the_options(void **state)
{
    struct parsed parsed = parse("resync -- --json");

    (void)state;
    assert_int_equal(parsed.outcome, OK);
    assert_string_equal(parsed.invocation.operand, "--json");
}

static void help_needs_no_operand(void **state)
{
    (void)state;
    assert_int_equal(parse("resync --help").outcome, OK);
    assert_int_equal(parse("--help").outcome, OK);
    assert_int_equal(parse("help").outcome, OK);
    assert_string_equal(parse("--version").invocation.command->name, "version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(a_mistyped_command_gets_a_suggestion),
        cmocka_unit_test(a_mistyped_option_gets_a_suggestion),
        cmocka_unit_test(commands_take_only_their_own_options),
        cmocka_unit_test(json_counts_even_behind_a_mistake),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(help_needs_no_operand),
    };

    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
