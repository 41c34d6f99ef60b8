/* An application's own queries: what they see, and what is refused. */
#include "tests/support/cmocka_all.h"
#include "tests/support/library_world.h"

#define A "00000000-0000-4000-8000-00000000000a"
#define B "00000000-0000-4000-8000-00000000000b"

static int select_setup(void **state)
{
    struct library_world *world;
    struct tide_unit_of_work *unit;
    json_t *id = json_string(B);
    struct tide_error err = {0};

    library_world_setup(state);
    world = *state;
    put_row(world, world->notes, "{'id': '" A "', 'title': 'live', 'size': 1}");
    put_row(world, world->notes, "{'id': '" B "', 'title': 'gone', 'size': 2}");
    put_row(world, world->lines, "{'note_id': '" A "', 'number': 1, 'text': 'x'}");
    unit = begin_unit(world);
    assert_result(tide_repository_soft_delete_by_id(world->notes, unit, id, &err), &err,
                  TIDE_OK);
    commit_unit(unit, NULL);
    json_decref(id);
    return 0;
}

static void assert_selected(void **state, const char *sql, const char *parameters,
                            enum tide_scope scope, const char *expected)
{
    struct library_world *world = *state;
    json_t *values = parameters ? json_of(parameters) : NULL;
    json_t *rows = NULL;
    struct tide_error err = {0};

    assert_result(tide_repository_select(world->notes, sql, values, scope, &rows, &err),
                  &err, TIDE_OK);
    assert_json(rows, expected);
    json_decref(values);
}

static void assert_refused(void **state, const char *sql, const char *parameters,
                           const char *part)
{
    struct library_world *world = *state;
    json_t *values = parameters ? json_of(parameters) : NULL;
    json_t *rows = NULL;
    struct tide_error err = {0};

    assert_failure(
        tide_repository_select(world->notes, sql, values, TIDE_LIVE, &rows, &err), &err,
        TIDE_ERROR_MISUSE, part);
    assert_null(rows);
    json_decref(values);
}

static void queries_see_the_rows_of_the_scope(void **state)
{
    const char *sql = "select title from Note order by title";

    assert_selected(state, sql, NULL, TIDE_LIVE, "[{'title': 'live'}]");
    assert_selected(state, sql, NULL, TIDE_ONLY_DELETED, "[{'title': 'gone'}]");
    assert_selected(state, sql, NULL, TIDE_WITH_DELETED,
                    "[{'title': 'gone'}, {'title': 'live'}]");
    assert_selected(state, "select count(*) as n from main.note", NULL, TIDE_LIVE,
                    "[{'n': 2}]");
    assert_selected(state, "select count(*) as n from line", NULL, TIDE_ONLY_DELETED,
                    "[{'n': 0}]");
    assert_selected(state,
                    "select title, (select count(*) from line where note_id = note.id)"
                    " as lines from (select * from note)  as note",
                    NULL, TIDE_LIVE, "[{'title': 'live', 'lines': 1}]");
}

static void queries_may_begin_with_a_with_and_with_comments(void **state)
{
    assert_selected(state,
                    "-- all of them\n /* select */ WITH big AS (select * from note)"
                    " select title from big;  -- done",
                    NULL, TIDE_LIVE, "[{'title': 'live'}]");
    assert_selected(state,
                    "with recursive n(i) as (values (1) union all select i + 1 from n"
                    " where i < 2) select i, title from n join note on size = i",
                    NULL, TIDE_LIVE, "[{'i': 1, 'title': 'live'}]");
    assert_selected(state, "values (1, x'00ff')", NULL, TIDE_LIVE,
                    "[{'column1': 1, 'column2': '\\\\x00ff'}]");
}

static void parameters_come_by_number_or_by_name(void **state)
{
    assert_selected(state, "select ?1 as a, ?2 as b, ?1 as c", "[1.5, null]", TIDE_LIVE,
                    "[{'a': 1.5, 'b': null, 'c': 1.5}]");
    assert_selected(state, "select :a as a, @b as b", "{'a': 'x', 'b': true}", TIDE_LIVE,
                    "[{'a': 'x', 'b': 1}]");
    assert_selected(state, "select value from json_each(?1)", "[['x', 'y']]", TIDE_LIVE,
                    "[{'value': 'x'}, {'value': 'y'}]");
    assert_refused(state, "select ?1, ?2", "[1]", "parameter 2");
    assert_refused(state, "select ?1", "[1, 2]", "2 values were given for 1");
    assert_refused(state, "select :a", "{'a': 1, 'b': 1}", "no parameter :b");
    assert_refused(state, "select :a", "{'b': 1}", "no parameter :b");
    assert_refused(state, "select :a", NULL, "parameter 1, :a");
    assert_refused(state, "select 1", "5", "an array or an object");
}

static void only_one_statement_that_reads_is_run(void **state)
{
    assert_refused(state, "delete from note", NULL, "begins with SELECT");
    assert_refused(state, "", NULL, "begins with SELECT");
    assert_refused(state, "pragma user_version = 7", NULL, "begins with SELECT");
    assert_refused(state, "selective", NULL, "begins with SELECT");
    assert_refused(state, "with x as (select 1) delete from note", NULL, "only reads");
    assert_refused(state, "select 1; select 2", NULL, "more than one statement");
    assert_refused(state, "select 1; nonsense", NULL, "more than one statement");
    assert_refused(state, "select nobody from note", NULL, "no such column: nobody");
    assert_refused(state, "select 1 as a, 2 as a", NULL, "called a");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, select_setup, library_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(queries_see_the_rows_of_the_scope),
        CASE(queries_may_begin_with_a_with_and_with_comments),
        CASE(parameters_come_by_number_or_by_name),
        CASE(only_one_statement_that_reads_is_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
