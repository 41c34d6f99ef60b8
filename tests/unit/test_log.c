#include "daemon/observe/log.h"

#include "tests/support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* stderr led into a file for the length of a test. */
struct captured {
    int saved_stderr;
    int file;
    char text[1 << 20];
};

static int capture(void **state)
{
    struct captured *captured = calloc(1, sizeof *captured);
    char path[] = "/tmp/test_log.XXXXXX";

    if (!captured)
        return -1;
    captured->file = mkstemp(path);
    unlink(path);
    captured->saved_stderr = dup(STDERR_FILENO);
    dup2(captured->file, STDERR_FILENO);
    *state = captured;
    unsetenv("TIDEMARK_LOG");
    unsetenv("JOURNAL_STREAM");
    return 0;
}

static int release(void **state)
{
    struct captured *captured = *state;

    dup2(captured->saved_stderr, STDERR_FILENO);
    close(captured->saved_stderr);
    close(captured->file);
    free(captured);
    return 0;
}

static const char *text_of(struct captured *captured)
{
    ssize_t length = pread(captured->file, captured->text, sizeof captured->text - 1, 0);

    captured->text[length < 0 ? 0 : length] = '\0';
    return captured->text;
}

static void claim_that_stderr_is_the_journal(int inode_offset)
{
    struct stat file;
    char stream[64];

    fstat(STDERR_FILENO, &file);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)file.st_dev,
             (uintmax_t)file.st_ino + (uintmax_t)inode_offset);
    setenv("JOURNAL_STREAM", stream, 1);
}

static void line_has_time_level_and_text(void **state)
{
    const char *text;

    log_start();
    log_warning("%d rows", 5);

    text = text_of(*state);
    assert_int_equal(text[4], '-');
    assert_int_equal(text[10], 'T');
    assert_string_equal(text + 19, "Z warning 5 rows\n");
}

static void journal_gets_priorities(void **state)
{
    claim_that_stderr_is_the_journal(0);
    log_start();
    log_error("a");
    log_warning("b");
    log_info("c");

    assert_string_equal(text_of(*state), "<3>a\n<4>b\n<6>c\n");
}

static void inherited_journal_stream_of_another_file_does_not_count(void **state)
{
    claim_that_stderr_is_the_journal(1);
    log_start();
    log_info("c");

    assert_int_not_equal(text_of(*state)[0], '<');
}

static void level_is_taken_from_the_environment(void **state)
{
    setenv("TIDEMARK_LOG", "warning", 1);
    claim_that_stderr_is_the_journal(0);
    log_start();
    log_info("quiet");
    log_warning("loud");
    setenv("TIDEMARK_LOG", "debug", 1);
    log_start();
    log_debug("louder");

    assert_string_equal(text_of(*state), "<4>loud\n<7>louder\n");
}

static void text_from_outside_cannot_forge_a_line(void **state)
{
    claim_that_stderr_is_the_journal(0);
    log_start();
    log_info("%s", "one\n<3>two\x1b[31m");

    assert_string_equal(text_of(*state), "<6>one <3>two [31m\n");
}

static void long_line_is_cut_and_still_ends(void **state)
{
    char long_text[5000];
    const char *text;

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    log_start();
    log_info("%s", long_text);

    text = text_of(*state);
    assert_true(strlen(text) < 2100);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void outcome_says_what_why_and_what_next(void **state)
{
    struct error err = {.kind = ERROR_TRANSIENT};

    claim_that_stderr_is_the_journal(0);
    log_start();
    snprintf(err.message, sizeof err.message, "connection refused");
    log_outcome(&err, NULL);
    snprintf(err.origin, sizeof err.origin, "SQLSTATE 08006");
    snprintf(err.hint, sizeof err.hint, "is the server running?");
    err.kind = ERROR_AUTH;
    log_outcome(&err, "retrying in 4 s");

    assert_string_equal(text_of(*state),
                        "<4>connection refused\n"
                        "<3>connection refused (SQLSTATE 08006), retrying in 4 s; "
                        "is the server running?\n");
}

static void *write_many(void *context)
{
    const char *letters = context;

    for (int line = 0; line < 500; line++)
        log_info("%s", letters);
    return NULL;
}

static void lines_of_two_threads_never_mix(void **state)
{
    char as[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char bs[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    pthread_t threads[2];
    char *line;
    char *rest;

    claim_that_stderr_is_the_journal(0);
    log_start();
    pthread_create(&threads[0], NULL, write_many, as);
    pthread_create(&threads[1], NULL, write_many, bs);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);

    rest = (char *)(uintptr_t)text_of(*state);
    for (line = strtok_r(rest, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        assert_int_equal(strlen(line), 34);
        assert_int_equal(strspn(line + 3, line[3] == 'a' ? "a" : "b"), 31);
    }
}

int main(void)
{
#define log_test(name) cmocka_unit_test_setup_teardown(name, capture, release)
    const struct CMUnitTest tests[] = {
        log_test(line_has_time_level_and_text),
        log_test(journal_gets_priorities),
        log_test(inherited_journal_stream_of_another_file_does_not_count),
        log_test(level_is_taken_from_the_environment),
        log_test(text_from_outside_cannot_forge_a_line),
        log_test(long_line_is_cut_and_still_ends),
        log_test(outcome_says_what_why_and_what_next),
        log_test(lines_of_two_threads_never_mix),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
