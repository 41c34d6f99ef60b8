/* Rows of one table, read and written as applications do by libtidemark. */
#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/library_world.h"
#include "tests/support/table_builder.h"

#include <stdlib.h>
#include <string.h>

#define A "00000000-0000-4000-8000-00000000000a"
#define B "00000000-0000-4000-8000-00000000000b"
#define C "00000000-0000-4000-8000-00000000000c"

/* ---- words ---- */

static enum tide_result insert(struct library_world *world,
                               struct tide_repository *repository, const char *values,
                               json_t **out_row, struct tide_error *err)
{
    struct tide_unit_of_work *unit = begin_unit(world);
    json_t *json = json_of(values);
    enum tide_result result =
        tide_repository_insert(repository, unit, json, out_row, err);

    commit_unit(unit, NULL);
    json_decref(json);
    return result;
}

static enum tide_result update(struct library_world *world,
                               struct tide_repository *repository, const char *id,
                               const char *values, json_t **out_row,
                               struct tide_error *err)
{
    struct tide_unit_of_work *unit = begin_unit(world);
    json_t *key = json_of(id);
    json_t *json = json_of(values);
    enum tide_result result =
        tide_repository_update_by_id(repository, unit, key, json, out_row, err);

    commit_unit(unit, NULL);
    json_decref(json);
    json_decref(key);
    return result;
}

static enum tide_result
by_id(struct library_world *world, struct tide_repository *repository, const char *id,
      enum tide_result (*call)(struct tide_repository *, struct tide_unit_of_work *,
                               const json_t *, struct tide_error *),
      struct tide_error *err)
{
    struct tide_unit_of_work *unit = begin_unit(world);
    json_t *key = json_of(id);
    enum tide_result result = call(repository, unit, key, err);

    commit_unit(unit, NULL);
    json_decref(key);
    return result;
}

#define DELETE(world, repository, id, err)                                               \
    by_id(world, repository, id, tide_repository_soft_delete_by_id, err)
#define RESTORE(world, repository, id, err)                                              \
    by_id(world, repository, id, tide_repository_restore_by_id, err)

static enum tide_result get(struct tide_repository *repository, const char *id,
                            enum tide_scope scope, json_t **out_row,
                            struct tide_error *err)
{
    json_t *key = json_of(id);
    enum tide_result result =
        tide_repository_get_by_id(repository, key, scope, out_row, err);

    json_decref(key);
    return result;
}

/* Titles of what the query finds, with commas; the rows, unless NULL is given. */
static void assert_found(struct library_world *world, const struct tide_query *query,
                         const char *expected, json_t **out_rows)
{
    char titles[200] = "";
    json_t *rows;
    json_t *row;
    size_t i;
    struct tide_error err = {0};

    assert_result(tide_repository_find(world->notes, query, &rows, &err), &err, TIDE_OK);
    json_array_foreach(rows, i, row)
    {
        strcat(titles, i ? "," : "");
        strcat(titles, json_string_value(json_object_get(row, "title")));
    }
    assert_string_equal(titles, expected);
    if (out_rows)
        *out_rows = rows;
    else
        json_decref(rows);
}

static void assert_filtered(struct library_world *world, const char *column,
                            enum tide_comparison comparison, const char *value,
                            const char *expected)
{
    json_t *json = value ? json_of(value) : NULL;
    const struct tide_filter filters[] = {{column, comparison, json}, {0}};
    const struct tide_order order[] = {{"title", false}, {0}};
    int64_t count = -1;
    struct tide_error err = {0};
    int64_t wanted = *expected != '\0';

    for (const char *comma = expected; (comma = strchr(comma, ',')); comma++)
        wanted++;
    assert_found(world, &(struct tide_query){.filters = filters, .order = order},
                 expected, NULL);
    assert_result(tide_repository_count(world->notes, filters, TIDE_LIVE, &count, &err),
                  &err, TIDE_OK);
    assert_int_equal(count, wanted);
    json_decref(json);
}

/* ---- reading ---- */

static void rows_come_by_id_and_tombstones_are_told_apart(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};
    json_t *row = NULL;

    put_row(world, world->notes, "{'id': '" A "', 'title': 'a'}");
    assert_result(get(world->notes, "'" A "'", TIDE_LIVE, &row, &err), &err, TIDE_OK);
    json_decref(row);
    assert_result(get(world->notes, "{'id': '" A "'}", TIDE_LIVE, &row, &err), &err,
                  TIDE_OK);
    json_decref(row);
    row = NULL;
    assert_result(get(world->notes, "'" A "'", TIDE_ONLY_DELETED, &row, &err), &err,
                  TIDE_NOT_FOUND);
    assert_result(get(world->notes, "'" B "'", TIDE_WITH_DELETED, &row, &err), &err,
                  TIDE_NOT_FOUND);
    assert_null(row);

    assert_result(DELETE(world, world->notes, "'" A "'", &err), &err, TIDE_OK);
    assert_result(get(world->notes, "'" A "'", TIDE_LIVE, &row, &err), &err,
                  TIDE_DELETED);
    assert_true(json_is_string(json_object_get(row, "deleted_at")));
    json_decref(row);
    assert_result(get(world->notes, "'" A "'", TIDE_ONLY_DELETED, &row, &err), &err,
                  TIDE_OK);
    json_decref(row);
}

static void keys_of_several_columns_are_objects(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};
    json_t *row = NULL;

    put_row(world, world->notes, "{'id': '" A "', 'title': 'a'}");
    put_row(world, world->lines, "{'note_id': '" A "', 'number': 1, 'text': 'x'}");
    assert_result(
        get(world->lines, "{'number': 1, 'note_id': '" A "'}", TIDE_LIVE, &row, &err),
        &err, TIDE_OK);
    assert_json(row, "{'note_id': '" A "', 'number': 1, 'text': 'x'}");
    assert_failure(get(world->lines, "'" A "'", TIDE_LIVE, &row, &err), &err,
                   TIDE_ERROR_MISUSE, "the id of line is an object");
    assert_failure(get(world->lines, "{'number': 1}", TIDE_LIVE, &row, &err), &err,
                   TIDE_ERROR_MISUSE, "line.note_id");
    assert_failure(
        get(world->notes, "{'id': '" A "', 'title': 'a'}", TIDE_LIVE, &row, &err), &err,
        TIDE_ERROR_MISUSE, "1 columns");
    assert_failure(get(world->notes, "5", TIDE_LIVE, &row, &err), &err, TIDE_ERROR_MISUSE,
                   "note.id: wants a UUID, not an integer");
}

static void put_five(struct library_world *world)
{
    struct tide_error err = {0};

    put_row(world, world->notes, "{'title': 'a', 'size': 1, 'price': '9'}");
    put_row(world, world->notes,
            "{'id': '" C "', 'title': 'b', 'size': 2, 'price': '10'}");
    put_row(world, world->notes, "{'title': 'c', 'pinned': true}");
    put_row(world, world->notes,
            "{'id': '" A "', 'title': 'd_d', 'size': 2, 'price': '-1.5'}");
    put_row(world, world->notes, "{'id': '" B "', 'title': 'gone', 'size': 1}");
    assert_result(DELETE(world, world->notes, "'" B "'", &err), &err, TIDE_OK);
}

static void filters_compare_as_sql_does_with_null_as_a_value(void **state)
{
    struct library_world *world = *state;

    put_five(world);
    assert_filtered(world, "size", TIDE_EQUAL, "2", "b,d_d");
    assert_filtered(world, "size", TIDE_EQUAL, "null", "c");
    assert_filtered(world, "size", TIDE_NOT_EQUAL, "2", "a,c");
    assert_filtered(world, "size", TIDE_LESS, "2", "a");
    assert_filtered(world, "size", TIDE_GREATER_OR_EQUAL, "1", "a,b,d_d");
    assert_filtered(world, "size", TIDE_IN, "[1, null]", "a,c");
    assert_filtered(world, "size", TIDE_IN, "[]", "");
    assert_filtered(world, "size", TIDE_IS_NULL, NULL, "c");
    assert_filtered(world, "size", TIDE_IS_NOT_NULL, NULL, "a,b,d_d");
    assert_filtered(world, "title", TIDE_LIKE, "'%D'", "d_d");
    assert_filtered(world, "title", TIDE_LIKE, "'d\\\\_d'", "d_d");
    assert_filtered(world, "title", TIDE_LIKE, "'\\\\_'", "");
    assert_filtered(world, "pinned", TIDE_EQUAL, "true", "c");
    assert_filtered(world, "price", TIDE_GREATER, "'9'", "b");
    assert_filtered(world, "price", TIDE_EQUAL, "'9'", "a");
    assert_filtered(world, "happened_at", TIDE_IS_NULL, NULL, "a,b,c,d_d");
}

static void scopes_choose_the_rows(void **state)
{
    struct library_world *world = *state;
    const struct tide_order order[] = {{"title", false}, {0}};
    int64_t count = 0;
    struct tide_error err = {0};

    put_five(world);
    assert_found(world, &(struct tide_query){.order = order}, "a,b,c,d_d", NULL);
    assert_found(world, &(struct tide_query){.order = order, .scope = TIDE_WITH_DELETED},
                 "a,b,c,d_d,gone", NULL);
    assert_found(world, &(struct tide_query){.scope = TIDE_ONLY_DELETED}, "gone", NULL);
    assert_result(
        tide_repository_count(world->lines, NULL, TIDE_ONLY_DELETED, &count, &err), &err,
        TIDE_OK);
    assert_int_equal(count, 0);
}

/* Pages of one row; every order ends with all rows seen once. */
static void assert_pages(struct library_world *world, const struct tide_order *order,
                         const char *expected)
{
    char titles[200] = "";
    json_t *last = NULL;
    struct tide_error err = {0};

    for (;;) {
        const struct tide_query query = {.order = order, .after = last, .limit = 1};
        json_t *rows;

        assert_result(tide_repository_find(world->notes, &query, &rows, &err), &err,
                      TIDE_OK);
        assert_true(json_array_size(rows) <= query.limit);
        json_decref(last);
        last = json_incref(json_array_get(rows, 0));
        json_decref(rows);
        if (!last)
            break;
        strcat(titles, *titles ? "," : "");
        strcat(titles, json_string_value(json_object_get(last, "title")));
    }
    assert_string_equal(titles, expected);
}

static void pages_follow_one_another_through_nulls_and_ties(void **state)
{
    struct library_world *world = *state;
    const struct tide_order up[] = {{"size", false}, {"title", false}, {0}};
    const struct tide_order down[] = {{"size", true}, {"title", true}, {0}};
    const struct tide_order mixed[] = {{"size", true}, {"title", false}, {0}};
    const struct tide_order ties[] = {{"size", false}, {0}};
    const struct tide_order price[] = {{"price", false}, {0}};
    const struct tide_order price_down[] = {{"price", true}, {0}};
    const struct tide_order nulls[] = {{"happened_at", false}, {"title", false}, {0}};
    const struct tide_order nulls_down[] = {{"happened_at", true}, {"title", true}, {0}};
    json_t *short_row = json_of("{'title': 'a'}");
    json_t *rows = NULL;
    struct tide_error err = {0};

    put_five(world);
    assert_pages(world, up, "c,a,b,d_d");
    assert_pages(world, down, "d_d,b,a,c");
    assert_pages(world, mixed, "b,d_d,a,c");
    assert_pages(world, ties, "c,a,d_d,b");
    assert_pages(world, price, "c,d_d,a,b");
    assert_pages(world, price_down, "b,a,d_d,c");
    assert_pages(world, nulls, "a,b,c,d_d");
    assert_pages(world, nulls_down, "d_d,c,b,a");
    assert_failure(
        tide_repository_find(world->notes,
                             &(struct tide_query){.order = up, .after = short_row}, &rows,
                             &err),
        &err, TIDE_ERROR_MISUSE, "lacks note.size");
    json_decref(short_row);
}

static void one_row_or_none_but_not_two(void **state)
{
    struct library_world *world = *state;
    json_t *two = json_integer(2);
    json_t *title = json_string("a");
    const struct tide_filter many[] = {{"size", TIDE_EQUAL, two}, {0}};
    const struct tide_filter one[] = {{"title", TIDE_EQUAL, title}, {0}};
    const struct tide_filter none[] = {
        {"title", TIDE_EQUAL, title}, {"size", TIDE_EQUAL, two}, {0}};
    json_t *row = NULL;
    struct tide_error err = {0};

    put_five(world);
    assert_failure(tide_repository_get_one(world->notes, many, TIDE_LIVE, &row, &err),
                   &err, TIDE_ERROR_CONFLICT, "more than one row of note");
    assert_result(tide_repository_get_one(world->notes, none, TIDE_LIVE, &row, &err),
                  &err, TIDE_NOT_FOUND);
    assert_null(row);
    assert_result(tide_repository_get_one(world->notes, one, TIDE_LIVE, &row, &err), &err,
                  TIDE_OK);
    json_decref(row);
    json_decref(two);
    json_decref(title);
}

static void assert_misuse(struct library_world *world, const char *column,
                          enum tide_comparison comparison, const char *value,
                          const char *part)
{
    json_t *json = value ? json_of(value) : NULL;
    const struct tide_filter filters[] = {{column, comparison, json}, {0}};
    json_t *rows = NULL;
    struct tide_error err = {0};

    assert_failure(tide_repository_find(world->kitchen,
                                        &(struct tide_query){.filters = filters}, &rows,
                                        &err),
                   &err, TIDE_ERROR_MISUSE, part);
    json_decref(json);
}

static void wrong_filters_are_named(void **state)
{
    struct library_world *world = *state;
    struct tide_repository *none = NULL;
    struct tide_error err = {0};

    assert_misuse(world, "intege", TIDE_EQUAL, "1", "kitchen has no column intege");
    assert_misuse(world, "integer", TIDE_EQUAL, "'x'", "kitchen.integer");
    assert_misuse(world, "integer", TIDE_EQUAL, NULL, "no value");
    assert_misuse(world, "integer", TIDE_IN, "1", "a list is an array");
    assert_misuse(world, "text", TIDE_LIKE, "1", "a pattern is a string");
    assert_misuse(world, "jsonb", TIDE_EQUAL, "{}", "kitchen.jsonb: JSON is not");
    assert_misuse(world, "text", (enum tide_comparison)99, "1", "no comparison 99");
    assert_failure(tide_repository_new(&none, world->cache, "notes", &err), &err,
                   TIDE_ERROR_MISUSE, "no table notes");
}

/* ---- writing ---- */

static void inserts_take_defaults_and_give_the_row(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};
    json_t *row;

    assert_result(insert(world, world->notes,
                         "{'title': 'a', 'tags': ['x', null], 'price': '1.50',"
                         " 'happened_at': '2026-11-22T13:40:31+01:00'}",
                         &row, &err),
                  &err, TIDE_OK);
    assert_int_equal(json_string_length(json_object_get(row, "id")), 36);
    assert_true(json_is_false(json_object_get(row, "pinned")));
    assert_string_equal(json_string_value(json_object_get(row, "happened_at")),
                        "2026-11-22T12:40:31.000000Z");
    assert_string_equal(json_string_value(json_object_get(row, "price")), "1.50");
    assert_json(json_incref(json_object_get(row, "tags")), "['x', null]");
    json_decref(row);
    assert_result(insert(world, world->kitchen, "{}", &row, &err), &err, TIDE_OK);
    assert_int_equal(json_integer_value(json_object_get(row, "id")), 1);
    json_decref(row);
}

static void an_insert_never_revives(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};

    put_row(world, world->notes, "{'id': '" A "', 'title': 'a'}");
    assert_failure(
        insert(world, world->notes, "{'id': '" A "', 'title': 'b'}", NULL, &err), &err,
        TIDE_ERROR_CONFLICT, "note " A " is there already");
    assert_failure(insert(world, world->notes, "{'title': 'a'}", NULL, &err), &err,
                   TIDE_ERROR_CONFLICT, "note " A " is there already (note_title)");
    assert_result(DELETE(world, world->notes, "'" A "'", &err), &err, TIDE_OK);
    assert_failure(
        insert(world, world->notes, "{'id': '" A "', 'title': 'a'}", NULL, &err), &err,
        TIDE_ERROR_CONFLICT, "note " A " is there, deleted at 2");
    assert_result(insert(world, world->notes, "{'title': 'a'}", NULL, &err), &err,
                  TIDE_OK);
}

static void wrong_values_are_named(void **state)
{
    struct library_world *world = *state;
    static const char *const wrong[][2] = {
        {"{'titel': 'a'}", "note has no column titel"},
        {"{'title': 5}", "note.title: wants a string, not an integer"},
        {"{'title': null}", "note.title cannot be null"},
        {"{'title': 'a', 'size': 2147483648}", "note.size: cannot hold 2147483648"},
        {"{'title': 'a', 'size': 1.5}", "note.size: wants an integer, not a real"},
        {"{'title': 'a', 'pinned': 1}", "note.pinned: wants true or false"},
        {"{'title': 'a', 'price': 1.5}", "note.price: wants an exact number"},
        {"{'title': 'a', 'tags': [1]}", "note.tags: wants an array of strings"},
        {"{'title': 'a', 'id': 'x'}", "note.id: wants a UUID, not"},
        {"{'title': 'a', 'happened_at': '2026-11-22T12:40:31'}", "has no time zone"},
        {"{'title': 'a', 'deleted_at': '2026-11-22T12:40:31Z'}", "note.deleted_at"},
        {"['title']", "the values are no object"},
    };
    struct tide_error err = {0};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_failure(insert(world, world->notes, wrong[i][0], NULL, &err), &err,
                       TIDE_ERROR_MISUSE, wrong[i][1]);
    assert_failure(insert(world, world->kitchen, "{'doubled': 5}", NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "kitchen.doubled is generated");
    assert_failure(insert(world, world->kitchen, "{'mood': 'so so'}", NULL, &err), &err,
                   TIDE_ERROR_MISUSE, "kitchen.mood: cannot be \"so so\"");
    assert_int_equal(number_of(world->db, "select count(*) from tide_outbox"), 0);
}

static void updates_write_what_differs(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};
    json_t *row;

    put_row(world, world->notes,
            "{'id': '" A "', 'title': 'a', 'size': 1, 'tags': ['x'],"
            " 'happened_at': '2026-11-22T12:40:31Z'}");
    run_sql(world->db, "delete from tide_outbox");
    assert_result(update(world, world->notes, "'" A "'",
                         "{'title': 'a', 'size': 1, 'tags': ['x'],"
                         " 'happened_at': '2026-11-22T13:40:31+01'}",
                         &row, &err),
                  &err, TIDE_UNCHANGED);
    json_decref(row);
    assert_int_equal(number_of(world->db, "select count(*) from tide_outbox"), 0);

    assert_result(
        update(world, world->notes, "'" A "'", "{'title': 'a', 'size': 2}", &row, &err),
        &err, TIDE_OK);
    assert_int_equal(json_integer_value(json_object_get(row, "size")), 2);
    json_decref(row);
    assert_text_of(world->db, "select base from tide_outbox where op = 'update'",
                   "{\"size\":\"1\"}");
    assert_result(update(world, world->notes, "'" B "'", "{'size': 2}", NULL, &err), &err,
                  TIDE_NOT_FOUND);
}

static void a_changed_key_moves_the_row(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};
    json_t *row;

    put_row(world, world->notes, "{'id': '" A "', 'title': 'a'}");
    assert_result(
        update(world, world->notes, "'" A "'", "{'id': '" B "', 'size': 3}", &row, &err),
        &err, TIDE_OK);
    assert_string_equal(json_string_value(json_object_get(row, "id")), B);
    json_decref(row);
}

static void a_deleted_row_is_not_updated_and_comes_back_only_alone(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};

    put_row(world, world->notes, "{'id': '" A "', 'title': 'a'}");
    assert_result(RESTORE(world, world->notes, "'" A "'", &err), &err, TIDE_UNCHANGED);
    assert_result(DELETE(world, world->notes, "'" A "'", &err), &err, TIDE_OK);
    assert_result(DELETE(world, world->notes, "'" A "'", &err), &err, TIDE_UNCHANGED);
    assert_result(DELETE(world, world->notes, "'" B "'", &err), &err, TIDE_NOT_FOUND);
    assert_failure(update(world, world->notes, "'" A "'", "{'size': 2}", NULL, &err),
                   &err, TIDE_ERROR_CONFLICT, "note " A " was deleted at 2");

    put_row(world, world->notes, "{'id': '" B "', 'title': 'a'}");
    assert_failure(RESTORE(world, world->notes, "'" A "'", &err), &err,
                   TIDE_ERROR_CONFLICT, "note " B " is there already (note_title)");
    assert_result(DELETE(world, world->notes, "'" B "'", &err), &err, TIDE_OK);
    assert_result(RESTORE(world, world->notes, "'" A "'", &err), &err, TIDE_OK);
    assert_int_equal(number_of(world->db, "select count(*) from live_note"), 1);
}

static void rows_without_deleted_at_are_deleted_for_good(void **state)
{
    struct library_world *world = *state;
    struct tide_error err = {0};

    put_row(world, world->notes, "{'id': '" A "', 'title': 'a'}");
    put_row(world, world->lines, "{'note_id': '" A "', 'number': 1}");
    assert_result(RESTORE(world, world->lines, "{'note_id': '" A "', 'number': 1}", &err),
                  &err, TIDE_UNCHANGED);
    assert_result(DELETE(world, world->lines, "{'note_id': '" A "', 'number': 1}", &err),
                  &err, TIDE_OK);
    assert_result(DELETE(world, world->lines, "{'note_id': '" A "', 'number': 1}", &err),
                  &err, TIDE_NOT_FOUND);
    assert_int_equal(number_of(world->db, "select count(*) from line"), 0);
}

/* As the primary spells a timestamp without time zone. */
static void a_time_of_deletion_without_zone_has_none(void **state)
{
    struct library_world *world = *state;
    OWNED(table_release) struct table table = table_named("plain");
    struct tide_repository *plain;
    struct tide_error err = {0};

    table_with_column(&table, "id", CODEC_INTEGER);
    table_with_column(&table, "deleted_at", CODEC_SERVER_TEXT);
    table.deleted_at = 1;
    table_with_key(&table, NAMES("id"));
    library_mirror(world->db, &table);
    assert_result(tide_repository_new(&plain, world->cache, "plain", &err), &err,
                  TIDE_OK);
    put_row(world, plain, "{'id': 1}");
    assert_result(DELETE(world, plain, "1", &err), &err, TIDE_OK);
    assert_text_of(world->db,
                   "select deleted_at like '2___-__-__ __:__:__.______' from plain", "1");
    tide_repository_free(plain);
}

static void every_type_comes_back_as_it_went(void **state)
{
    struct library_world *world = *state;
    const char *values =
        "{'id': 9223372036854775807, 'smallint': -32768, 'integer': 2147483647,"
        " 'bigint': -9223372036854775808, 'boolean': true, 'real': 0.1,"
        " 'double': 'NaN', 'numeric': '12345678901234567890.10', 'numeric_short': 12.5,"
        " 'numeric_as_real': '-Infinity', 'text': 'Gr\\u00fc\\u00dfe', 'padded_text': "
        "'x', 'caseless_text': 'A', 'uuid': '" A "',"
        " 'timestamptz': '0044-03-15 12:00:00+00 BC', 'bytea': '\\\\x00ff',"
        " 'json': {'b': [0.1, 0.30000000000000004, null]}, 'jsonb': ['x', {'y': true}],"
        " 'server_text': '(1,2)', 'array_of_literals': [9.99, null, true],"
        " 'array_of_text': '{{a,b},{c,d}}', 'mood': 'bad'}";
    struct tide_error err = {0};
    json_t *row;
    json_t *again;
    json_t *key = json_integer(9223372036854775807);
    json_t *wanted = json_of(values);

    json_object_set_new(wanted, "doubled", json_null());
    assert_result(insert(world, world->kitchen, values, &row, &err), &err, TIDE_OK);
    assert_true(json_equal(row, wanted));
    assert_result(tide_repository_get_by_id(world->kitchen, key, TIDE_LIVE, &again, &err),
                  &err, TIDE_OK);
    assert_true(json_equal(again, wanted));
    assert_text_of(world->db, "select json || array_of_literals from kitchen",
                   "{\"b\":[0.1,0.30000000000000004,null]}[9.99,null,true]");
    json_decref(again);
    json_decref(row);
    json_decref(wanted);
    json_decref(key);
}

static void a_table_that_changed_is_noticed(void **state)
{
    struct library_world *world = *state;
    OWNED(table_release) struct table more = library_note(true);
    struct tide_error err = {0};
    int64_t count = 0;

    run_sql(world->db, "create index own_index on note (size)");
    assert_result(tide_repository_count(world->notes, NULL, TIDE_LIVE, &count, &err),
                  &err, TIDE_OK);
    library_mirror(world->db, &more);
    assert_failure(tide_repository_count(world->notes, NULL, TIDE_LIVE, &count, &err),
                   &err, TIDE_ERROR_SCHEMA, "note has changed");
    assert_failure(insert(world, world->notes, "{'title': 'a'}", NULL, &err), &err,
                   TIDE_ERROR_SCHEMA, "note has changed");
}

#define CASE(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, library_world_setup, library_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(rows_come_by_id_and_tombstones_are_told_apart),
        CASE(keys_of_several_columns_are_objects),
        CASE(filters_compare_as_sql_does_with_null_as_a_value),
        CASE(scopes_choose_the_rows),
        CASE(pages_follow_one_another_through_nulls_and_ties),
        CASE(one_row_or_none_but_not_two),
        CASE(wrong_filters_are_named),
        CASE(inserts_take_defaults_and_give_the_row),
        CASE(an_insert_never_revives),
        CASE(wrong_values_are_named),
        CASE(updates_write_what_differs),
        CASE(a_changed_key_moves_the_row),
        CASE(a_deleted_row_is_not_updated_and_comes_back_only_alone),
        CASE(rows_without_deleted_at_are_deleted_for_good),
        CASE(a_time_of_deletion_without_zone_has_none),
        CASE(every_type_comes_back_as_it_went),
        CASE(a_table_that_changed_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
