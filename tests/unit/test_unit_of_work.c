/* Units of work: what they leave in the outbox, and what becomes of misuse. */
#include "lib/db/database.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/library_world.h"

#include <stdio.h>

static void insert_note(struct library_world *world, struct tide_unit_of_work *unit,
                        const char *values)
{
    json_t *json = json_of(values);
    struct tide_error err = {0};

    assert_result(tide_repository_insert(world->notes, unit, json, NULL, &err), &err,
                  TIDE_OK);
    json_decref(json);
}

static void assert_entries(struct library_world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(op, ' '), '')"
                   " from (select op from tide_outbox order by sequence)",
                   expected);
}

static void writes_lie_between_the_marks_and_the_receipt_names_them(void **state)
{
    struct library_world *world = *state;
    struct tide_unit_of_work *unit = begin_unit(world);
    struct tide_receipt receipt;

    insert_note(world, unit, "{'title': 'a'}");
    insert_note(world, unit, "{'title': 'b'}");
    commit_unit(unit, &receipt);
    assert_entries(world, "begin insert insert end");
    assert_int_equal(receipt.unit,
                     number_of(world->db, "select min(sequence) from tide_outbox"));
    assert_int_equal(receipt.sequence,
                     number_of(world->db, "select max(sequence) from tide_outbox"));
}

static void a_unit_that_wrote_nothing_leaves_no_marks(void **state)
{
    struct library_world *world = *state;
    struct tide_unit_of_work *unit = begin_unit(world);
    struct tide_receipt receipt = {7, 7};
    struct tide_error err = {0};
    json_t *bad = json_of("{'body': 'no title'}");

    commit_unit(unit, &receipt);
    assert_int_equal(receipt.sequence, 0);

    unit = begin_unit(world);
    assert_failure(tide_repository_insert(world->notes, unit, bad, NULL, &err), &err,
                   TIDE_ERROR_CONFLICT, "note.title");
    commit_unit(unit, &receipt);
    assert_int_equal(receipt.sequence, 0);
    assert_entries(world, "");
    json_decref(bad);
}

static void a_roll_back_leaves_nothing(void **state)
{
    struct library_world *world = *state;
    struct tide_unit_of_work *unit = begin_unit(world);

    insert_note(world, unit, "{'title': 'a'}");
    tide_unit_of_work_roll_back(unit);
    tide_unit_of_work_roll_back(unit);
    tide_unit_of_work_roll_back(NULL);
    assert_entries(world, "");
    assert_int_equal(number_of(world->db, "select count(*) from note"), 0);
}

static void a_unit_that_has_ended_is_recognised(void **state)
{
    struct library_world *world = *state;
    struct tide_unit_of_work *unit = begin_unit(world);
    struct tide_unit_of_work *second;
    json_t *values = json_of("{'title': 'a'}");
    struct tide_error err = {0};

    commit_unit(unit, NULL);
    assert_failure(tide_unit_of_work_commit(unit, NULL, &err), &err, TIDE_ERROR_MISUSE,
                   "has ended");
    second = begin_unit(world);
    assert_failure(tide_repository_insert(world->notes, unit, values, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "has ended");
    tide_unit_of_work_roll_back(unit);
    assert_result(tide_repository_insert(world->notes, second, values, NULL, &err), &err,
                  TIDE_OK);
    commit_unit(second, NULL);
    assert_int_equal(tide_repository_insert(world->notes, NULL, values, NULL, NULL),
                     TIDE_FAILED);
    assert_failure(tide_repository_insert(world->notes, NULL, values, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "no unit of work");
    json_decref(values);
}

static void one_unit_at_a_time(void **state)
{
    struct library_world *world = *state;
    struct tide_unit_of_work *unit = begin_unit(world);
    struct tide_unit_of_work *second = NULL;
    struct tide_error err = {0};

    assert_failure(tide_unit_of_work_begin(&second, world->cache, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "another unit of work is open");
    assert_null(second);
    commit_unit(unit, NULL);
}

static void a_unit_of_another_cache_is_refused(void **state)
{
    struct library_world *world = *state;
    struct tide_cache *other;
    struct tide_unit_of_work *unit;
    json_t *values = json_of("{'title': 'a'}");
    struct tide_error err = {0};

    assert_result(tide_cache_open(&other, world->folder->file, NULL, &err), &err,
                  TIDE_OK);
    assert_result(tide_unit_of_work_begin(&unit, other, NULL, &err), &err, TIDE_OK);
    assert_failure(tide_repository_insert(world->notes, unit, values, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "another cache");
    tide_cache_close(other);
    json_decref(values);
}

static void two_applications_take_turns(void **state)
{
    struct library_world *world = *state;
    const struct tide_cache_options impatient = {.busy_timeout_ms = 1};
    struct tide_cache *other;
    struct tide_unit_of_work *unit = begin_unit(world);
    struct tide_unit_of_work *second;
    struct tide_error err = {0};

    assert_result(tide_cache_open(&other, world->folder->file, &impatient, &err), &err,
                  TIDE_OK);
    assert_failure(tide_unit_of_work_begin(&second, other, NULL, &err), &err,
                   TIDE_ERROR_BUSY, "locked");
    insert_note(world, unit, "{'title': 'a'}");
    commit_unit(unit, NULL);
    assert_result(tide_unit_of_work_begin(&second, other, NULL, &err), &err, TIDE_OK);
    commit_unit(second, NULL);
    tide_cache_close(other);
}

static void the_owner_is_the_unit_s(void **state)
{
    struct library_world *world = *state;
    const char *sub = "1F0C0000-0000-4000-8000-000000000001";
    struct tide_unit_of_work *unit;
    json_t *values = json_of("{'title': 'a'}");
    json_t *forged = json_of("{'title': 'b', 'owner_id': "
                             "'1f0c0000-0000-4000-8000-000000000002'}");
    json_t *row;
    struct tide_error err = {0};

    assert_result(tide_unit_of_work_begin(&unit, world->cache, sub, &err), &err, TIDE_OK);
    assert_result(tide_repository_insert(world->notes, unit, values, &row, &err), &err,
                  TIDE_OK);
    assert_string_equal(json_string_value(json_object_get(row, "owner_id")),
                        "1f0c0000-0000-4000-8000-000000000001");
    assert_failure(tide_repository_insert(world->notes, unit, forged, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "note.owner_id");
    assert_failure(tide_repository_update_by_id(world->notes, unit,
                                                json_object_get(row, "id"), forged, NULL,
                                                &err),
                   &err, TIDE_ERROR_MISUSE, "note.owner_id");
    json_object_set_new(forged, "owner_id", json_null());
    assert_failure(tide_repository_update_by_id(world->notes, unit,
                                                json_object_get(row, "id"), forged, NULL,
                                                &err),
                   &err, TIDE_ERROR_MISUSE, "note.owner_id");
    commit_unit(unit, NULL);
    json_decref(row);
    json_decref(values);
    json_decref(forged);
}

static void a_file_open_for_reading_is_read_only(void **state)
{
    struct library_world *world = *state;
    const struct tide_cache_options reading = {.read_only = true};
    struct tide_cache *cache;
    struct tide_repository *notes;
    struct tide_unit_of_work *unit = NULL;
    int64_t count = 0;
    struct tide_error err = {0};

    put_row(world, world->notes, "{'title': 'a'}");
    assert_result(tide_cache_open(&cache, world->folder->file, &reading, &err), &err,
                  TIDE_OK);
    assert_failure(tide_unit_of_work_begin(&unit, cache, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "open for reading only");
    assert_result(tide_repository_new(&notes, cache, "note", &err), &err, TIDE_OK);
    assert_result(tide_repository_count(notes, NULL, TIDE_LIVE, &count, &err), &err,
                  TIDE_OK);
    assert_int_equal(count, 1);
    tide_repository_free(notes);
    tide_cache_close(cache);
}

static void files_that_are_no_cache_are_refused(void **state)
{
    struct library_world *world = *state;
    struct tide_cache *cache = NULL;
    struct tide_error err = {0};
    char path[120];

    snprintf(path, sizeof(path), "%s/none.db", world->folder->path);
    assert_failure(tide_cache_open(&cache, path, NULL, &err), &err, TIDE_ERROR_SYSTEM,
                   "there is no cache at");
    assert_failure(tide_cache_open(&cache, "/etc/passwd", NULL, &err), &err,
                   TIDE_ERROR_CORRUPT, "/etc/passwd");
    assert_null(cache);
    tide_cache_close(NULL);
}

static void closing_the_cache_rolls_an_open_unit_back(void **state)
{
    struct library_world *world = *state;
    struct tide_cache *cache;
    struct tide_repository *notes;
    struct tide_unit_of_work *unit;
    json_t *values = json_of("{'title': 'a'}");
    struct tide_error err = {0};

    assert_result(tide_cache_open(&cache, world->folder->file, NULL, &err), &err,
                  TIDE_OK);
    assert_result(tide_repository_new(&notes, cache, "note", &err), &err, TIDE_OK);
    assert_result(tide_unit_of_work_begin(&unit, cache, "abc", &err), &err, TIDE_OK);
    assert_failure(tide_repository_insert(notes, unit, values, NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "the unit of work's owner");
    tide_repository_free(notes);
    tide_cache_close(cache);
    unit = begin_unit(world);
    commit_unit(unit, NULL);
    json_decref(values);
}

static void a_broken_foreign_key_fails_the_commit_and_ends_the_unit(void **state)
{
    struct library_world *world = *state;
    struct tide_unit_of_work *unit = begin_unit(world);
    json_t *values = json_of("{'note_id': '1f0c0000-0000-4000-8000-000000000002',"
                             " 'number': 1, 'text': 'x'}");
    struct tide_error err = {0};

    assert_result(tide_repository_insert(world->lines, unit, values, NULL, &err), &err,
                  TIDE_OK);
    assert_failure(tide_unit_of_work_commit(unit, NULL, &err), &err, TIDE_ERROR_CONFLICT,
                   "FOREIGN KEY");
    assert_int_equal(number_of(world->db, "select count(*) from line"), 0);
    assert_entries(world, "");
    unit = begin_unit(world);
    commit_unit(unit, NULL);
    json_decref(values);
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, library_world_setup, library_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(writes_lie_between_the_marks_and_the_receipt_names_them),
        CASE(a_unit_that_wrote_nothing_leaves_no_marks),
        CASE(a_roll_back_leaves_nothing),
        CASE(a_unit_that_has_ended_is_recognised),
        CASE(one_unit_at_a_time),
        CASE(a_unit_of_another_cache_is_refused),
        CASE(two_applications_take_turns),
        CASE(the_owner_is_the_unit_s),
        CASE(a_file_open_for_reading_is_read_only),
        CASE(files_that_are_no_cache_are_refused),
        CASE(closing_the_cache_rolls_an_open_unit_back),
        CASE(a_broken_foreign_key_fails_the_commit_and_ends_the_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
