#include "tests/support/library_world.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/table_fingerprint.h"
#include "lib/store/capture.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct table *table, const char *name, enum column_codec codec)
{
    column_with_type(table_with_column(table, name, codec),
                     column_codec_info(codec)->name);
}

struct table library_note(bool more)
{
    struct table table = table_named("note");

    add(&table, "id", CODEC_UUID);
    column_with_default(&table.columns[0],
                        "'00000000-0000-4000-8000-' || lower(hex(randomblob(6)))");
    add(&table, "owner_id", CODEC_UUID);
    add(&table, "title", CODEC_TEXT);
    table.columns[2].not_null = true;
    add(&table, "body", CODEC_TEXT);
    add(&table, "pinned", CODEC_BOOLEAN);
    table.columns[4].not_null = true;
    column_with_default(&table.columns[4], "0");
    add(&table, "size", CODEC_INTEGER);
    add(&table, "price", CODEC_NUMERIC);
    add(&table, "tags", CODEC_ARRAY_OF_TEXT);
    add(&table, "happened_at", CODEC_TIMESTAMPTZ);
    add(&table, "updated_at", CODEC_TIMESTAMPTZ);
    add(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    table.updated_at = 9;
    table.deleted_at = 10;
    if (more)
        add(&table, "more", CODEC_TEXT);
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "note_title", true, NAMES("title"))->predicate =
        strdup("\"deleted_at\" IS NULL");
    return table;
}

static struct table line(void)
{
    struct table table = table_named("line");

    add(&table, "note_id", CODEC_UUID);
    add(&table, "number", CODEC_INTEGER);
    add(&table, "text", CODEC_TEXT);
    table_with_key(&table, NAMES("note_id", "number"));
    table_with_foreign_key(&table, NAMES("note_id"), "note", NAMES("id"));
    return table;
}

static struct table kitchen(void)
{
    struct table table = table_named("kitchen");

    add(&table, "id", CODEC_BIGINT);
    for (int codec = 0; codec < CODEC_COUNT; codec++)
        add(&table, column_codec_info((enum column_codec)codec)->name,
            (enum column_codec)codec);
    add(&table, "mood", CODEC_TEXT);
    column_with_labels(&table.columns[table.column_count - 1], NAMES("good", "bad"));
    add(&table, "doubled", CODEC_INTEGER);
    table.columns[table.column_count - 1].generated = true;
    table_with_key(&table, NAMES("id"));
    return table;
}

void library_mirror(struct database *db, const struct table *table)
{
    OWNED(buffer_release) struct buffer sql = {0};
    OWNED(buffer_release) struct buffer fingerprint = {0};
    struct catalog_table entry = {.name = table->name,
                                  .schema = table->schema,
                                  .cursor = {.exact = (char[]){"1:1:"}, .mark_us = 1}};
    struct error err = {0};

    buffer_append_format(&sql, "drop table if exists \"%s\";", table->name);
    mirror_sql_drop_helpers(&sql, table);
    mirror_sql_create_table(&sql, table, table->name);
    for (size_t i = 0; i < table->index_count; i++) {
        buffer_append_text(&sql, ";");
        mirror_sql_create_index(&sql, table, &table->indexes[i], table->indexes[i].name,
                                table->name);
    }
    table_fingerprint_append(&fingerprint, table);
    assert_false(sql.failed || fingerprint.failed);
    entry.fingerprint = fingerprint.data;
    run_sql(db, "begin immediate");
    run_sql(db, sql.data);
    if (catalog_put_tables(db, &entry, 1, &err) == FAILED ||
        capture_install(db, table, &err) == FAILED)
        fail_msg("%s", err.message);
    run_sql(db, "commit");
}

static void mirror_all(struct database *db)
{
    OWNED(table_release) struct table first = library_note(false);
    OWNED(table_release) struct table second = line();
    OWNED(table_release) struct table third = kitchen();

    library_mirror(db, &first);
    library_mirror(db, &second);
    library_mirror(db, &third);
}

int library_world_setup(void **state)
{
    struct library_world *world = calloc(1, sizeof(*world));
    struct tide_error why = {0};
    struct error err = {0};
    void *folder;

    assert_non_null(world);
    cache_folder_setup(&folder);
    world->folder = folder;
    if (cache_open(&world->daemon,
                   &(struct cache_config){.path = world->folder->file, .mode = 0600},
                   &err) == FAILED)
        fail_msg("%s", err.message);
    world->db = world->daemon.db;
    mirror_all(world->db);
    assert_result(tide_cache_open(&world->cache, world->folder->file, NULL, &why), &why,
                  TIDE_OK);
    assert_result(tide_repository_new(&world->notes, world->cache, "note", &why), &why,
                  TIDE_OK);
    assert_result(tide_repository_new(&world->lines, world->cache, "line", &why), &why,
                  TIDE_OK);
    assert_result(tide_repository_new(&world->kitchen, world->cache, "kitchen", &why),
                  &why, TIDE_OK);
    *state = world;
    return 0;
}

int library_world_teardown(void **state)
{
    struct library_world *world = *state;
    void *folder = world->folder;

    tide_repository_free(world->notes);
    tide_repository_free(world->lines);
    tide_repository_free(world->kitchen);
    tide_cache_close(world->cache);
    cache_release(&world->daemon);
    free(world);
    return cache_folder_teardown(&folder);
}

json_t *json_of(const char *text)
{
    OWNED(text_free) char *quoted = strdup(text);
    json_error_t why;
    json_t *json;

    assert_non_null(quoted);
    for (char *letter = quoted; *letter; letter++)
        if (*letter == '\'')
            *letter = '"';
    json = json_loads(quoted, JSON_DECODE_ANY, &why);
    if (!json)
        fail_msg("%s: %s", why.text, quoted);
    return json;
}

void assert_json(json_t *found, const char *expected)
{
    json_t *wanted = json_of(expected);
    char *text = json_dumps(found, JSON_ENCODE_ANY);

    if (!json_equal(found, wanted))
        fail_msg("%s is not %s", text, expected);
    free(text);
    json_decref(wanted);
    json_decref(found);
}

struct tide_unit_of_work *begin_unit(struct library_world *world)
{
    struct tide_unit_of_work *unit = NULL;
    struct tide_error err = {0};

    assert_result(tide_unit_of_work_begin(&unit, world->cache, NULL, &err), &err,
                  TIDE_OK);
    return unit;
}

void commit_unit(struct tide_unit_of_work *unit, struct tide_receipt *out_receipt)
{
    struct tide_error err = {0};

    assert_result(tide_unit_of_work_commit(unit, out_receipt, &err), &err, TIDE_OK);
}

void put_row(struct library_world *world, struct tide_repository *repository,
             const char *values)
{
    struct tide_unit_of_work *unit = begin_unit(world);
    json_t *json = json_of(values);
    struct tide_error err = {0};

    assert_result(tide_repository_insert(repository, unit, json, NULL, &err), &err,
                  TIDE_OK);
    commit_unit(unit, NULL);
    json_decref(json);
}

void assert_failure(enum tide_result result, const struct tide_error *err,
                    enum tide_error_kind kind, const char *part)
{
    if (result != TIDE_FAILED)
        fail_msg("result %d, no failure about %s", (int)result, part);
    if (err->kind != kind || !strstr(err->message, part))
        fail_msg("kind %d: %s: not %d about %s", (int)err->kind, err->message, (int)kind,
                 part);
}

void assert_result(enum tide_result result, const struct tide_error *err,
                   enum tide_result expected)
{
    if (result != expected)
        fail_msg("result %d, not %d: %s", (int)result, (int)expected,
                 result == TIDE_FAILED ? err->message : "");
}
