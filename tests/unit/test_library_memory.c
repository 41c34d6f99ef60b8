/*
 * libtidemark when memory runs out: in each of its functions each allocation in turn
 * fails, ours, jansson's and SQLite's; then, for a part of them, all from that one on.
 * What comes of it is an error or the right result, the cache goes on working, and
 * nothing is lost; the sanitizers look on in `make asan`.
 */
#include "lib/base/cleanup.h"
#include "lib/repository/library_cache.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/failing_memory.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/library_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A "00000000-0000-4000-8000-00000000000a"
#define B "00000000-0000-4000-8000-00000000000b"
#define C "00000000-0000-4000-8000-00000000000c"
#define MORE_THAN_EVER 100000

/* ---- what the functions are tried on ---- */

struct bench {
    int descriptors; /* open before */
    struct library_world *world;
    struct fake_daemon daemon;
    struct tide_cache_options options;
    char socket[100];
    char small[100]; /* a cache without tables: SQLite reads the others at length */
    struct tide_cache *cache;
    struct tide_repository *notes;
    struct tide_unit_of_work *unit;
    struct tide_watch *watch;
    struct tide_receipt receipt;
    const char *values;
    json_t *given; /* made before memory runs out */
    json_t *out;   /* what the function gave */
    int64_t count;
};

/* One function in one situation. */
struct trial {
    const char *name;
    void (*prepare)(struct bench *bench); /* may be NULL */
    enum tide_result (*run)(struct bench *bench, struct tide_error *err);
    enum tide_result expected;
    const char *says;   /* in the message, where TIDE_FAILED is expected */
    const char *values; /* the name of what is written, or read */
};

static json_t *given(const struct bench *bench, const char *name)
{
    return json_object_get(bench->given, name);
}

static void begin(struct bench *bench)
{
    struct tide_error err = {0};

    assert_result(tide_unit_of_work_begin(&bench->unit, bench->cache, A, &err), &err,
                  TIDE_OK);
}

/* ---- opening ---- */

static void close_first(struct bench *bench)
{
    tide_repository_free(bench->notes);
    tide_cache_close(bench->cache);
    bench->notes = NULL;
    bench->cache = NULL;
}

static enum tide_result run_open(struct bench *bench, struct tide_error *err)
{
    return tide_cache_open(&bench->cache, bench->small, &bench->options, err);
}

static enum tide_result run_open_read_only(struct bench *bench, struct tide_error *err)
{
    const struct tide_cache_options options = {.read_only = true};

    return tide_cache_open(&bench->cache, bench->small, &options, err);
}

static void free_notes(struct bench *bench)
{
    tide_repository_free(bench->notes);
    bench->notes = NULL;
}

static enum tide_result run_new(struct bench *bench, struct tide_error *err)
{
    return tide_repository_new(&bench->notes, bench->cache, "note", err);
}

static enum tide_result run_new_unknown(struct bench *bench, struct tide_error *err)
{
    return tide_repository_new(&bench->notes, bench->cache, "nonsense", err);
}

/* ---- units of work ---- */

static enum tide_result run_begin(struct bench *bench, struct tide_error *err)
{
    return tide_unit_of_work_begin(&bench->unit, bench->cache, A, err);
}

static void begin_and_write(struct bench *bench)
{
    struct tide_error err = {0};

    begin(bench);
    assert_result(tide_repository_insert(bench->notes, bench->unit,
                                         given(bench, "values"), NULL, &err),
                  &err, TIDE_OK);
}

static enum tide_result run_commit(struct bench *bench, struct tide_error *err)
{
    return tide_unit_of_work_commit(bench->unit, &bench->receipt, err);
}

static enum tide_result run_roll_back(struct bench *bench, struct tide_error *err)
{
    (void)err;
    tide_unit_of_work_roll_back(bench->unit);
    return TIDE_OK;
}

/* ---- reading ---- */

static enum tide_result run_get_by_id(struct bench *bench, struct tide_error *err)
{
    return tide_repository_get_by_id(bench->notes, given(bench, bench->values), TIDE_LIVE,
                                     &bench->out, err);
}

static enum tide_result run_get_one(struct bench *bench, struct tide_error *err)
{
    const struct tide_filter filters[] = {{"title", TIDE_EQUAL, given(bench, "title")},
                                          {NULL, TIDE_EQUAL, NULL}};

    return tide_repository_get_one(bench->notes, filters, TIDE_LIVE, &bench->out, err);
}

static enum tide_result run_find(struct bench *bench, struct tide_error *err)
{
    const struct tide_filter filters[] = {{"title", TIDE_LIKE, given(bench, "pattern")},
                                          {"tags", TIDE_EQUAL, given(bench, "tags")},
                                          {"size", TIDE_IN, given(bench, "sizes")},
                                          {NULL, TIDE_EQUAL, NULL}};
    const struct tide_order order[] = {{"size", true}, {NULL, false}};
    const struct tide_query query = {.filters = filters,
                                     .order = order,
                                     .after = given(bench, "after"),
                                     .limit = 3,
                                     .scope = TIDE_WITH_DELETED};

    enum tide_result result =
        tide_repository_find(bench->notes, &query, &bench->out, err);

    assert_true(result == TIDE_FAILED || json_array_size(bench->out) == 1);
    return result;
}

static enum tide_result run_find_unknown(struct bench *bench, struct tide_error *err)
{
    const struct tide_filter filters[] = {{"nonsense", TIDE_IS_NULL, NULL},
                                          {NULL, TIDE_EQUAL, NULL}};
    const struct tide_query query = {.filters = filters};

    return tide_repository_find(bench->notes, &query, &bench->out, err);
}

static enum tide_result run_count(struct bench *bench, struct tide_error *err)
{
    const struct tide_filter filters[] = {{"size", TIDE_IN, given(bench, "sizes")},
                                          {NULL, TIDE_EQUAL, NULL}};

    enum tide_result result =
        tide_repository_count(bench->notes, filters, TIDE_LIVE, &bench->count, err);

    assert_true(result == TIDE_FAILED || bench->count == 1);
    return result;
}

static enum tide_result run_select(struct bench *bench, struct tide_error *err)
{
    return tide_repository_select(bench->notes,
                                  "select n.title, l.text, ?1 as list from note as n"
                                  " left join line as l on l.note_id = n.id",
                                  given(bench, "parameters"), TIDE_LIVE, &bench->out,
                                  err);
}

/* ---- writing ---- */

static enum tide_result run_insert(struct bench *bench, struct tide_error *err)
{
    return tide_repository_insert(bench->notes, bench->unit, given(bench, bench->values),
                                  &bench->out, err);
}

static enum tide_result run_update(struct bench *bench, struct tide_error *err)
{
    return tide_repository_update_by_id(bench->notes, bench->unit, given(bench, "a"),
                                        given(bench, bench->values), &bench->out, err);
}

static enum tide_result run_soft_delete(struct bench *bench, struct tide_error *err)
{
    return tide_repository_soft_delete_by_id(bench->notes, bench->unit, given(bench, "a"),
                                             err);
}

static enum tide_result run_restore(struct bench *bench, struct tide_error *err)
{
    return tide_repository_restore_by_id(bench->notes, bench->unit, given(bench, "b"),
                                         err);
}

/* The repository keeps its statements. */
static void begin_and_write_again(struct bench *bench)
{
    struct tide_error err = {0};

    begin_and_write(bench);
    assert_result(tide_repository_update_by_id(bench->notes, bench->unit,
                                               given(bench, "a"), given(bench, "change"),
                                               NULL, &err),
                  &err, TIDE_OK);
    tide_unit_of_work_roll_back(bench->unit);
    begin(bench);
}

static void begin_with_twin(struct bench *bench)
{
    struct tide_error err = {0};

    begin(bench);
    assert_result(tide_repository_insert(bench->notes, bench->unit, given(bench, "twin"),
                                         NULL, &err),
                  &err, TIDE_OK);
}

/* ---- models ---- */

struct Text {
    char *id;
    bool has_tags;
    json_t *tags;
};

static const struct tide_field fields[] = {
    {"id", "uuid", TIDE_MEMBER_TEXT, offsetof(struct Text, id), TIDE_NO_MEMBER,
     TIDE_NO_MEMBER, false, false},
    {"tags", "array_of_text", TIDE_MEMBER_JSON, offsetof(struct Text, tags),
     offsetof(struct Text, has_tags), TIDE_NO_MEMBER, true, false}};
static const struct tide_model model = {"note", sizeof(struct Text), fields, 2};

static enum tide_result run_model(struct bench *bench, struct tide_error *err)
{
    return tide_model_repository(&model, &bench->notes, bench->cache, err);
}

static enum tide_result run_from_row(struct bench *bench, struct tide_error *err)
{
    struct Text text = {0};
    enum tide_result result =
        tide_model_from_row(&model, &text, given(bench, "row"), err);

    if (result == TIDE_OK)
        assert_true(text.has_tags && json_array_size(text.tags) == 1);
    tide_model_release(&model, &text);
    return result;
}

static enum tide_result run_to_values(struct bench *bench, struct tide_error *err)
{
    struct Text text = {
        .id = (char[]){A}, .has_tags = true, .tags = given(bench, "tags")};

    return tide_model_to_values(&model, &text, &bench->out, err);
}

/* ---- the daemon ---- */

static void hide_socket(struct bench *bench)
{
    free(TAKE(bench->cache->control_socket));
}

static enum tide_result run_status(struct bench *bench, struct tide_error *err)
{
    return tide_client_status(bench->cache, &bench->out, err);
}

static enum tide_result run_sync_now(struct bench *bench, struct tide_error *err)
{
    return tide_client_sync_now(bench->cache, err);
}

static void write_and_commit(struct bench *bench)
{
    struct tide_error err = {0};

    begin_and_write(bench);
    assert_result(run_commit(bench, &err), &err, TIDE_OK);
}

static void write_and_arrive(struct bench *bench)
{
    write_and_commit(bench);
    run_sql(bench->world->db, "delete from tide_outbox");
}

static void write_and_be_refused(struct bench *bench)
{
    char sql[400];

    write_and_commit(bench);
    snprintf(sql, sizeof(sql),
             "delete from tide_outbox; insert into tide_rejected_row (table_name, "
             "row_key, op, sqlstate, message, unit_id, changed_us, rejected_us)"
             " values ('note', '[\"x\"]', 'insert', '23514', 'no', %lld, 1, 1)",
             (long long)bench->receipt.unit);
    run_sql(bench->world->db, sql);
}

static enum tide_result run_wait(struct bench *bench, struct tide_error *err)
{
    return tide_client_wait(bench->cache, &bench->receipt, 0, err);
}

static enum tide_result run_watch(struct bench *bench, struct tide_error *err)
{
    return tide_client_watch(&bench->watch, bench->cache, err);
}

static void watch_first(struct bench *bench)
{
    struct tide_error err = {0};

    assert_result(run_watch(bench, &err), &err, TIDE_OK);
}

static enum tide_result run_watch_next(struct bench *bench, struct tide_error *err)
{
    return tide_watch_next(bench->watch, 5000, &bench->out, err);
}

static const struct trial trials[] = {
    {"open", close_first, run_open, TIDE_OK, NULL, NULL},
    {"open for reading", close_first, run_open_read_only, TIDE_OK, NULL, NULL},
    {"repository_new", free_notes, run_new, TIDE_OK, NULL, NULL},
    {"repository_new, unknown", free_notes, run_new_unknown, TIDE_FAILED, "nonsense",
     NULL},
    {"begin", NULL, run_begin, TIDE_OK, NULL, NULL},
    {"commit", begin_and_write, run_commit, TIDE_OK, NULL, NULL},
    {"roll_back", begin_and_write, run_roll_back, TIDE_OK, NULL, NULL},
    {"get_by_id", NULL, run_get_by_id, TIDE_OK, NULL, "a"},
    {"get_by_id, deleted", NULL, run_get_by_id, TIDE_DELETED, NULL, "b"},
    {"get_one", NULL, run_get_one, TIDE_OK, NULL, NULL},
    {"find", NULL, run_find, TIDE_OK, NULL, NULL},
    {"find, unknown", NULL, run_find_unknown, TIDE_FAILED, "nonsense", NULL},
    {"count", NULL, run_count, TIDE_OK, NULL, NULL},
    {"select", NULL, run_select, TIDE_OK, NULL, NULL},
    {"insert", begin, run_insert, TIDE_OK, NULL, "values"},
    {"insert, again", begin_and_write_again, run_insert, TIDE_OK, NULL, "values"},
    {"insert, twice", begin_and_write_again, run_insert, TIDE_FAILED, "title", "again"},
    {"insert, deleted", begin_and_write_again, run_insert, TIDE_FAILED, "deleted",
     "revived"},
    {"update_by_id", begin, run_update, TIDE_OK, NULL, "change"},
    {"update_by_id, again", begin_and_write_again, run_update, TIDE_OK, NULL, "change"},
    {"update_by_id, wrong", begin_and_write_again, run_update, TIDE_FAILED, "happened_at",
     "wrong"},
    {"soft_delete_by_id", begin, run_soft_delete, TIDE_OK, NULL, NULL},
    {"restore_by_id", begin, run_restore, TIDE_OK, NULL, NULL},
    {"restore_by_id, twin", begin_with_twin, run_restore, TIDE_FAILED, C, NULL},
    {"model_repository", free_notes, run_model, TIDE_OK, NULL, NULL},
    {"model_from_row", NULL, run_from_row, TIDE_OK, NULL, NULL},
    {"model_to_values", NULL, run_to_values, TIDE_OK, NULL, NULL},
    {"status, of the file", hide_socket, run_status, TIDE_OK, NULL, NULL},
    {"status", NULL, run_status, TIDE_OK, NULL, NULL},
    {"sync_now", NULL, run_sync_now, TIDE_OK, NULL, NULL},
    {"sync_now, no socket", hide_socket, run_sync_now, TIDE_FAILED, "control socket",
     NULL},
    {"wait", write_and_arrive, run_wait, TIDE_OK, NULL, NULL},
    {"wait, refused", write_and_be_refused, run_wait, TIDE_REJECTED, NULL, NULL},
    {"wait, too long", write_and_commit, run_wait, TIDE_TIMED_OUT, NULL, NULL},
    {"watch", NULL, run_watch, TIDE_OK, NULL, NULL},
    {"watch_next", watch_first, run_watch_next, TIDE_OK, NULL, NULL},
};

/* ---- trying ---- */

/* What the function needs; opening needs nothing. */
static void make_ready(struct bench *bench, const struct trial *trial)
{
    struct tide_error err = {0};

    bench->values = trial->values;
    if (trial->prepare == close_first) {
        close_first(bench);
        return;
    }

    if (!bench->cache)
        assert_result(tide_cache_open(&bench->cache, bench->world->folder->file,
                                      &bench->options, &err),
                      &err, TIDE_OK);
    if (!bench->cache->control_socket)
        bench->cache->control_socket = strdup(bench->socket);
    assert_result(run_new(bench, &err), &err, TIDE_OK);
    if (trial->prepare)
        trial->prepare(bench);
}

/* As an application would, while memory may still be short. */
static void clear_up(struct bench *bench)
{
    tide_unit_of_work_roll_back(bench->unit);
    tide_watch_free(bench->watch);
    tide_repository_free(bench->notes);
    bench->unit = NULL;
    bench->watch = NULL;
    bench->notes = NULL;
}

/* What is left of what it wrote; the write lock must be free. */
static void forget_rows(struct bench *bench)
{
    run_sql(bench->world->db, "begin immediate; update tide_gate set open = 1;"
                              "delete from note where id not in ('" A "', '" B "');"
                              "update tide_gate set open = 0; delete from tide_outbox;"
                              "delete from tide_rejected_row; commit");
}

/* For want of memory a conflict may be told without naming the other row. */
static bool is_right(const struct trial *trial, enum tide_result result,
                     const struct tide_error *err)
{
    return result == trial->expected &&
           (result != TIDE_FAILED || strstr(err->message, trial->says) ||
            (failing_memory_has_failed() && err->kind == TIDE_ERROR_CONFLICT));
}

/* Whether it did what it should; if not, it says that it was memory. */
static bool try_once(struct bench *bench, const struct trial *trial)
{
    struct tide_error err = {0};
    enum tide_result result = trial->run(bench, &err);
    bool right = is_right(trial, result, &err);

    clear_up(bench);
    if (!right && (result != TIDE_FAILED || err.kind != TIDE_ERROR_SYSTEM ||
                   !strstr(err.message, "memory"))) {
        failing_memory_end();
        fail_msg("%s: result %d, kind %d: %s", trial->name, (int)result, (int)err.kind,
                 err.message);
    }
    if (result == TIDE_FAILED && bench->out)
        fail_msg("%s has failed, and gave something", trial->name);
    return right;
}

/* The number of allocations that were needed. */
static long fail_each(struct bench *bench, const struct trial *trial,
                      enum memory_shortage kind)
{
    long refusals = 0;

    for (long number = 0; number < MORE_THAN_EVER;
         number += kind == MEMORY_FAILS_ONCE ? 1 : 1 + number / 64) {
        bool right;
        bool enough;

        make_ready(bench, trial);
        failing_memory_start(kind, number);
        right = try_once(bench, trial);
        enough = !failing_memory_end();
        json_decref(bench->out);
        bench->out = NULL;
        if (trial->prepare == close_first)
            close_first(bench);
        forget_rows(bench);
        if (bench->cache && open_statement_count(bench->cache->file.db) > 0)
            fail_msg("%s has left a statement", trial->name);
        refusals += !right;
        if (enough && !right)
            fail_msg("%s fails without a reason", trial->name);
        if (enough)
            return refusals ? number : -1;
    }
    fail_msg("%s never ends", trial->name);
    return 0;
}

static void fail_in_all(struct bench *bench, enum memory_shortage kind)
{
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        long needed = fail_each(bench, &trials[i], kind);

        if (needed < 0 && trials[i].run != run_roll_back)
            fail_msg("%s never failed", trials[i].name);
    }
}

/* ---- tests ---- */

static void make_small(struct bench *bench)
{
    struct cache cache = {0};
    struct error err = {0};

    snprintf(bench->small, sizeof(bench->small), "%s/small.db",
             bench->world->folder->path);
    assert_int_equal(
        cache_open(&cache, &(struct cache_config){.path = bench->small, .mode = 0600},
                   &err),
        OK);
    cache_release(&cache);
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    void *world;

    assert_non_null(bench);
    bench->descriptors = open_descriptor_count();
    library_world_setup(&world);
    bench->world = world;
    put_row(bench->world, bench->world->notes,
            "{'id': '" A "', 'title': 'a', 'size': 1, 'tags': ['x', 'y'],"
            " 'price': '12.50', 'happened_at': '2026-11-22T12:40:31+01'}");
    put_row(bench->world, bench->world->notes, "{'id': '" B "', 'title': 'b'}");
    bench->given =
        json_of("{'a': '" A "', 'b': '" B "', 'title': 'a', 'pattern': 'a%',"
                " 'tags': ['x', 'y'], 'sizes': [1, 2, null], 'parameters': [['x', 1]],"
                " 'after': {'id': '" A "', 'size': 7}, 'row': {'id': '" A
                "', 'tags': ['x']}, 'values': {'id': '" C "', 'title': 'c', 'size': 1,"
                " 'tags': ['x', 'y'], 'price': '12.50',"
                " 'happened_at': '2026-11-22T12:40:31+01'},"
                " 'again': {'title': 'a'}, 'twin': {'id': '" C "', 'title': 'b'},"
                " 'revived': {'id': '" B "', 'title': 'z'},"
                " 'change': {'size': 2, 'body': 'long'},"
                " 'wrong': {'happened_at': '2026-11-22T12:40:31'}}");
    run_sql(
        bench->world->db,
        "update note set deleted_at = '2026-11-22T00:00:00.000000Z' where title = 'b';"
        "delete from tide_outbox");
    snprintf(bench->socket, sizeof(bench->socket), "%s/socket",
             bench->world->folder->path);
    fake_daemon_start(&bench->daemon, bench->socket);
    bench->options.control_socket = bench->socket;
    make_small(bench);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    void *world = bench->world;
    int descriptors = bench->descriptors;

    close_first(bench);
    fake_daemon_stop(&bench->daemon);
    json_decref(bench->given);
    free(bench);
    library_world_teardown(&world);
    /* not before: SQLite keeps a file open while another connection has a lock on it */
    assert_int_equal(open_descriptor_count(), descriptors);
    return 0;
}

static void each_allocation_may_fail(void **state)
{
    fail_in_all(*state, MEMORY_FAILS_ONCE);
}

static void memory_may_run_out_for_good(void **state)
{
    fail_in_all(*state, MEMORY_IS_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_allocation_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_run_out_for_good, setup, teardown),
    };

    failing_memory_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
