#include "lib/base/buffer.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static void a_zeroed_buffer_has_no_memory_and_no_failure(void **state)
{
    struct buffer buffer = {0};
    struct error err;

    (void)state;
    assert_null(buffer.data);
    assert_int_equal(buffer_check(&buffer, &err), OK);
    buffer_release(&buffer);
}

static void appended_parts_are_one_terminated_text(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};

    (void)state;
    buffer_append_text(&buffer, "select ");
    buffer_append(&buffer, "id, name", 2);
    buffer_append_format(&buffer, " limit %d", 10);

    assert_string_equal(buffer.data, "select id limit 10");
    assert_int_equal(buffer.length, strlen(buffer.data));
}

static void bytes_may_hold_zeros(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};

    (void)state;
    buffer_append(&buffer, "a\0b", 3);

    assert_int_equal(buffer.length, 3);
    assert_memory_equal(buffer.data, "a\0b\0", 4);
}

static void appending_nothing_still_terminates(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};

    (void)state;
    buffer_append(&buffer, NULL, 0);

    assert_string_equal(buffer.data, "");
}

static void growing_keeps_the_content(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};

    (void)state;
    for (int i = 0; i < 10000; i++)
        buffer_append_format(&buffer, "%04d", i);

    assert_int_equal(buffer.length, 40000);
    assert_memory_equal(buffer.data, "00000001", 8);
    assert_string_equal(buffer.data + 39992, "99989999");
}

static void reserved_memory_does_not_move_until_it_is_used_up(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};
    const char *reserved = buffer_reserve(&buffer, 5000);

    (void)state;
    assert_non_null(reserved);
    assert_int_equal(buffer.length, 0);
    for (int i = 0; i < 5000; i++)
        buffer_append(&buffer, "x", 1);

    assert_ptr_equal(buffer.data, reserved);
}

static void the_limit_may_be_reached_but_not_passed(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {.limit_bytes = 10};
    struct error err;

    (void)state;
    buffer_append_text(&buffer, "0123456789");
    assert_int_equal(buffer_check(&buffer, &err), OK);

    buffer_append_text(&buffer, "x");
    assert_int_equal(buffer_check(&buffer, &err), FAILED);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(buffer.data, "0123456789");
}

static void formatted_text_past_the_limit_is_dropped_whole(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {.limit_bytes = 10};

    (void)state;
    buffer_append_text(&buffer, "0123");
    buffer_append_format(&buffer, "%d", 1234567);

    assert_true(buffer.failed);
    assert_string_equal(buffer.data, "0123");
}

static void nothing_is_appended_after_a_failure(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {.limit_bytes = 3};

    (void)state;
    buffer_append_text(&buffer, "long");
    buffer_append_text(&buffer, "ok");
    buffer_append_format(&buffer, "%s", "ok");

    assert_true(buffer.failed);
    assert_int_equal(buffer.length, 0);
}

static void a_size_that_would_wrap_around_is_a_failure(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};

    (void)state;
    buffer_append_text(&buffer, "x");

    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
}

static void clearing_forgets_the_failure_and_keeps_the_memory(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {.limit_bytes = 4};
    const char *memory;

    (void)state;
    buffer_append_text(&buffer, "abcd");
    memory = buffer.data;
    buffer_append_text(&buffer, "e");
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "fg");

    assert_false(buffer.failed);
    assert_ptr_equal(buffer.data, memory);
    assert_string_equal(buffer.data, "fg");
}

static void taking_gives_the_text_away(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {.limit_bytes = 100};
    OWNED(text_free) char *text = NULL;

    (void)state;
    buffer_append_text(&buffer, "mine");
    text = buffer_take(&buffer);

    assert_string_equal(text, "mine");
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    assert_int_equal(buffer.limit_bytes, 100);
}

static void taking_from_an_empty_buffer_gives_an_empty_text(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {0};
    OWNED(text_free) char *text = buffer_take(&buffer);

    (void)state;
    assert_string_equal(text, "");
}

static void taking_after_a_failure_gives_nothing(void **state)
{
    OWNED(buffer_release) struct buffer buffer = {.limit_bytes = 3};

    (void)state;
    buffer_append_text(&buffer, "long");

    assert_null(buffer_take(&buffer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_buffer_has_no_memory_and_no_failure),
        cmocka_unit_test(appended_parts_are_one_terminated_text),
        cmocka_unit_test(bytes_may_hold_zeros),
        cmocka_unit_test(appending_nothing_still_terminates),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(reserved_memory_does_not_move_until_it_is_used_up),
        cmocka_unit_test(the_limit_may_be_reached_but_not_passed),
        cmocka_unit_test(formatted_text_past_the_limit_is_dropped_whole),
        cmocka_unit_test(nothing_is_appended_after_a_failure),
        cmocka_unit_test(a_size_that_would_wrap_around_is_a_failure),
        cmocka_unit_test(clearing_forgets_the_failure_and_keeps_the_memory),
        cmocka_unit_test(taking_gives_the_text_away),
        cmocka_unit_test(taking_from_an_empty_buffer_gives_an_empty_text),
        cmocka_unit_test(taking_after_a_failure_gives_nothing),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
