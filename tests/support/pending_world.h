/*
 * Pending world: a mirrored table in a cache with local changes, hand-made as the capture
 * triggers would capture them, and changes of the primary that meet them. Whatever goes
 * wrong in here fails the test.
 */
#ifndef TESTS_SUPPORT_PENDING_WORLD_H
#define TESTS_SUPPORT_PENDING_WORLD_H

#include "lib/store/mirror.h"
#include "lib/store/pending.h"

#define LONG_AGO "2026-01-01T00:00:00.000000Z"

struct database;

struct world {
    struct database *db;
    struct table table;
    struct outbox_table number;
    struct outbox_tables tables;
    struct pending *pending;
    struct mirror mirror;
    struct mirror_counts counts;
};

/*
 * people (id, email, note, code, shelf, place, updated_at, deleted_at): email is unique,
 * so is code among the living, and (shelf, place) together.
 */
struct table people(void);

/* An empty table of people; *state is a struct cache_fixture * with a transaction begun
 * and the gate open. */
void world_make(struct world *world, void **state);
/* The same with two rows as on the primary: 1, a, one and 2, b, two. */
void world_begin(struct world *world, void **state);
void world_release(struct world *world);

/* ---- the primary's side ---- */

struct person {
    int64_t id;
    const char *email;
    const char *note;
    const char *code;
    int64_t shelf;
    int64_t place; /* 0: the id */
    const char *updated_at;
    const char *deleted_at;
};

/* As at the start of a transaction: what was captured until now is known. */
void refresh(struct world *world);
void apply(struct world *world, enum change_operation operation,
           const struct value *values, size_t count);
void put(struct world *world, struct person person);
/* More columns by name: .code = "k". */
#define PUT(world, number, address, words, ...)                                          \
    put(world,                                                                           \
        (struct person){.id = number, .email = address, .note = words, ##__VA_ARGS__})
void gone(struct world *world, int64_t id);
void present(struct world *world, int64_t id);
/* The end of the cut; nothing may be left over. */
void finish(struct world *world, bool list_is_complete);

/* ---- this side ---- */

void entry(struct world *world, int64_t id, const char *operation, const char *base);
/* value: an SQL expression */
void edit(struct world *world, int64_t id, const char *column, const char *value);
void erase(struct world *world, int64_t id);
void insert(struct world *world, int64_t id, const char *email);

/* ---- what came of it ---- */

/* "1:email:note" for each live row. */
void assert_people(struct world *world, const char *expected);
/* "1:update 2:insert": what waits, in order. */
void assert_outbox(struct world *world, const char *expected);
/* ["1"] ["2"] */
void assert_refetches(struct world *world, const char *expected);
/* "1:update:23505:people_email:email=value": what was refused. */
void assert_rejected(struct world *world, const char *expected);
/* "1:deleted there:remote:note=base>local" */
void assert_conflicts(struct world *world, const char *expected);
void assert_counts(const struct world *world, int64_t written, int64_t deleted);

#endif
