#include "daemon/sync/followed_table.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/model/row_key.h"
#include "lib/store/mirror_sql.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FAILED_US (60 * US_PER_SECOND)
#define CHAR_OID 18

void followed_table_move(struct followed_table *followed, enum table_state state)
{
    assert(table_state_may_become(followed->state, state));
    followed->state = state;
    if (state != TABLE_FAILED) {
        free(followed->failure);
        followed->failure = NULL;
    }
}

void followed_table_fail(struct followed_table *followed, const struct error *err)
{
    free(followed->failure);
    followed->failure = strdup(err->message);
    followed->retry_at_us = clock_monotonic_us() + RETRY_FAILED_US;
    followed_table_move(followed, TABLE_FAILED);
}

bool followed_table_needs_copy(const struct followed_table *followed)
{
    if (followed->state == TABLE_FAILED || followed->locked_out)
        return false;
    if (followed->resync_wanted)
        return true;
    return followed->has_copy ? !followed->copy.complete : !followed->visible;
}

static void followed_table_release(struct followed_table *followed)
{
    for (size_t i = 0; i < 5; i++)
        free(followed->statement_texts[i]);
    catalog_cursor_release(&followed->cursor);
    catalog_copy_release(&followed->copy);
    free(followed->failure);
    free(followed->wire_types);
    *followed = (struct followed_table){0};
}

void followed_set_release(struct followed_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        followed_table_release(&set->tables[i]);
    free(set->tables);
    free(set->outbox);
    free(set->pushable);
    table_set_release(&set->schema);
    *set = (struct followed_set){0};
}

struct followed_table *followed_set_find(struct followed_set *set, const char *name)
{
    const struct table *table = table_set_find(&set->schema, name);

    return table ? &set->tables[table - set->schema.tables] : NULL;
}

/* One of the five statements; an empty text means that the table has no such statement.
 */
static void set_statement(struct followed_table *followed, size_t slot, uint32_t number,
                          struct primary_statement *statement, struct buffer *sql)
{
    snprintf(followed->statement_names[slot], sizeof(followed->statement_names[slot]),
             "tide_%u_%zu", number, slot);
    followed->statement_texts[slot] = buffer_take(sql);
    statement->name = followed->statement_names[slot];
    statement->text = followed->statement_texts[slot];
}

static enum outcome build_statements(struct followed_table *followed, bool in_recovery,
                                     uint32_t number, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    const struct table *table = followed->table;

    if (table->mode == TABLE_TRACKED)
        mirror_sql_tracked_delta(&sql, table, in_recovery);
    else
        mirror_sql_untracked_delta(&sql, table);
    set_statement(followed, 0, number, &followed->delta, &sql);
    mirror_sql_sweep(&sql, table);
    set_statement(followed, 1, number, &followed->sweep, &sql);
    mirror_sql_primary_count(&sql, table);
    set_statement(followed, 2, number, &followed->count, &sql);
    mirror_sql_primary_keys(&sql, table);
    set_statement(followed, 3, number, &followed->keys, &sql);
    mirror_sql_fetch_by_keys(&sql, table);
    set_statement(followed, 4, number, &followed->refetch, &sql);
    for (size_t i = 0; i < 5; i++)
        if (!followed->statement_texts[i])
            return error_out_of_memory(err);
    return OK;
}

static enum outcome build_wire_types(struct followed_table *followed, struct error *err)
{
    const struct table *table = followed->table;

    followed->wire_types = calloc(table->column_count + 1, sizeof(*followed->wire_types));
    if (!followed->wire_types)
        return error_out_of_memory(err);
    followed->wire_types[0] = CHAR_OID;
    for (size_t i = 0; i < table->column_count; i++)
        followed->wire_types[i + 1] =
            column_codec_info(table->columns[i].codec)->wire_oid;
    return OK;
}

static enum outcome allocate(struct followed_set *set, struct error *err)
{
    set->tables = calloc(set->schema.table_count + 1, sizeof(*set->tables));
    if (!set->tables)
        return error_out_of_memory(err);
    set->count = set->schema.table_count;
    for (size_t i = 0; i < set->count; i++) {
        set->tables[i].table = &set->schema.tables[i];
        set->tables[i].live_rows = -1;
    }
    return OK;
}

/* Same name in another schema is another table. */
static bool is_same_table(const struct followed_table *followed, const char *schema)
{
    return followed && strcmp(followed->table->schema, schema) == 0;
}

static enum outcome adopt_tables(struct followed_set *set, struct database *db,
                                 struct error *err)
{
    struct catalog_table *stored = NULL;
    size_t count = 0;

    if (catalog_tables(db, &stored, &count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        struct followed_table *followed = followed_set_find(set, stored[i].name);

        if (is_same_table(followed, stored[i].schema)) {
            followed->visible =
                strcmp(stored[i].fingerprint, followed->table->fingerprint) == 0;
            followed->outdated = !followed->visible;
            followed->cursor = TAKE(stored[i].cursor);
            followed->resync_wanted = !followed->cursor.exact[0];
            followed->state = followed->visible ? TABLE_LIVE : TABLE_CATCHING_UP;
        }
        catalog_table_release(&stored[i]);
    }
    free(stored);
    return OK;
}

static enum outcome adopt_copies(struct followed_set *set, struct database *db,
                                 struct error *err)
{
    struct catalog_copy *stored = NULL;
    size_t count = 0;

    if (catalog_copies(db, &stored, &count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        struct followed_table *followed = followed_set_find(set, stored[i].name);

        if (is_same_table(followed, stored[i].schema) &&
            strcmp(stored[i].fingerprint, followed->table->fingerprint) == 0) {
            followed->has_copy = true;
            /* it was begun since the cursor was forgotten */
            followed->resync_wanted = false;
            followed->copy = TAKE(stored[i]);
            if (!followed->visible)
                followed->state =
                    followed->copy.complete ? TABLE_CATCHING_UP : TABLE_SNAPSHOT;
        }
        catalog_copy_release(&stored[i]);
    }
    free(stored);
    return OK;
}

enum outcome followed_set_note_refetches(struct followed_set *set, struct database *db,
                                         struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        char **keys = NULL;
        size_t count = 0;

        if (catalog_refetches(db, set->tables[i].table->name, 1, &keys, &count, err) ==
            FAILED)
            return FAILED;
        set->tables[i].refetch_waits = count > 0;
        row_key_free(keys, count);
    }
    return OK;
}

/* ---- the tables by their number in the outbox ---- */

static size_t parent_of(const struct followed_set *set,
                        const struct table_foreign_key *foreign_key)
{
    const struct table *parent = table_set_find(&set->schema, foreign_key->parent_table);

    if (!parent || strcmp(parent->schema, foreign_key->parent_schema) != 0)
        return set->count;
    return (size_t)(parent - set->schema.tables);
}

/* Appends the table behind its parents. A circle is cut where it closes. */
static void order_from(const struct followed_set *set, size_t table, bool *seen,
                       size_t *order, size_t *count)
{
    const struct table *child = set->tables[table].table;

    if (seen[table])
        return;
    seen[table] = true;
    for (size_t i = 0; i < child->foreign_key_count; i++) {
        size_t parent = parent_of(set, &child->foreign_keys[i]);

        if (parent < set->count)
            order_from(set, parent, seen, order, count);
    }
    order[(*count)++] = table;
}

static enum outcome read_numbers(struct followed_set *set, struct database *db,
                                 struct error *err)
{
    struct catalog_table *stored = NULL;
    size_t count = 0;

    if (catalog_tables(db, &stored, &count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < set->count; i++)
        set->tables[i].table_id = 0;
    for (size_t i = 0; i < count; i++) {
        struct followed_table *followed = followed_set_find(set, stored[i].name);

        if (is_same_table(followed, stored[i].schema))
            followed->table_id = stored[i].table_id;
        catalog_table_release(&stored[i]);
    }
    free(stored);
    return OK;
}

static void list_tables(struct followed_set *set, const size_t *order)
{
    set->outbox_count = set->pushable_count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct followed_table *followed = &set->tables[order[i]];
        struct outbox_table item = {followed->table_id, followed->table};

        if (!item.table_id)
            continue;
        set->outbox[set->outbox_count++] = item;
        if (followed->visible)
            set->pushable[set->pushable_count++] = item;
    }
}

static enum outcome allocate_lists(struct followed_set *set, struct error *err)
{
    if (!set->outbox)
        set->outbox = calloc(set->count + 1, sizeof(*set->outbox));
    if (!set->pushable)
        set->pushable = calloc(set->count + 1, sizeof(*set->pushable));
    return set->outbox && set->pushable ? OK : error_out_of_memory(err);
}

static void free_array(void *array)
{
    free(*(void **)array);
}

enum outcome followed_set_number(struct followed_set *set, struct database *db,
                                 struct error *err)
{
    OWNED(free_array) size_t *order = calloc(set->count + 1, sizeof(*order));
    OWNED(free_array) bool *seen = calloc(set->count + 1, sizeof(*seen));
    size_t count = 0;

    if (!order || !seen)
        return error_out_of_memory(err);
    if (allocate_lists(set, err) == FAILED || read_numbers(set, db, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < set->count; i++)
        order_from(set, i, seen, order, &count);
    list_tables(set, order);
    return OK;
}

struct outbox_tables followed_set_outbox(const struct followed_set *set)
{
    return (struct outbox_tables){set->outbox, set->outbox_count};
}

struct outbox_tables followed_set_pushable(const struct followed_set *set)
{
    return (struct outbox_tables){set->pushable, set->pushable_count};
}

enum outcome followed_set_build(struct followed_set *out_set, struct table_set *schema,
                                struct database *db, bool in_recovery,
                                uint32_t *numbering, struct error *err)
{
    OWNED(followed_set_release) struct followed_set set = {.schema = TAKE(*schema)};

    if (allocate(&set, err) == FAILED || adopt_tables(&set, db, err) == FAILED ||
        adopt_copies(&set, db, err) == FAILED ||
        followed_set_note_refetches(&set, db, err) == FAILED ||
        followed_set_number(&set, db, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < set.count; i++)
        if (build_statements(&set.tables[i], in_recovery, ++*numbering, err) == FAILED ||
            build_wire_types(&set.tables[i], err) == FAILED)
            return FAILED;
    *out_set = TAKE(set);
    return OK;
}

struct catalog_table followed_table_row(const struct followed_table *followed,
                                        const struct catalog_cursor *cursor)
{
    return (struct catalog_table){
        .name = followed->table->name,
        .schema = followed->table->schema,
        .fingerprint = followed->table->fingerprint,
        .tracked = followed->table->mode == TABLE_TRACKED,
        .cursor = *cursor,
    };
}
