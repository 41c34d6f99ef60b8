/*
 * libtidemark when memory runs out: each allocation in turn fails, ours (the linker puts
 * the functions below in their place), jansson's and SQLite's. What comes of it is an
 * error or the right result, and nothing is lost; the sanitizers look on in `make asan`.
 */
#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/library_world.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define A "00000000-0000-4000-8000-00000000000a"
#define MORE_THAN_EVER 100000

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);

/* ---- allocations that fail ---- */

enum { OURS, SQLITE };
static long allocations_left[2] = {-1, -1}; /* until one fails; negative: none does */
static sqlite3_mem_methods sqlite_memory;

static bool fails(int whose)
{
    return allocations_left[whose] >= 0 && allocations_left[whose]-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails(OURS) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(OURS) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails(OURS) ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails(OURS) ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails(OURS) ? NULL : __real_strdup(text);
}

/* Shifted: memory of jansson's that is freed as ours crashes. */
#define SHIFT 32

static void *json_allocate(size_t size)
{
    char *memory = fails(OURS) ? NULL : __real_malloc(size + SHIFT);

    return memory ? memory + SHIFT : NULL;
}

static void json_release(void *memory)
{
    if (memory)
        free((char *)memory - SHIFT);
}

static void *sqlite_allocate(int size)
{
    return fails(SQLITE) ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_grow(void *old, int size)
{
    return fails(SQLITE) ? NULL : sqlite_memory.xRealloc(old, size);
}

static void take_over_memory(void)
{
    sqlite3_mem_methods failing;

    json_set_alloc_funcs(json_allocate, json_release);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
    failing = sqlite_memory;
    failing.xMalloc = sqlite_allocate;
    failing.xRealloc = sqlite_grow;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
}

/* ---- what is done meanwhile ---- */

/* Whatever a step fails with: it says so, and it is not the application's fault. */
static bool went_well(enum tide_result result, const struct tide_error *err)
{
    if (result != TIDE_FAILED)
        return true;
    if (!strstr(err->message, "memory") && err->kind != TIDE_ERROR_SYSTEM)
        fail_msg("kind %d: %s", (int)err->kind, err->message);
    return false;
}

static json_t *given; /* made before memory runs out */
static json_t *id;

static bool read_rows(struct tide_repository *notes, struct tide_error *err)
{
    const struct tide_filter filters[] = {
        {"title", TIDE_LIKE, json_object_get(given, "title")},
        {"tags", TIDE_EQUAL, json_object_get(given, "tags")},
        {"size", TIDE_IN, json_object_get(given, "sizes")},
        {NULL, TIDE_EQUAL, NULL}};
    const struct tide_order order[] = {{"size", true}, {NULL, false}};
    const struct tide_query query = {.filters = filters, .order = order, .limit = 3};
    json_t *rows = NULL;
    int64_t count;
    bool done;

    if (!went_well(tide_repository_find(notes, &query, &rows, err), err))
        return false;
    assert_int_equal(json_array_size(rows), 1);
    json_decref(rows);
    if (!went_well(tide_repository_count(notes, filters, TIDE_LIVE, &count, err), err))
        return false;
    assert_int_equal(count, 1);
    rows = NULL;
    done = went_well(tide_repository_select(notes,
                                            "select n.title, l.text, ?1 as list"
                                            " from note as n left join line as l"
                                            " on l.note_id = n.id",
                                            json_object_get(given, "parameters"),
                                            TIDE_LIVE, &rows, err),
                     err);
    json_decref(rows);
    return done;
}

static bool write_rows(struct tide_repository *notes, struct tide_unit_of_work *unit,
                       struct tide_error *err)
{
    json_t *row = NULL;
    bool done = went_well(
        tide_repository_insert(notes, unit, json_object_get(given, "values"), &row, err),
        err);

    json_decref(row);
    row = NULL;
    done = done &&
           went_well(tide_repository_update_by_id(
                         notes, unit, id, json_object_get(given, "change"), &row, err),
                     err);
    json_decref(row);
    return done && read_rows(notes, err) &&
           went_well(tide_repository_soft_delete_by_id(notes, unit, id, err), err) &&
           went_well(tide_repository_restore_by_id(notes, unit, id, err), err);
}

static bool use_repository(struct tide_cache *cache, struct tide_error *err)
{
    struct tide_repository *notes = NULL;
    struct tide_unit_of_work *unit = NULL;
    json_t *row = NULL;
    bool done = went_well(tide_repository_new(&notes, cache, "note", err), err) &&
                went_well(tide_unit_of_work_begin(&unit, cache, A, err), err) &&
                write_rows(notes, unit, err);

    if (done)
        done = went_well(tide_unit_of_work_commit(unit, NULL, err), err);
    else
        tide_unit_of_work_roll_back(unit);
    done = done &&
           went_well(tide_repository_get_by_id(notes, id, TIDE_LIVE, &row, err), err);
    json_decref(row);
    row = NULL;
    done = done && went_well(tide_client_status(cache, &row, err), err);
    json_decref(row);
    tide_repository_free(notes);
    return done;
}

struct Text {
    char *id;
    bool has_tags;
    json_t *tags;
};

static bool use_model(struct tide_cache *cache, struct tide_error *err)
{
    static const struct tide_field fields[] = {
        {"id", "uuid", TIDE_MEMBER_TEXT, offsetof(struct Text, id), TIDE_NO_MEMBER,
         TIDE_NO_MEMBER, false, false},
        {"tags", "array_of_text", TIDE_MEMBER_JSON, offsetof(struct Text, tags),
         offsetof(struct Text, has_tags), TIDE_NO_MEMBER, true, false}};
    static const struct tide_model model = {"note", sizeof(struct Text), fields, 2};
    struct tide_repository *notes = NULL;
    struct Text text = {0};
    json_t *values = NULL;
    bool done =
        went_well(tide_model_repository(&model, &notes, cache, err), err) &&
        went_well(tide_model_from_row(&model, &text, json_object_get(given, "row"), err),
                  err);

    if (done && tide_model_to_values(&model, &text, &values, err) == TIDE_FAILED) {
        assert_non_null(strstr(err->message, "memory"));
        done = false;
    }
    json_decref(values);
    tide_model_release(&model, &text);
    tide_repository_free(notes);
    return done;
}

static bool everything(const char *path)
{
    struct tide_error err = {0};
    struct tide_cache *cache = NULL;
    bool done = went_well(tide_cache_open(&cache, path, NULL, &err), &err) &&
                use_repository(cache, &err) && use_model(cache, &err);

    tide_cache_close(cache);
    return done;
}

static void clear_table(struct library_world *world)
{
    run_sql(world->db, "begin immediate; update tide_gate set open = 1; delete from note;"
                       "update tide_gate set open = 0; delete from tide_outbox; commit");
}

/* Lets the allocations fail one after the other, passing some over. */
static void fail_each(struct library_world *world, int whose, long stride)
{
    bool done = false;
    long refusals = 0;

    given = json_of("{'title': 'a%', 'tags': ['x', 'y'], 'sizes': [1, 2, null],"
                    " 'parameters': [['x', 1]],"
                    " 'values': {'id': '" A "', 'title': 'a', 'size': 1,"
                    "            'tags': ['x', 'y'], 'price': '12.50',"
                    "            'happened_at': '2026-11-22T12:40:31+01'},"
                    " 'change': {'size': 2, 'body': 'long'},"
                    " 'row': {'id': '" A "', 'tags': ['x']}}");
    id = json_string(A);
    for (long number = 0; !done; number += stride) {
        assert_true(number < MORE_THAN_EVER);
        allocations_left[whose] = number;
        done = everything(world->folder->file);
        refusals += !done;
        done = done && allocations_left[whose] >= 0;
        allocations_left[whose] = -1;
        clear_table(world);
    }
    assert_true(refusals > 100);
    json_decref(given);
    json_decref(id);
}

static void none_of_ours_is_taken_for_granted(void **state)
{
    fail_each(*state, OURS, 1);
}

static void none_of_sqlite_s_is_taken_for_granted(void **state)
{
    fail_each(*state, SQLITE, 61);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(none_of_ours_is_taken_for_granted,
                                        library_world_setup, library_world_teardown),
        cmocka_unit_test_setup_teardown(none_of_sqlite_s_is_taken_for_granted,
                                        library_world_setup, library_world_teardown),
    };

    take_over_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
