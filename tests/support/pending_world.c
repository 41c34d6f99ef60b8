#include "tests/support/pending_world.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/mirror_layout.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"
#include "tests/support/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_ID 7

struct table people(void)
{
    struct table table = table_named("people");

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "email", CODEC_TEXT);
    table_with_column(&table, "note", CODEC_TEXT);
    table_with_column(&table, "code", CODEC_TEXT);
    table_with_column(&table, "shelf", CODEC_BIGINT);
    table_with_column(&table, "place", CODEC_BIGINT);
    table_with_column(&table, "updated_at", CODEC_TIMESTAMPTZ);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "people_email", true, NAMES("email"));
    table_with_index(&table, "people_code", true, NAMES("code"))->predicate =
        strdup("\"deleted_at\" IS NULL");
    table_with_index(&table, "people_place", true, NAMES("shelf", "place"));
    table.updated_at = 6;
    table.deleted_at = 7;
    return table;
}

static enum outcome switch_in_new(struct database *db, const struct table *table,
                                  struct error *err)
{
    OWNED(text_free) char *copy = NULL;
    enum outcome outcome = mirror_layout_copy_name(table->name, &copy, err);

    if (outcome == OK)
        outcome = mirror_layout_create_copy(db, table, copy, err);
    while (outcome == OK)
        outcome = mirror_layout_create_index(db, table, copy, true, err);
    if (outcome == FAILED)
        return FAILED;
    return mirror_layout_switch_in(db, table, copy, false, NULL, err);
}

void world_make(struct world *world, void **state)
{
    const struct cache_fixture *fixture = *state;
    struct error err = {0};

    *world = (struct world){.db = fixture->db, .table = people()};
    world->number = (struct outbox_table){TABLE_ID, &world->table};
    world->tables = (struct outbox_tables){&world->number, 1};
    if (switch_in_new(world->db, &world->table, &err) == FAILED ||
        pending_new(&world->pending, world->db, &err) == FAILED ||
        mirror_init(&world->mirror, world->db, &world->table, "people", &err) == FAILED)
        fail_msg("%s", err.message);
}

void world_release(struct world *world)
{
    mirror_release(&world->mirror);
    pending_free(world->pending);
    table_release(&world->table);
}

/* ---- the primary's side ---- */

void refresh(struct world *world)
{
    struct error err = {0};

    if (pending_refresh(world->pending, &world->tables, &err) == FAILED)
        fail_msg("%s", err.message);
    world->mirror.pending = pending_is_empty(world->pending) ? NULL : world->pending;
}

void apply(struct world *world, enum change_operation operation,
           const struct value *values, size_t count)
{
    const struct change change = {0, operation, values, count};
    struct error err = {0};

    if (mirror_apply(&world->mirror, &change, &world->counts, &err) == FAILED)
        fail_msg("%s", err.message);
}

void put(struct world *world, struct person person)
{
    const struct value row[] = {integer_value(person.id),
                                text_value(person.email),
                                text_value(person.note),
                                text_value(person.code),
                                integer_value(person.shelf),
                                integer_value(person.place ? person.place : person.id),
                                text_value(person.updated_at),
                                text_value(person.deleted_at)};

    apply(world, CHANGE_UPSERT, row, 8);
}

static void change_key(struct world *world, enum change_operation operation, int64_t id)
{
    const struct value key = integer_value(id);

    apply(world, operation, &key, 1);
}

void gone(struct world *world, int64_t id)
{
    change_key(world, CHANGE_DELETE, id);
}

void present(struct world *world, int64_t id)
{
    change_key(world, CHANGE_PRESENT, id);
}

void finish(struct world *world, bool list_is_complete)
{
    struct error err = {0};

    if (mirror_finish(&world->mirror, list_is_complete, &world->counts, &err) == FAILED)
        fail_msg("%s", err.message);
    assert_false(world->mirror.has_parked);
    assert_int_equal(number_of(world->db,
                               "select count(*) from sqlite_temp_schema"
                               " where name like 'tide\\_%\\_16384' escape '\\'"),
                     0);
}

/* ---- this side: as the triggers would capture it ---- */

void entry(struct world *world, int64_t id, const char *operation, const char *base)
{
    char sql[400];

    snprintf(sql, sizeof(sql),
             "insert into tide_outbox (table_id, row_key, op, base)"
             " values (%d, '[\"%lld\"]', '%s', %s%s%s)",
             TABLE_ID, (long long)id, operation, base ? "'" : "", base ? base : "null",
             base ? "'" : "");
    run_sql(world->db, sql);
}

void edit(struct world *world, int64_t id, const char *column, const char *value)
{
    char sql[400];

    snprintf(
        sql, sizeof(sql),
        "insert into tide_outbox (table_id, row_key, op, base) select %d, '[\"%lld\"]',"
        " 'update', json_object('%s', quote(%s)) from people where id = %lld;"
        "update people set %s = %s where id = %lld",
        TABLE_ID, (long long)id, column, column, (long long)id, column, value,
        (long long)id);
    run_sql(world->db, sql);
}

void erase(struct world *world, int64_t id)
{
    char sql[600];

    snprintf(
        sql, sizeof(sql),
        "insert into tide_outbox (table_id, row_key, op, base) select %d, '[\"%lld\"]',"
        " 'delete', json_object('id', quote(id), 'email', quote(email), 'note',"
        " quote(note), 'deleted_at', quote(deleted_at)) from people where id = %lld;"
        "delete from people where id = %lld",
        TABLE_ID, (long long)id, (long long)id, (long long)id);
    run_sql(world->db, sql);
}

void insert(struct world *world, int64_t id, const char *email)
{
    char sql[200];

    snprintf(
        sql, sizeof(sql),
        "insert into people (id, email, note, shelf, place) values (%lld, %s, 'mine',"
        " 0, %lld)",
        (long long)id, email, (long long)id);
    run_sql(world->db, sql);
    entry(world, id, "insert", NULL);
}

/* ---- what came of it ---- */

void assert_people(struct world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(id || ':' || coalesce(email, '-') || ':'"
                   " || coalesce(note, '-'), ' '), '') from (select * from people where"
                   " deleted_at is null order by id)",
                   expected);
}

void assert_outbox(struct world *world, const char *expected)
{
    assert_text_of(
        world->db,
        "select coalesce(group_concat(json_extract(row_key, '$[0]') || ':' || op,"
        " ' '), '') from (select * from tide_outbox order by sequence)",
        expected);
}

void assert_refetches(struct world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(row_key, ' '), '')"
                   " from (select * from tide_refetch order by row_key)",
                   expected);
}

void assert_rejected(struct world *world, const char *expected)
{
    assert_text_of(world->db,
                   "select coalesce(group_concat(json_extract(row_key, '$[0]') || ':' || "
                   "op || ':' ||"
                   " sqlstate || ':' || coalesce(constraint_name, '-') || ':' || (select"
                   " coalesce(group_concat(column_name || '=' || coalesce(value, '-'), "
                   "','), '') from"
                   " tide_rejected_value v where v.rejected_id = r.rejected_id and (r.op "
                   "= 'update' or"
                   " column_name = 'email')), ' '), '') from (select * from "
                   "tide_rejected_row order by"
                   " rejected_id) r",
                   expected);
}

void assert_conflicts(struct world *world, const char *expected)
{
    assert_text_of(
        world->db,
        "select coalesce(group_concat(json_extract(row_key, '$[0]') || ':' || rule || "
        "':' ||"
        " winner || ':' || (select coalesce(group_concat(column_name || '=' ||"
        " coalesce(base_value, '-') || '>' || coalesce(local_value, '-'), ','), '') from"
        " tide_conflict_value v where v.conflict_id = c.conflict_id), ' '), '') from "
        "(select"
        " * from tide_conflict_row order by conflict_id) c",
        expected);
}

void assert_counts(const struct world *world, int64_t written, int64_t deleted)
{
    assert_int_equal(world->counts.written, written);
    assert_int_equal(world->counts.deleted, deleted);
}

void world_begin(struct world *world, void **state)
{
    world_make(world, state);
    PUT(world, 1, "a", "one");
    PUT(world, 2, "b", "two");
    world->counts = (struct mirror_counts){0};
}
