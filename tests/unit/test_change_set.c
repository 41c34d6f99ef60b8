#include "lib/store/change_set.h"

#include "lib/base/cleanup.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct change_set new_set(void **state, size_t memory_limit_bytes)
{
    const struct cache_folder *folder = *state;
    struct change_set set;
    struct error err = {0};

    if (change_set_init(&set, folder->file, memory_limit_bytes, &err) == FAILED)
        fail_msg("%s", err.message);
    return set;
}

static void append(struct change_set *set, const struct change *change)
{
    struct error err = {0};

    if (change_set_append(set, change, &err) == FAILED)
        fail_msg("%s", err.message);
}

/* A number and a text of that many bytes. */
static void append_row(struct change_set *set, int64_t number, size_t size)
{
    char *text = malloc(size + 1);
    const struct value values[] = {
        {.type = VALUE_INTEGER, .integer = number},
        {.type = VALUE_TEXT, .bytes = text, .size = size},
    };

    assert_non_null(text);
    memset(text, 'a' + (int)(number % 26), size);
    append(set, &(struct change){3, CHANGE_UPSERT, values, 2});
    free(text);
}

static void assert_row(const struct change *change, int64_t number, size_t size)
{
    assert_int_equal(change->operation, CHANGE_UPSERT);
    assert_int_equal(change->table, 3);
    assert_int_equal(change->value_count, 2);
    assert_int_equal(change->values[0].integer, number);
    assert_int_equal(change->values[1].type, VALUE_TEXT);
    assert_int_equal(change->values[1].size, size);
    for (size_t i = 0; i < size; i++)
        if (change->values[1].bytes[i] != 'a' + (int)(number % 26))
            fail_msg("row %lld is garbled at %zu", (long long)number, i);
}

/* Rows 0 .. count - 1 of these sizes, in turn, and nothing else. */
static void assert_rows(struct change_set *set, int64_t count, const size_t sizes[3])
{
    OWNED(change_reader_release) struct change_reader reader = {0};
    struct change change;
    struct error err = {0};

    assert_int_equal(set->change_count, count);
    change_reader_init(&reader, set);
    for (int64_t i = 0; i < count; i++) {
        if (change_reader_next(&reader, &change, &err) != OK)
            fail_msg("row %lld: %s", (long long)i, err.message);
        assert_row(&change, i, sizes[i % 3]);
    }
    assert_int_equal(change_reader_next(&reader, &change, &err), NOTHING);
    assert_int_equal(change_reader_next(&reader, &change, &err), NOTHING);
}

static void an_empty_set_has_nothing(void **state)
{
    OWNED(change_set_release) struct change_set set = new_set(state, 100);

    assert_rows(&set, 0, (const size_t[3]){0});
}

static void changes_keep_their_order(void **state)
{
    OWNED(change_set_release) struct change_set set = new_set(state, 1 << 20);
    OWNED(change_reader_release) struct change_reader reader = {0};
    const enum change_operation order[] = {CHANGE_TRUNCATE, CHANGE_DELETE, CHANGE_UPSERT,
                                           CHANGE_PRESENT};
    const struct value key = {.type = VALUE_INTEGER, .integer = 1};
    struct change change;
    struct error err = {0};

    for (uint32_t i = 0; i < 4; i++)
        append(&set, &(struct change){i, order[i], &key, order[i] != CHANGE_TRUNCATE});
    change_reader_init(&reader, &set);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(change_reader_next(&reader, &change, &err), OK);
        assert_int_equal(change.table, i);
        assert_int_equal(change.operation, order[i]);
        assert_int_equal(change.value_count, order[i] != CHANGE_TRUNCATE);
    }
    assert_int_equal(set.file, -1);
}

static void every_value_comes_back(void **state)
{
    OWNED(change_set_release) struct change_set set = new_set(state, 1 << 20);
    OWNED(change_reader_release) struct change_reader reader = {0};
    const struct value values[] = {
        {.type = VALUE_NULL},
        {.type = VALUE_INTEGER, .integer = INT64_MIN},
        {.type = VALUE_REAL, .real = -0.0},
        {.type = VALUE_REAL, .real = __builtin_inf()},
        {.type = VALUE_TEXT, .bytes = "grüße\0🎉", .size = sizeof("grüße\0🎉") - 1},
        {.type = VALUE_TEXT, .bytes = NULL, .size = 0},
        {.type = VALUE_BLOB, .bytes = "\0\xff", .size = 2},
        {.type = VALUE_BLOB, .bytes = "", .size = 0},
    };
    const size_t count = sizeof(values) / sizeof(values[0]);
    struct change change;
    struct error err = {0};

    append(&set, &(struct change){0, CHANGE_UPSERT, values, count});
    change_reader_init(&reader, &set);
    assert_int_equal(change_reader_next(&reader, &change, &err), OK);
    assert_int_equal(change.value_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(change.values[i].type, values[i].type);
        assert_int_equal(change.values[i].size, values[i].size);
        if (values[i].type == VALUE_INTEGER || values[i].type == VALUE_REAL)
            assert_true(change.values[i].integer == values[i].integer);
        else if (values[i].size)
            assert_memory_equal(change.values[i].bytes, values[i].bytes, values[i].size);
    }
}

static void a_row_may_have_as_many_columns_as_a_table(void **state)
{
    static const struct value values[1600];
    OWNED(change_set_release) struct change_set set = new_set(state, 1 << 20);
    OWNED(change_reader_release) struct change_reader reader = {0};
    struct change change;
    struct error err = {0};

    append(&set, &(struct change){0, CHANGE_UPSERT, values, 1600});
    change_reader_init(&reader, &set);
    assert_int_equal(change_reader_next(&reader, &change, &err), OK);
    assert_int_equal(change.value_count, 1600);
    assert_int_equal(change.values[1599].type, VALUE_NULL);
}

static void beyond_the_limit_rows_go_to_a_file(void **state)
{
    const size_t sizes[3] = {10, 5000, 0}; /* 5000 is more than the limit */
    OWNED(change_set_release) struct change_set set = new_set(state, 1000);

    for (int64_t i = 0; i < 300; i++)
        append_row(&set, i, sizes[i % 3]);
    assert_true(set.file_bytes > 400000);
    assert_true(set.memory.length < 7000);
    assert_rows(&set, 300, sizes);
    assert_rows(&set, 300, sizes);
}

static void a_set_may_keep_nothing_in_memory(void **state)
{
    const size_t sizes[3] = {10, 0, 20};
    OWNED(change_set_release) struct change_set set = new_set(state, 0);

    for (int64_t i = 0; i < 9; i++)
        append_row(&set, i, sizes[i % 3]);
    assert_rows(&set, 9, sizes);
}

static void the_file_has_no_name(void **state)
{
    const struct cache_folder *folder = *state;
    OWNED(change_set_release) struct change_set set = new_set(state, 0);

    append_row(&set, 0, 10);
    append_row(&set, 1, 10);
    assert_true(set.file >= 0);
    assert_true(fcntl(set.file, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(rmdir(folder->path), 0); /* it is empty */
    assert_int_equal(mkdir(folder->path, 0777), 0);
}

static void cleared_it_starts_anew(void **state)
{
    const size_t before[3] = {10, 10, 10};
    const size_t after[3] = {7, 7, 7};
    OWNED(change_set_release) struct change_set set = new_set(state, 100);

    for (int64_t i = 0; i < 100; i++)
        append_row(&set, i, before[i % 3]);
    assert_true(set.file >= 0);
    change_set_clear(&set);
    assert_int_equal(set.file, -1);
    assert_rows(&set, 0, before);
    for (int64_t i = 0; i < 50; i++)
        append_row(&set, i, after[i % 3]);
    assert_rows(&set, 50, after);
}

static void memory_for_a_giant_row_is_given_back(void **state)
{
    OWNED(change_set_release) struct change_set set = new_set(state, 1000);

    append_row(&set, 0, 1 << 20);
    assert_true(set.memory.capacity > 1 << 20);
    change_set_clear(&set);
    assert_true(set.memory.capacity <= 2000);
}

/* Files of this process may not grow past limit_bytes: the disk is full. */
static struct rlimit fill_disk(rlim_t limit_bytes)
{
    struct rlimit before;
    struct rlimit full;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = limit_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    return before;
}

static enum outcome append_until_full(struct change_set *set, struct error *err)
{
    const char text[1000] = "";
    const struct value value = {.type = VALUE_TEXT, .bytes = text, .size = sizeof(text)};
    const struct change change = {0, CHANGE_UPSERT, &value, 1};
    enum outcome outcome = OK;

    for (int i = 0; i < 100 && outcome == OK; i++)
        outcome = change_set_append(set, &change, err);
    return outcome;
}

static void a_full_disk_is_an_error_that_passes(void **state)
{
    const size_t sizes[3] = {800, 800, 800};
    OWNED(change_set_release) struct change_set set = new_set(state, 2000);
    struct rlimit before = fill_disk(10000);
    struct error err = {0};
    enum outcome outcome = append_until_full(&set, &err);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(outcome, FAILED);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_non_null(strstr(err.message, "build/test-cache-"));
    assert_non_null(strstr(err.hint, "make room"));
    change_set_clear(&set);
    for (int64_t i = 0; i < 30; i++)
        append_row(&set, i, sizes[i % 3]);
    assert_rows(&set, 30, sizes);
}

static void a_folder_that_is_gone_is_an_error(void **state)
{
    struct change_set set;
    const struct value value = {.type = VALUE_INTEGER};
    const struct change change = {0, CHANGE_UPSERT, &value, 1};
    struct error err = {0};

    (void)state;
    assert_int_equal(change_set_init(&set, "build/no such folder/cache.db", 0, &err), OK);
    assert_int_equal(change_set_append(&set, &change, &err), OK);
    assert_int_equal(change_set_append(&set, &change, &err), FAILED);
    assert_non_null(strstr(err.message, "no such folder"));
    change_set_release(&set);
}

static void a_cut_file_is_noticed(void **state)
{
    OWNED(change_set_release) struct change_set set = new_set(state, 0);
    OWNED(change_reader_release) struct change_reader reader = {0};
    struct change change;
    struct error err = {0};

    append_row(&set, 0, 1000);
    append_row(&set, 1, 1000);
    assert_int_equal(ftruncate(set.file, 500), 0);
    change_reader_init(&reader, &set);
    assert_int_equal(change_reader_next(&reader, &change, &err), FAILED);
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

static void a_path_without_folder_is_here(void **state)
{
    OWNED(change_set_release) struct change_set here = {.file = -1};
    OWNED(change_set_release) struct change_set root = {.file = -1};
    struct error err = {0};

    (void)state;
    assert_int_equal(change_set_init(&here, "cache.db", 100, &err), OK);
    assert_string_equal(here.folder, ".");
    assert_int_equal(change_set_init(&root, "/cache.db", 100, &err), OK);
    assert_string_equal(root.folder, "/");
}

static void a_zeroed_one_can_be_released(void **state)
{
    struct change_set set = {0};
    struct change_reader reader = {0};

    (void)state;
    change_set_release(&set);
    change_reader_release(&reader);
    assert_true(fcntl(0, F_GETFD) >= 0); /* 0 was not taken for its file */
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, cache_folder_setup, cache_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_set_has_nothing),
        CASE(changes_keep_their_order),
        CASE(every_value_comes_back),
        CASE(a_row_may_have_as_many_columns_as_a_table),
        CASE(beyond_the_limit_rows_go_to_a_file),
        CASE(a_set_may_keep_nothing_in_memory),
        CASE(the_file_has_no_name),
        CASE(cleared_it_starts_anew),
        CASE(memory_for_a_giant_row_is_given_back),
        CASE(a_full_disk_is_an_error_that_passes),
        cmocka_unit_test(a_folder_that_is_gone_is_an_error),
        CASE(a_cut_file_is_noticed),
        cmocka_unit_test(a_path_without_folder_is_here),
        cmocka_unit_test(a_zeroed_one_can_be_released),
    };

    return cmocka_run_group_tests_name("change_set", tests, NULL, NULL);
}
