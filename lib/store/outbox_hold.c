#include "lib/store/outbox_hold.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "outbox_hold.sql.h"

#include <stdlib.h>
#include <string.h>

void outbox_hold_release(struct outbox_hold *hold)
{
    free(hold->table_ids);
    *hold = (struct outbox_hold){0};
}

bool outbox_hold_has(const struct outbox_hold *hold, int64_t table_id)
{
    for (size_t i = 0; i < hold->count; i++)
        if (hold->table_ids[i] == table_id)
            return true;
    return false;
}

enum outcome outbox_hold_add(struct outbox_hold *hold, int64_t table_id,
                             struct error *err)
{
    if (outbox_hold_has(hold, table_id))
        return OK;
    if (array_room(&hold->table_ids, hold->count, err) == FAILED)
        return FAILED;
    hold->table_ids[hold->count++] = table_id;
    return OK;
}

/* ---- what goes with them ---- */

struct operations {
    const struct outbox_tables *tables;
    bool *inserts; /* by number of the table */
    bool *deletes;
};

static void operations_release(struct operations *operations)
{
    free(operations->inserts);
    free(operations->deletes);
}

static enum outcome operations_read(struct operations *operations, struct database *db,
                                    struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    size_t count = operations->tables->count;
    enum outcome outcome;

    operations->inserts = calloc(count + 1, sizeof(bool));
    operations->deletes = calloc(count + 1, sizeof(bool));
    if (!operations->inserts || !operations->deletes)
        return error_out_of_memory(err);
    if (statement_prepare(&query, db, &outbox_hold_sql.operations, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        for (size_t i = 0; i < count; i++) {
            const char *operation = statement_column_text(&query, 1);

            if (operations->tables->items[i].table_id != statement_column_int(&query, 0))
                continue;
            operations->inserts[i] |= operation && strcmp(operation, "insert") == 0;
            operations->deletes[i] |= operation && strcmp(operation, "delete") == 0;
        }
    return outcome == FAILED ? FAILED : OK;
}

static bool refers_to(const struct table *child, const struct table *parent)
{
    for (size_t i = 0; i < child->foreign_key_count; i++)
        if (strcmp(child->foreign_keys[i].parent_schema, parent->schema) == 0 &&
            strcmp(child->foreign_keys[i].parent_table, parent->name) == 0)
            return true;
    return false;
}

static bool goes_with(const struct operations *operations, size_t table, size_t held)
{
    const struct outbox_table *items = operations->tables->items;

    return (operations->inserts[held] &&
            refers_to(items[table].table, items[held].table)) ||
           (operations->deletes[table] &&
            refers_to(items[held].table, items[table].table));
}

static enum outcome add_relatives(struct outbox_hold *hold,
                                  const struct operations *operations, struct error *err)
{
    const struct outbox_table *items = operations->tables->items;

    for (size_t i = 0; i < operations->tables->count; i++)
        for (size_t j = 0; j < operations->tables->count; j++)
            if (outbox_hold_has(hold, items[j].table_id) && goes_with(operations, i, j) &&
                outbox_hold_add(hold, items[i].table_id, err) == FAILED)
                return FAILED;
    return OK;
}

static enum outcome add_neighbours(struct outbox_hold *hold, struct database *db,
                                   struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &outbox_hold_sql.neighbours, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (outbox_hold_has(hold, statement_column_int(&query, 0)) &&
            outbox_hold_add(hold, statement_column_int(&query, 1), err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

enum outcome outbox_hold_close(struct outbox_hold *hold, struct database *db,
                               const struct outbox_tables *tables, struct error *err)
{
    OWNED(operations_release) struct operations operations = {.tables = tables};
    size_t before;

    if (operations_read(&operations, db, err) == FAILED)
        return FAILED;
    do {
        before = hold->count;
        if (add_relatives(hold, &operations, err) == FAILED ||
            add_neighbours(hold, db, err) == FAILED)
            return FAILED;
    } while (hold->count > before);
    return OK;
}

/* ---- in the cache ---- */

enum outcome outbox_hold_read(struct outbox_hold *out_hold, struct database *db,
                              struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(outbox_hold_release) struct outbox_hold hold = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &outbox_hold_sql.read, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&query, err)) == OK)
        if (outbox_hold_add(&hold, statement_column_int(&query, 0), err) == FAILED)
            return FAILED;
    if (outcome == FAILED)
        return FAILED;
    *out_hold = TAKE(hold);
    return OK;
}

static enum outcome write_all(const struct outbox_hold *hold, struct database *db,
                              struct error *err)
{
    OWNED(statement_release) struct statement add = {0};

    if (database_run_sql(db, &outbox_hold_sql.forget, err) == FAILED ||
        statement_prepare(&add, db, &outbox_hold_sql.add, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < hold->count; i++) {
        statement_bind_int(&add, 1, hold->table_ids[i]);
        if (statement_run(&add, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome outbox_hold_write(const struct outbox_hold *hold, struct database *db,
                               struct error *err)
{
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (write_all(hold, db, err) == OK && database_commit(db, err) == OK)
        return OK;
    database_roll_back(db);
    return error_wrap(err, "hold changes back");
}

static enum outcome delete_through(struct database *db, const struct sql *sql,
                                   int64_t sequence, struct error *err)
{
    OWNED(statement_release) struct statement remove = {0};

    if (statement_prepare(&remove, db, sql, err) == FAILED)
        return FAILED;
    statement_bind_int(&remove, 1, sequence);
    return statement_run(&remove, err);
}

enum outcome outbox_hold_delete_through(struct database *db, int64_t sequence,
                                        struct error *err)
{
    OWNED(outbox_hold_release) struct outbox_hold hold = {0};

    if (outbox_hold_read(&hold, db, err) == FAILED)
        return FAILED;
    if (!hold.count)
        return outbox_delete_through(db, sequence, err);
    if (delete_through(db, &outbox_hold_sql.delete_entries, sequence, err) == FAILED)
        return FAILED;
    return delete_through(db, &outbox_hold_sql.delete_marks, sequence, err);
}
