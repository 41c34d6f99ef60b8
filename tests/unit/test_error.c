#include "lib/base/error.h"

#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void setting_fills_kind_and_message_and_fails(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(error_set(&err, ERROR_SCHEMA, "no column %s", "id"), FAILED);

    assert_int_equal(err.kind, ERROR_SCHEMA);
    assert_string_equal(err.message, "no column id");
    assert_string_equal(err.origin, "");
    assert_string_equal(err.hint, "");
}

static void wrapping_puts_the_context_first_and_keeps_the_rest(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_REJECTED, "value too long");
    strcpy(err.origin, "SQLSTATE 22001");
    error_hint(&err, "shorten %s", "it");

    assert_int_equal(error_wrap(&err, "table %s", "orders"), FAILED);
    assert_int_equal(error_wrap(&err, "pull"), FAILED);

    assert_string_equal(err.message, "pull: table orders: value too long");
    assert_string_equal(err.origin, "SQLSTATE 22001");
    assert_string_equal(err.hint, "shorten it");
    assert_int_equal(err.kind, ERROR_REJECTED);
}

static void a_message_too_long_is_cut_and_terminated(void **state)
{
    struct error err;
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, ERROR_INVALID, "%s", text);
    error_hint(&err, "%s", text);

    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void wrapping_a_full_message_keeps_the_context(void **state)
{
    struct error err;
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, ERROR_INVALID, "%s", text);
    error_wrap(&err, "outer");
    assert_memory_equal(err.message, "outer: xxx", 10);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);

    error_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void errno_becomes_origin_and_text(void **state)
{
    struct error err;

    (void)state;
    errno = ENOSPC;
    assert_int_equal(error_set_errno(&err, "write %s", "cache.db"), FAILED);

    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.origin, "errno 28");
    assert_string_equal(err.message, "write cache.db: No space left on device");
}

static void lost_connections_are_transient(void **state)
{
    static const int lost[] = {ECONNREFUSED, ECONNRESET, EHOSTUNREACH,
                               ENETUNREACH,  EPIPE,      ETIMEDOUT};

    (void)state;
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        struct error err;

        errno = lost[i];
        error_set_errno(&err, "connect");
        assert_int_equal(err.kind, ERROR_TRANSIENT);
    }
}

static void out_of_memory_is_a_system_error(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(error_out_of_memory(&err), FAILED);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.message, "out of memory");
}

static void a_full_disk_is_told_from_other_failures(void **state)
{
    struct error err;

    (void)state;
    errno = ENOSPC;
    assert_int_equal(error_set_errno(&err, "write"), FAILED);
    assert_true(error_is_full_disk(&err));
    error_wrap(&err, "the file");
    assert_true(error_is_full_disk(&err));
    errno = EDQUOT;
    assert_int_equal(error_set_errno(&err, "write"), FAILED);
    assert_true(error_is_full_disk(&err));
    assert_int_equal(error_set(&err, ERROR_SYSTEM, "commit"), FAILED);
    assert_false(error_is_full_disk(&err));
    snprintf(err.origin, sizeof(err.origin), "SQLITE 13");
    assert_true(error_is_full_disk(&err));
    errno = EACCES;
    assert_int_equal(error_set_errno(&err, "write"), FAILED);
    assert_false(error_is_full_disk(&err));
    assert_int_equal(error_out_of_memory(&err), FAILED);
    assert_false(error_is_full_disk(&err));
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int kind = ERROR_NONE; kind <= ERROR_INTERRUPTED; kind++) {
        assert_non_null(error_kind_name((enum error_kind)kind));
        for (int other = ERROR_NONE; other < kind; other++)
            assert_string_not_equal(error_kind_name((enum error_kind)kind),
                                    error_kind_name((enum error_kind)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_fills_kind_and_message_and_fails),
        cmocka_unit_test(wrapping_puts_the_context_first_and_keeps_the_rest),
        cmocka_unit_test(a_message_too_long_is_cut_and_terminated),
        cmocka_unit_test(wrapping_a_full_message_keeps_the_context),
        cmocka_unit_test(errno_becomes_origin_and_text),
        cmocka_unit_test(lost_connections_are_transient),
        cmocka_unit_test(out_of_memory_is_a_system_error),
        cmocka_unit_test(a_full_disk_is_told_from_other_failures),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
