#include "lib/store/pending.h"

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/store/row_lookup.h"
#include "pending.sql.h"

#include <stdlib.h>
#include <string.h>

struct pending {
    struct database *db;
    const struct outbox_tables *tables;
    bool is_empty;
    bool is_stale; /* what was read may have been rolled back */
    struct buffer key;
    struct statement add;
    struct statement entries;
    struct statement next;
    struct row_lookup lookup; /* of the table that was asked for last */
};

struct state {
    char tables[SHA256_TEXT_SIZE];
    int64_t first; /* as it was when the entries were read */
    int64_t last;
    int64_t first_now;
    int64_t last_now;
};

enum outcome pending_new(struct pending **out_pending, struct database *db,
                         struct error *err)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    if (!pending)
        return error_out_of_memory(err);
    pending->db = db;
    if (database_run_sql(db, &pending_sql.create_tables, err) == FAILED ||
        statement_prepare(&pending->add, db, &pending_sql.add, err) == FAILED ||
        statement_prepare(&pending->entries, db, &pending_sql.entries_of_row, err) ==
            FAILED ||
        statement_prepare(&pending->next, db, &pending_sql.next_row, err) == FAILED) {
        pending_free(pending);
        return FAILED;
    }
    *out_pending = pending;
    return OK;
}

void pending_free(struct pending *pending)
{
    if (!pending)
        return;
    statement_release(&pending->add);
    statement_release(&pending->entries);
    statement_release(&pending->next);
    row_lookup_release(&pending->lookup);
    buffer_release(&pending->key);
    free(pending);
}

void pending_reset(struct pending *pending)
{
    pending->is_stale = true;
}

bool pending_is_empty(const struct pending *pending)
{
    return pending->is_empty;
}

/* ---- refresh ---- */

static enum outcome note_empty(struct pending *pending, struct error *err)
{
    int64_t is_empty = 0;

    if (database_query_int(pending->db, pending_sql.is_empty.name,
                           pending_sql.is_empty.text, &is_empty, err) == FAILED)
        return FAILED;
    pending->is_empty = is_empty;
    return OK;
}

static enum outcome read_state(struct database *db, struct state *out_state,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    const char *tables;

    if (statement_prepare(&query, db, &pending_sql.state, err) == FAILED ||
        statement_step(&query, err) == FAILED)
        return FAILED;
    tables = statement_column_text(&query, 0);
    *out_state = (struct state){
        .first = statement_column_int(&query, 1),
        .last = statement_column_int(&query, 2),
        .first_now = statement_column_int(&query, 3),
        .last_now = statement_column_int(&query, 4),
    };
    if (tables && strlen(tables) < sizeof(out_state->tables))
        strcpy(out_state->tables, tables);
    return OK;
}

/* Entries carry the table's number; how their keys are spelled is up to its definition.
 */
static enum outcome digest_tables(const struct outbox_tables *tables,
                                  char out_digest[static SHA256_TEXT_SIZE],
                                  struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};

    for (size_t i = 0; i < tables->count; i++)
        buffer_append_format(&text, "%lld %s\n", (long long)tables->items[i].table_id,
                             tables->items[i].table->fingerprint
                                 ? tables->items[i].table->fingerprint
                                 : "");
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    sha256_text(text.data ? text.data : "", text.length, out_digest);
    return OK;
}

static enum outcome add_entry(struct pending *pending, const struct statement *unread,
                              struct error *err)
{
    OWNED(text_free) char *key = NULL;
    int64_t table_id = statement_column_int(unread, 1);
    const struct table *table = outbox_tables_find(pending->tables, table_id);

    if (!table)
        return OK;
    if (row_key_canonical_bytes(table, statement_column_text(unread, 2),
                                statement_column_size(unread, 2), &key, err) == FAILED)
        return error_wrap(err, "tide_outbox, sequence %lld",
                          (long long)statement_column_int(unread, 0));
    statement_bind_int(&pending->add, 1, statement_column_int(unread, 0));
    statement_bind_int(&pending->add, 2, table_id);
    statement_bind_text(&pending->add, 3, key);
    return statement_run(&pending->add, err);
}

static enum outcome add_entries(struct pending *pending, int64_t after, struct error *err)
{
    OWNED(statement_release) struct statement unread = {0};
    enum outcome outcome;

    if (statement_prepare(&unread, pending->db, &pending_sql.unread, err) == FAILED)
        return FAILED;
    statement_bind_int(&unread, 1, after);
    while ((outcome = statement_step(&unread, err)) == OK)
        if (add_entry(pending, &unread, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome put_state(struct pending *pending, const struct state *state,
                              struct error *err)
{
    OWNED(statement_release) struct statement put = {0};

    if (statement_prepare(&put, pending->db, &pending_sql.put_state, err) == FAILED)
        return FAILED;
    statement_bind_text(&put, 1, state->tables);
    statement_bind_int(&put, 2, state->first_now);
    statement_bind_int(&put, 3, state->last_now);
    return statement_run(&put, err);
}

/* The outbox grows at its end and is removed from the front: another front means that a
 * push has taken what was there. */
static enum outcome refresh(struct pending *pending, struct error *err)
{
    char tables[SHA256_TEXT_SIZE];
    struct state state;

    if (digest_tables(pending->tables, tables, err) == FAILED ||
        read_state(pending->db, &state, err) == FAILED)
        return FAILED;
    if (pending->is_stale || strcmp(tables, state.tables) != 0 ||
        (state.first && state.first != state.first_now)) {
        if (database_run_sql(pending->db, &pending_sql.forget_all, err) == FAILED)
            return FAILED;
        state.last = 0;
    } else if (state.last == state.last_now) {
        return note_empty(pending, err);
    }
    strcpy(state.tables, tables);
    if (add_entries(pending, state.last, err) == FAILED ||
        put_state(pending, &state, err) == FAILED)
        return FAILED;
    pending->is_stale = false;
    return note_empty(pending, err);
}

static void roll_back(struct database *db)
{
    struct error ignored;

    /* SQLite may have rolled back everything by itself */
    if (database_run_sql(db, &pending_sql.roll_back, &ignored) == FAILED)
        return;
}

enum outcome pending_refresh(struct pending *pending, const struct outbox_tables *tables,
                             struct error *err)
{
    pending->tables = tables;
    row_lookup_release(&pending->lookup);
    if (database_run_sql(pending->db, &pending_sql.begin, err) == FAILED)
        return FAILED;
    if (refresh(pending, err) == OK &&
        database_run_sql(pending->db, &pending_sql.commit, err) == OK)
        return OK;
    pending->is_stale = true;
    roll_back(pending->db);
    return FAILED;
}

/* ---- one row ---- */

/* How the statements of this module name a row. */
struct row_address {
    int64_t table_id;
    const char *key;
};

static enum outcome find_row(struct pending *pending, const struct table *table,
                             const struct value *key, struct row_address *out_row,
                             struct error *err)
{
    buffer_clear(&pending->key);
    row_key_append_canonical(&pending->key, table, key);
    *out_row = (struct row_address){
        .table_id = outbox_tables_id(pending->tables, table),
        .key = pending->key.data,
    };
    return buffer_check(&pending->key, err);
}

static void bind_row(struct statement *statement, const struct row_address *row,
                     int64_t after)
{
    statement_bind_int(statement, 1, row->table_id);
    statement_bind_text(statement, 2, row->key);
    statement_bind_int(statement, 3, after);
}

static enum outcome add_to_change(struct pending *pending, struct pending_change *change,
                                  struct error *err)
{
    OWNED(outbox_entry_release)
    struct outbox_entry entry = {.sequence = statement_column_int(&pending->entries, 0)};

    if (outbox_entry_read(&entry, &pending->entries, 1, err) == FAILED)
        return FAILED;
    return pending_change_add(change, &entry, err);
}

static enum outcome fold_row(struct pending *pending, const struct row_address *row,
                             struct pending_change *out_change, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    enum outcome outcome;

    bind_row(&pending->entries, row, 0);
    while ((outcome = statement_step(&pending->entries, err)) == OK) {
        outcome = add_to_change(pending, &change, err);
        if (outcome == FAILED)
            break;
    }
    statement_reset(&pending->entries);
    if (outcome == FAILED)
        return FAILED;
    if (pending_change_is_empty(&change))
        return NOTHING;
    *out_change = TAKE(change);
    return OK;
}

static enum outcome look_up(struct pending *pending, const struct table *table,
                            const char *key, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value values[TABLE_KEY_LIMIT];
    enum outcome outcome;

    if (row_key_values(table, key, &bytes, values, err) == FAILED)
        return FAILED;
    if (pending->lookup.table != table) {
        row_lookup_release(&pending->lookup);
        if (row_lookup_init(&pending->lookup, pending->db, table, err) == FAILED)
            return FAILED;
    }
    outcome = row_lookup_find(&pending->lookup, values, err);
    row_lookup_reset(&pending->lookup);
    return outcome;
}

/* A row that should be there may be out of its table for a while, to make room; one that
 * should not be there and is was made anew. */
static enum outcome find_change(struct pending *pending, const struct table *table,
                                const struct row_address *row,
                                struct pending_change *out_change, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    enum outcome found = OK;
    enum outcome outcome = fold_row(pending, row, &change, err);

    if (outcome != OK)
        return outcome;
    if (!pending_change_expects_row(&change))
        found = look_up(pending, table, row->key, err);
    if (found == FAILED || pending_change_settle(&change, found == OK, err) == FAILED)
        return FAILED;
    *out_change = TAKE(change);
    return OK;
}

enum outcome pending_find(struct pending *pending, const struct table *table,
                          const struct value *key, struct pending_change *out_change,
                          struct error *err)
{
    struct row_address row;

    if (pending->is_empty)
        return NOTHING;
    if (find_row(pending, table, key, &row, err) == FAILED)
        return FAILED;
    return find_change(pending, table, &row, out_change, err);
}

static enum outcome run_for_row(struct pending *pending, const struct sql *sql,
                                const struct row_address *row, int64_t after,
                                struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, pending->db, sql, err) == FAILED)
        return FAILED;
    bind_row(&statement, row, after);
    return statement_run(&statement, err);
}

/* The row's entries behind `after`. */
static enum outcome remove_entries(struct pending *pending, const struct row_address *row,
                                   int64_t after, struct error *err)
{
    if (run_for_row(pending, &pending_sql.remove_entries, row, after, err) == FAILED ||
        run_for_row(pending, &pending_sql.forget_entries, row, after, err) == FAILED ||
        database_run_sql(pending->db, &pending_sql.note_first, err) == FAILED)
        return FAILED;
    return note_empty(pending, err);
}

enum outcome pending_remove(struct pending *pending, const struct table *table,
                            const struct value *key, struct error *err)
{
    struct row_address row;

    if (find_row(pending, table, key, &row, err) == FAILED)
        return FAILED;
    return remove_entries(pending, &row, 0, err);
}

/* ---- entries that change ---- */

static enum outcome run_for_entry(struct pending *pending, const struct sql *sql,
                                  int64_t sequence, struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};

    if (statement_prepare(&statement, pending->db, sql, err) == FAILED)
        return FAILED;
    statement_bind_int(&statement, 1, sequence);
    return statement_run(&statement, err);
}

static enum outcome remove_entry(struct pending *pending, int64_t sequence,
                                 struct error *err)
{
    if (run_for_entry(pending, &pending_sql.remove_entry, sequence, err) == FAILED ||
        run_for_entry(pending, &pending_sql.forget_entry, sequence, err) == FAILED ||
        database_run_sql(pending->db, &pending_sql.note_first, err) == FAILED)
        return FAILED;
    return note_empty(pending, err);
}

static enum outcome put_base(struct pending *pending, const struct sql *sql,
                             int64_t sequence, const struct change_base *base,
                             struct error *err)
{
    OWNED(statement_release) struct statement put = {0};
    OWNED(buffer_release) struct buffer json = {0};

    change_base_append_json(&json, base);
    if (buffer_check(&json, err) == FAILED ||
        statement_prepare(&put, pending->db, sql, err) == FAILED)
        return FAILED;
    statement_bind_bytes(&put, 1, json.data, json.length);
    statement_bind_int(&put, 2, sequence);
    return statement_run(&put, err);
}

/* An update of nothing else is gone with it: left behind it would count as a touch. */
static enum outcome strip_entry(struct pending *pending, struct outbox_entry *entry,
                                const char *column, struct error *err)
{
    if (!change_base_find(&entry->base, column))
        return OK;
    change_base_remove(&entry->base, column);
    if (entry->base.count == 0 && entry->operation == OUTBOX_UPDATE)
        return remove_entry(pending, entry->sequence, err);
    return put_base(pending, &pending_sql.put_base, entry->sequence, &entry->base, err);
}

/* The row's first entry behind `after`. */
static enum outcome read_entry(struct pending *pending, const struct row_address *row,
                               int64_t after, struct outbox_entry *entry,
                               struct error *err)
{
    enum outcome outcome;

    outbox_entry_release(entry);
    bind_row(&pending->entries, row, after);
    outcome = statement_step(&pending->entries, err);
    if (outcome == OK) {
        entry->sequence = statement_column_int(&pending->entries, 0);
        outcome = outbox_entry_read(entry, &pending->entries, 1, err);
    }
    statement_reset(&pending->entries);
    return outcome;
}

enum outcome pending_strip(struct pending *pending, const struct table *table,
                           const struct value *key, const char *column, struct error *err)
{
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct row_address row;
    enum outcome outcome;

    if (find_row(pending, table, key, &row, err) == FAILED)
        return FAILED;
    while ((outcome = read_entry(pending, &row, entry.sequence, &entry, err)) == OK)
        if (strip_entry(pending, &entry, column, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

/* As if the first entry that tells of the column had the right value. */
enum outcome pending_correct(struct pending *pending, const struct table *table,
                             const struct value *key,
                             const struct pending_correction *correction,
                             struct error *err)
{
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    const struct change_base_item *item = NULL;
    struct row_address row;
    enum outcome outcome;

    if (find_row(pending, table, key, &row, err) == FAILED)
        return FAILED;
    while (!item &&
           (outcome = read_entry(pending, &row, entry.sequence, &entry, err)) == OK)
        item = change_base_find(&entry.base, correction->column);
    if (!item)
        return outcome == FAILED ? FAILED : OK;
    if (strcmp(item->quoted, correction->wrong) != 0)
        return OK;
    if (change_base_put(&entry.base, correction->column, correction->right, err) ==
        FAILED)
        return FAILED;
    return put_base(pending, &pending_sql.put_base, entry.sequence, &entry.base, err);
}

enum outcome pending_make_update(struct pending *pending, const struct table *table,
                                 const struct value *key, const struct change_base *base,
                                 struct error *err)
{
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    struct row_address row;
    enum outcome outcome;

    if (find_row(pending, table, key, &row, err) == FAILED)
        return FAILED;
    do
        outcome = read_entry(pending, &row, entry.sequence, &entry, err);
    while (outcome == OK && entry.operation != OUTBOX_INSERT);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    return put_base(pending, &pending_sql.make_update, entry.sequence, base, err);
}

enum outcome pending_make_insert(struct pending *pending, const struct table *table,
                                 const struct value *key, struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    OWNED(statement_release) struct statement make = {0};
    struct row_address row;
    enum outcome outcome = find_row(pending, table, key, &row, err);

    if (outcome == OK)
        outcome = fold_row(pending, &row, &change, err);
    if (outcome != OK)
        return outcome == FAILED ? FAILED : OK;
    if (statement_prepare(&make, pending->db, &pending_sql.make_insert, err) == FAILED)
        return FAILED;
    statement_bind_int(&make, 1, change.last_sequence);
    statement_bind_int(&make, 2, change.first_sequence);
    if (statement_run(&make, err) == FAILED)
        return FAILED;
    return remove_entries(pending, &row, change.first_sequence, err);
}

/* ---- all rows of a table ---- */

static enum outcome next_key(struct pending *pending, int64_t table_id, int64_t *position,
                             char **out_key, struct error *err)
{
    bool failed = false;
    enum outcome outcome;

    statement_bind_int(&pending->next, 1, table_id);
    statement_bind_int(&pending->next, 2, *position);
    outcome = statement_step(&pending->next, err);
    if (outcome == OK) {
        *position = statement_column_int(&pending->next, 0);
        *out_key = statement_column_copy(&pending->next, 1, &failed);
        if (failed)
            outcome = error_out_of_memory(err);
    }
    statement_reset(&pending->next);
    return outcome;
}

enum outcome pending_next(struct pending *pending, const struct table *table,
                          int64_t *position, char **out_key,
                          struct pending_change *out_change, struct error *err)
{
    OWNED(text_free) char *key = NULL;
    struct row_address row = {.table_id = outbox_tables_id(pending->tables, table)};
    enum outcome outcome = next_key(pending, row.table_id, position, &key, err);

    if (outcome != OK)
        return outcome;
    row.key = key;
    outcome = find_change(pending, table, &row, out_change, err);
    if (outcome == OK)
        *out_key = TAKE(key);
    return outcome;
}
