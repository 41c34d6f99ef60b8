/* Two small schemas, written by hand: a table with two columns and a view on one. */
#include "daemon/migrate/schema_compare.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE, COLUMN_A, COLUMN_B, DEFAULT_B, VIEW, OBJECTS };

struct world {
    struct schema_object objects[OBJECTS];
    size_t needs[OBJECTS][2];
    struct schema schema;
};

static void make(struct world *world)
{
    static const struct schema_object all[] = {
        [TABLE] = {.kind = SCHEMA_TABLE,
                   .identity = "t",
                   .definition = "table",
                   .create = "create table t",
                   .drop = "drop table t",
                   .inlined = "",
                   .occupies = "t",
                   .owner = SCHEMA_NO_OBJECT},
        [COLUMN_A] = {.kind = SCHEMA_COLUMN,
                      .identity = "t.a",
                      .definition = "integer",
                      .create = "alter table t add column a integer",
                      .drop = "alter table t drop column a",
                      .alter = "alter table t alter column a type integer using a",
                      .inlined = "a integer",
                      .type = "integer",
                      .address = {.sub_id = 2},
                      .owner = TABLE},
        [COLUMN_B] = {.kind = SCHEMA_COLUMN,
                      .identity = "t.b",
                      .definition = "text",
                      .create = "alter table t add column b text",
                      .drop = "alter table t drop column b",
                      .alter = "alter table t alter column b type text using b",
                      .inlined = "b text",
                      .type = "text",
                      .address = {.sub_id = 1},
                      .owner = TABLE},
        [DEFAULT_B] = {.kind = SCHEMA_DEFAULT,
                       .identity = "t.b",
                       .definition = "'x'",
                       .create = "alter table t alter column b set default 'x'",
                       .drop = "alter table t alter column b drop default",
                       .alter = "alter table t alter column b set default 'x'",
                       .inlined = " default 'x'",
                       .owner = COLUMN_B},
        [VIEW] = {.kind = SCHEMA_VIEW,
                  .identity = "v",
                  .definition = "view v as select b from t",
                  .create = "create view v as select b from t",
                  .drop = "drop view v",
                  .occupies = "v",
                  .owner = SCHEMA_NO_OBJECT},
    };
    static const size_t needs[OBJECTS][2] = {
        {0}, {TABLE}, {TABLE}, {COLUMN_B}, {COLUMN_B, TABLE}};
    static const size_t counts[OBJECTS] = {0, 1, 1, 1, 2};

    memcpy(world->objects, all, sizeof(all));
    memcpy(world->needs, needs, sizeof(needs));
    for (size_t i = 0; i < OBJECTS; i++) {
        world->objects[i].carrier = SCHEMA_NO_OBJECT;
        world->objects[i].needs = world->needs[i];
        world->objects[i].need_count = counts[i];
    }
    world->schema = (struct schema){.objects = world->objects, .count = OBJECTS};
}

static const struct schema nothing = {0};

static void assert_script(const struct schema *from, const struct schema *to,
                          const char *expected)
{
    OWNED(buffer_release) struct buffer script = {0};
    const struct schema_compare_config config = {0};
    struct error err;

    assert_int_equal(schema_compare_script(from, to, &config, &script, &err),
                     *expected ? OK : NOTHING);
    assert_string_equal(script.data ? script.data : "", expected);
}

static void assert_lines(const struct schema *from, const struct schema *to,
                         const char *expected)
{
    OWNED(buffer_release) struct buffer lines = {0};
    struct error err;

    assert_int_equal(schema_compare_lines(from, to, &lines, &err),
                     *expected ? OK : NOTHING);
    assert_string_equal(lines.data ? lines.data : "", expected);
}

static void equal_schemas_need_nothing(void **state)
{
    struct world left;
    struct world right;

    (void)state;
    make(&left);
    make(&right);
    assert_script(&left.schema, &right.schema, "");
    assert_lines(&left.schema, &right.schema, "");
}

static void a_new_table_brings_its_columns_in_their_order(void **state)
{
    struct world world;

    (void)state;
    make(&world);
    assert_script(&nothing, &world.schema,
                  "create table t (\n    b text default 'x',\n    a integer\n);\n"
                  "create view v as select b from t;\n");
    assert_lines(&nothing, &world.schema, "+ table t\n+ view v\n");
}

static void a_table_takes_along_what_is_its_own_but_not_what_looks_at_it(void **state)
{
    struct world world;

    (void)state;
    make(&world);
    assert_script(&world.schema, &nothing,
                  "drop view v;\n"
                  "-- hazard DATA_LOSS: the rows of the table are lost\ndrop table t;\n");
}

static void a_view_is_made_anew_around_the_change_of_a_column(void **state)
{
    struct world left;
    struct world right;

    (void)state;
    make(&left);
    make(&right);
    left.objects[COLUMN_B].definition = left.objects[COLUMN_B].type = "integer";
    assert_script(
        &left.schema, &right.schema,
        "drop view v;\n"
        "alter table t alter column b drop default;\n"
        "-- hazard REWRITE: may rewrite the table while nobody can use it; a value that "
        "does not fit makes it fail\n"
        "alter table t alter column b type text using b::text;\n"
        "alter table t alter column b set default 'x';\n"
        "create view v as select b from t;\n");
    assert_lines(&left.schema, &right.schema, "~ column t.b integer -> text\n");
}

static void what_nothing_looks_at_is_changed_alone(void **state)
{
    struct world left;
    struct world right;

    (void)state;
    make(&left);
    make(&right);
    left.objects[DEFAULT_B].definition = "'y'";
    assert_script(&left.schema, &right.schema,
                  "alter table t alter column b set default 'x';\n");
}

static void a_name_is_free_before_it_is_taken(void **state)
{
    struct world left;
    struct world right;

    (void)state;
    make(&left);
    make(&right);
    /* the view becomes a materialized view of the same name */
    right.objects[VIEW].kind = SCHEMA_MATERIALIZED_VIEW;
    right.objects[VIEW].create = "create materialized view v as select b from t";
    assert_script(&left.schema, &right.schema,
                  "drop view v;\ncreate materialized view v as select b from t;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_schemas_need_nothing),
        cmocka_unit_test(a_new_table_brings_its_columns_in_their_order),
        cmocka_unit_test(a_table_takes_along_what_is_its_own_but_not_what_looks_at_it),
        cmocka_unit_test(a_view_is_made_anew_around_the_change_of_a_column),
        cmocka_unit_test(what_nothing_looks_at_is_changed_alone),
        cmocka_unit_test(a_name_is_free_before_it_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
