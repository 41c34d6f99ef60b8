#include "tests/support/cmocka_all.h"

#include "daemon/migrate/migration_plan.h"

#include <string.h>

#define FILE_OF(number, title, sum)                                                      \
    {                                                                                    \
        .name = number "_" title, .revision = number, .description = title,              \
        .checksum = sum                                                                  \
    }

static const struct migration_file three_files[] = {
    FILE_OF("20261122_0001", "a", "aaa"),
    FILE_OF("20261122_0002", "b", "bbb"),
    FILE_OF("20261122_0003", "c", "ccc"),
};
static const struct migration_files files = {three_files, 3, MIGRATION_PROJECT};

#define RECORD(number, name, sum)                                                        \
    {                                                                                    \
        .source = MIGRATION_PROJECT, .revision = number, .description = name,            \
        .checksum = sum                                                                  \
    }

static enum outcome plan_of(struct migration_record *records, size_t count,
                            struct migration_plan *plan, struct error *err)
{
    const struct migration_history history = {.records = records, .count = count};

    return migration_plan_make(&files, &history, plan, err);
}

static void expect_misfit(struct migration_record *records, size_t count,
                          const char *message)
{
    struct migration_plan plan = {.applied = 99};
    struct error err = {0};

    assert_int_equal(plan_of(records, count, &plan, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_string_equal(err.message, message);
    assert_int_equal(plan.applied, 99);
}

static void applied_files_are_counted(void **state)
{
    struct migration_record records[] = {RECORD("20261122_0001", "a", "aaa"),
                                         RECORD("20261122_0002", "b", "bbb")};
    struct error err;

    (void)state;
    for (size_t count = 0; count <= 2; count++) {
        struct migration_plan plan;

        assert_int_equal(plan_of(records, count, &plan, &err), OK);
        assert_int_equal(plan.applied, count);
        assert_null(plan.partial);
    }
}

static void records_of_other_sources_and_reverted_ones_do_not_count(void **state)
{
    struct migration_record records[] = {RECORD("20200101_0001", "x", "xxx"),
                                         RECORD("20261122_0001", "a", "aaa"),
                                         RECORD("20261122_0002", "b", "old")};
    struct migration_plan plan;
    struct error err;

    (void)state;
    records[0].source = MIGRATION_BUILT_IN;
    records[2].state = MIGRATION_REVERTED;
    assert_int_equal(plan_of(records, 3, &plan, &err), OK);
    assert_int_equal(plan.applied, 1);
}

static void an_edited_file_is_named(void **state)
{
    struct migration_record records[] = {RECORD("20261122_0001", "a", "old")};

    (void)state;
    expect_misfit(
        records, 1,
        "20261122_0001_a was edited after it was applied: checksum aaa now, old then");
}

static void another_file_of_an_applied_revision_is_told_from_an_edited_one(void **state)
{
    struct migration_record other[] = {RECORD("20261122_0001", "x", "old")};
    struct migration_record renamed[] = {RECORD("20261122_0001", "x", "aaa")};
    struct migration_plan plan;
    struct error err;

    (void)state;
    expect_misfit(other, 1,
                  "20261122_0001_a is not what was applied as 20261122_0001: that was "
                  "20261122_0001_x");
    assert_int_equal(plan_of(renamed, 1, &plan, &err), OK);
}

static void a_skipped_file_is_named(void **state)
{
    struct migration_record records[] = {RECORD("20261122_0001", "a", "aaa"),
                                         RECORD("20261122_0003", "c", "ccc")};

    (void)state;
    expect_misfit(records, 2,
                  "20261122_0002_b was skipped: the later 20261122_0003_c is applied");
}

static void a_missing_file_is_named(void **state)
{
    struct migration_record before[] = {RECORD("20261121_0001", "z", "zzz")};
    struct migration_record beyond[] = {
        RECORD("20261122_0001", "a", "aaa"), RECORD("20261122_0002", "b", "bbb"),
        RECORD("20261122_0003", "c", "ccc"), RECORD("20271122_0001", "new", "nnn")};

    (void)state;
    expect_misfit(before, 1,
                  "20261121_0001_z is applied on the primary, but its file is gone");
    expect_misfit(beyond, 4,
                  "20271122_0001_new is applied on the primary, but its file is gone");
}

static void without_any_file_it_is_the_wrong_folder(void **state)
{
    const struct migration_files none = {NULL, 0, MIGRATION_PROJECT};
    struct migration_record records[] = {RECORD("20261122_0001", "a", "aaa"),
                                         RECORD("20261122_0002", "b", "bbb"),
                                         RECORD("20261122_0003", "c", "ccc")};
    const struct migration_history history = {.records = records, .count = 3};
    struct migration_plan plan;
    struct error err;

    (void)state;
    records[2].state = MIGRATION_REVERTED;
    assert_int_equal(migration_plan_make(&none, &history, &plan, &err), FAILED);
    assert_string_equal(err.message, "2 of the project's migrations are applied on the "
                                     "primary, and none of their files is here");
}

static void a_file_that_stopped_in_the_middle_goes_on(void **state)
{
    const struct migration_file file = {.name = "20261122_0001_a",
                                        .revision = "20261122_0001",
                                        .checksum = "new",
                                        .no_transaction = true,
                                        .upgrade =
                                            sql_script_of("one; two corrected; three")};
    const struct migration_files one = {&file, 1, MIGRATION_PROJECT};
    struct migration_record record = RECORD("20261122_0001", "a", "old");
    const struct migration_history history = {.records = &record, .count = 1};
    struct migration_plan plan;
    struct error err;

    (void)state;
    record.state = MIGRATION_FAILED;
    record.upgrade = "one; two; three";
    record.step = 1;
    record.steps = 3;
    assert_int_equal(migration_plan_make(&one, &history, &plan, &err), OK);
    assert_int_equal(plan.applied, 0);
    assert_ptr_equal(plan.partial, &record);
    record.step = 2;
    assert_int_equal(migration_plan_make(&one, &history, &plan, &err), FAILED);
    assert_string_equal(err.message,
                        "20261122_0001_a: step 2 was edited after it was run");
}

static void what_is_half_taken_back_is_refused(void **state)
{
    struct migration_record records[] = {RECORD("20261122_0001", "a", "aaa")};

    (void)state;
    records[0].state = MIGRATION_REVERTING;
    records[0].step = 1;
    records[0].steps = 2;
    expect_misfit(records, 1, "20261122_0001_a is half taken back: step 1 of 2 is done");
}

/* ---- the files by themselves ---- */

static void expect_files(const char *const *names, size_t count, const char *message)
{
    struct migration_file made[4] = {0};
    const struct migration_files some = {made, count, MIGRATION_PROJECT};
    struct error err = {0};

    for (size_t i = 0; i < count; i++) {
        made[i].name = names[i];
        memcpy(made[i].revision, names[i], MIGRATION_REVISION_SIZE - 1);
    }
    assert_int_equal(migration_files_check(&some, &err), message ? FAILED : OK);
    if (message)
        assert_string_equal(err.message, message);
}

static void numbers_count_within_the_day(void **state)
{
    static const char *const good[] = {"20261122_0001_a", "20261122_0002_b",
                                       "20261123_0001_c"};
    static const char *const gap[] = {"20261122_0001_a", "20261122_0003_b"};
    static const char *const late[] = {"20261122_0001_a", "20261123_0002_b"};
    static const char *const twice[] = {"20261122_0001_a", "20261122_0001_b"};

    (void)state;
    expect_files(good, 3, NULL);
    expect_files(NULL, 0, NULL);
    expect_files(gap, 2, "20261122_0003_b: there is no 20261122_0002 before it");
    expect_files(late, 2, "20261123_0002_b: there is no 20261123_0001 before it");
    expect_files(twice, 2, "20261122_0001_a and 20261122_0001_b have the same revision");
}

static void a_target_is_found_by_revision_or_name(void **state)
{
    static const struct migration_file named[] = {
        {.name = "20261122_0001_a", .revision = "20261122_0001", .description = "a"},
        {.name = "20261122_0002_b", .revision = "20261122_0002", .description = "b"}};
    static const struct migration_files two = {named, 2, MIGRATION_PROJECT};
    struct error err;
    size_t count = 99;

    (void)state;
    assert_int_equal(migration_files_through(&two, "20261122_0001", &count, &err), OK);
    assert_int_equal(count, 1);
    assert_int_equal(migration_files_through(&two, "20261122_0002_b", &count, &err), OK);
    assert_int_equal(count, 2);
    assert_int_equal(migration_files_through(&two, "20261122_0002_x", &count, &err),
                     FAILED);
    assert_int_equal(migration_files_through(&two, "20261122_0003", &count, &err),
                     FAILED);
    assert_string_equal(err.message, "there is no migration 20261122_0003");
    assert_string_equal(err.hint, "did you mean 20261122_0001?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applied_files_are_counted),
        cmocka_unit_test(records_of_other_sources_and_reverted_ones_do_not_count),
        cmocka_unit_test(an_edited_file_is_named),
        cmocka_unit_test(another_file_of_an_applied_revision_is_told_from_an_edited_one),
        cmocka_unit_test(a_skipped_file_is_named),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(without_any_file_it_is_the_wrong_folder),
        cmocka_unit_test(a_file_that_stopped_in_the_middle_goes_on),
        cmocka_unit_test(what_is_half_taken_back_is_refused),
        cmocka_unit_test(numbers_count_within_the_day),
        cmocka_unit_test(a_target_is_found_by_revision_or_name),
    };

    return cmocka_run_group_tests_name("migration_plan", tests, NULL, NULL);
}
