/*
 * Library world: a cache file with mirrored tables in it, as the daemon leaves it, opened
 * by libtidemark. Whatever goes wrong in here fails the test.
 *
 *   note     id uuid (default), owner_id uuid, title text (unique among the living), body
 *            text, pinned boolean (default false), size integer, price numeric, tags
 *            text[], happened_at timestamptz, updated_at, deleted_at
 *   line     note_id and number are the key, text; refers to note; no deleted_at
 *   kitchen  id bigint key and a column of every other type
 */
#ifndef TESTS_SUPPORT_LIBRARY_WORLD_H
#define TESTS_SUPPORT_LIBRARY_WORLD_H

#include "lib/tidemark.h"
#include "lib/model/table.h"
#include "tests/support/cache_fixture.h"

struct library_world {
    struct cache_folder *folder;
    struct tide_cache *cache;
    struct database *db; /* another connection, as the daemon has */
    struct cache daemon;
    struct tide_repository *notes;
    struct tide_repository *lines;
    struct tide_repository *kitchen;
};

int library_world_setup(void **state); /* *state becomes a struct library_world * */
int library_world_teardown(void **state);

/* The table note, as the daemon knows it; with more: a column more. */
struct table library_note(bool more);
/* Mirrors the table; one of that name is replaced. */
void library_mirror(struct database *db, const struct table *table);

/* A JSON text with ' for ". */
json_t *json_of(const char *text);
/* Takes found over. */
void assert_json(json_t *found, const char *expected);

struct tide_unit_of_work *begin_unit(struct library_world *world);
void commit_unit(struct tide_unit_of_work *unit, struct tide_receipt *out_receipt);

/* One row, in a unit of work of its own; values with ' for ". */
void put_row(struct library_world *world, struct tide_repository *repository,
             const char *values);

/* The call failed: of that kind, with that in its message. */
void assert_failure(enum tide_result result, const struct tide_error *err,
                    enum tide_error_kind kind, const char *part);
/* The call gave that result. */
void assert_result(enum tide_result result, const struct tide_error *err,
                   enum tide_result expected);

#endif
