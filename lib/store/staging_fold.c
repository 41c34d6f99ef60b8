#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/packed_value.h"
#include "lib/model/quoted_value.h"
#include "lib/model/row_key.h"
#include "lib/store/outbox_by_row.h"
#include "lib/store/row_lookup.h"
#include "lib/store/staging_state.h"
#include "staging.sql.h"

#include <stdlib.h>
#include <string.h>

/* The rows of the table under way. */
struct fold_table {
    int64_t table_id;
    const struct table *table;
    int64_t rank; /* number in the request */
    bool wants_whole_rows;
    struct row_lookup lookup;
    struct value *now;  /* all columns at the cut */
    struct value *base; /* of the columns carried */
    uint16_t *columns;  /* that are carried */
    size_t column_count;
};

struct fold_group {
    int64_t group_id; /* 0: none yet */
    enum staged_phase phase;
    int64_t rank;
    struct buffer columns;
};

struct fold {
    struct staging *staging;
    const struct staging_request *request;
    bool has_units;
    struct fold_table table;
    /* the row under way */
    char *row_key;
    struct pending_change change;
    struct value key[TABLE_KEY_LIMIT];
    struct buffer key_bytes;
    struct buffer old_bytes; /* of old values: large enough before the first is read */
    struct buffer unquoted;
    struct buffer packed;
    int64_t *units;
    size_t unit_count;
    /* */
    struct fold_group group; /* of the row before */
    int64_t draft_count;
    struct statement find_group;
    struct statement add_group;
    struct statement add_draft;
    struct statement add_draft_unit;
    struct statement add_clean;
    struct statement unit_of;
};

static void fold_table_release(struct fold_table *table)
{
    row_lookup_release(&table->lookup);
    free(table->now);
    free(table->base);
    free(table->columns);
    *table = (struct fold_table){0};
}

static void fold_release(struct fold *fold)
{
    fold_table_release(&fold->table);
    free(fold->row_key);
    pending_change_release(&fold->change);
    buffer_release(&fold->key_bytes);
    buffer_release(&fold->old_bytes);
    buffer_release(&fold->unquoted);
    buffer_release(&fold->packed);
    free(fold->units);
    buffer_release(&fold->group.columns);
    statement_release(&fold->find_group);
    statement_release(&fold->add_group);
    statement_release(&fold->add_draft);
    statement_release(&fold->add_draft_unit);
    statement_release(&fold->add_clean);
    statement_release(&fold->unit_of);
}

static enum outcome fold_init(struct fold *fold, struct error *err)
{
    struct database *db = fold->staging->db;

    if (statement_prepare(&fold->find_group, db, &staging_sql.find_group, err) ==
            FAILED ||
        statement_prepare(&fold->add_group, db, &staging_sql.add_group, err) == FAILED ||
        statement_prepare(&fold->add_draft, db, &staging_sql.add_draft, err) == FAILED ||
        statement_prepare(&fold->add_draft_unit, db, &staging_sql.add_draft_unit, err) ==
            FAILED ||
        statement_prepare(&fold->add_clean, db, &staging_sql.add_clean, err) == FAILED)
        return FAILED;
    return statement_prepare(&fold->unit_of, db, &staging_sql.unit_of, err);
}

static enum outcome enter_table(struct fold *fold, int64_t table_id, struct error *err)
{
    const struct staging_request *request = fold->request;
    struct fold_table *table = &fold->table;

    if (table->table_id == table_id)
        return OK;
    fold_table_release(table);
    table->table_id = table_id;
    while (request->tables->items[table->rank].table_id != table_id)
        table->rank++;
    table->table = request->tables->items[table->rank].table;
    table->wants_whole_rows =
        request->wants_whole_rows && request->wants_whole_rows(table->table);
    table->now = calloc(table->table->column_count, sizeof(*table->now));
    table->base = calloc(table->table->column_count, sizeof(*table->base));
    table->columns = calloc(table->table->column_count, sizeof(*table->columns));
    if (!table->now || !table->base || !table->columns)
        return error_out_of_memory(err);
    return row_lookup_init(&table->lookup, fold->staging->db, table->table, err);
}

/* ---- values ---- */

static size_t quoted_bytes(const struct change_base *base)
{
    size_t size = 0;

    for (size_t i = 0; i < base->count; i++)
        size += base->items[i].quoted_size;
    return size;
}

/* So that it does not move while values point into it. */
static enum outcome make_room(struct fold *fold, struct error *err)
{
    size_t size = quoted_bytes(&fold->change.base) + quoted_bytes(&fold->change.later);

    buffer_clear(&fold->old_bytes);
    if (buffer_reserve(&fold->old_bytes, size))
        return OK;
    return error_out_of_memory(err);
}

static enum outcome unquote(struct fold *fold, const struct change_base_item *item,
                            struct value *out_value, struct error *err)
{
    size_t start = fold->old_bytes.length;

    if (quoted_value_parse(item->quoted, item->quoted_size, &fold->unquoted, out_value,
                           err) == FAILED)
        return error_wrap(err, "column %s", item->column);
    if (out_value->type == VALUE_TEXT || out_value->type == VALUE_BLOB) {
        buffer_append(&fold->old_bytes, out_value->bytes, out_value->size);
        out_value->bytes = fold->old_bytes.data + start;
    }
    return OK;
}

/* SQLite keeps a text where bytes belong. In a key it is these bytes, as the triggers
 * spell it. */
static void read_key_as_bytes(const struct table *table, size_t column,
                              struct value *value)
{
    if (value->type == VALUE_TEXT && table->columns[column].codec == CODEC_BYTEA &&
        table_is_key(table, column))
        value->type = VALUE_BLOB;
}

/* The row as it was at the cut: what changed since as it was before that. NOTHING: it was
 * not there. */
static enum outcome read_row(struct fold *fold, bool has_row, struct error *err)
{
    const struct pending_change *change = &fold->change;
    struct fold_table *table = &fold->table;

    for (size_t i = 0; i < table->table->column_count; i++) {
        const struct table_column *column = &table->table->columns[i];
        const struct change_base_item *item =
            change->later.count ? change_base_find(&change->later, column->name) : NULL;

        table->now[i] = (struct value){0};
        if (item && unquote(fold, item, &table->now[i], err) == FAILED)
            return FAILED;
        if (!item && has_row)
            table->now[i] = table->lookup.row[i];
        if (!item && !has_row && !column->generated)
            return NOTHING;
        read_key_as_bytes(table->table, i, &table->now[i]);
    }
    return OK;
}

static void carry_column(struct fold_table *table, size_t column)
{
    table->columns[table->column_count++] = (uint16_t)column;
}

static bool is_captured(const struct fold *fold, size_t column)
{
    const struct table *table = fold->table.table;

    return !table->columns[column].generated &&
           change_base_find(&fold->change.base, table->columns[column].name);
}

static void choose_columns(struct fold *fold)
{
    struct fold_table *table = &fold->table;

    table->column_count = 0;
    for (size_t i = 0; i < table->table->column_count; i++) {
        if (fold->change.kind == PENDING_INSERT && !table->table->columns[i].generated)
            carry_column(table, i);
        if (fold->change.kind == PENDING_DELETE && is_captured(fold, i))
            carry_column(table, i);
        if (fold->change.kind == PENDING_UPDATE &&
            pending_change_is_dirty(&fold->change, table->table, i, &table->now[i]))
            carry_column(table, i);
    }
}

static enum outcome read_bases(struct fold *fold, struct error *err)
{
    struct fold_table *table = &fold->table;

    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *column = &table->table->columns[table->columns[i]];
        const struct change_base_item *item =
            change_base_find(&fold->change.base, column->name);

        table->base[i] = (struct value){0};
        if (item && unquote(fold, item, &table->base[i], err) == FAILED)
            return FAILED;
        read_key_as_bytes(table->table, table->columns[i], &table->base[i]);
    }
    return OK;
}

/* ---- what is written down ---- */

static enum outcome find_group(struct fold *fold, const struct fold_group *wanted,
                               int64_t *out_id, struct error *err)
{
    struct statement *const queries[] = {&fold->find_group, &fold->add_group};
    enum outcome outcome = NOTHING;

    for (size_t i = 0; outcome == NOTHING && i < 2; i++) {
        statement_bind_int(queries[i], 1, wanted->phase);
        statement_bind_int(queries[i], 2, wanted->rank);
        statement_bind_blob(queries[i], 3, wanted->columns.data, wanted->columns.length);
        outcome = statement_step(queries[i], err);
        if (outcome == OK)
            *out_id = statement_column_int(queries[i], 0);
        statement_reset(queries[i]);
    }
    return outcome;
}

static bool is_same_group(const struct fold_group *a, const struct fold_group *b)
{
    return a->group_id && a->phase == b->phase && a->rank == b->rank &&
           a->columns.length == b->columns.length &&
           (a->columns.length == 0 ||
            memcmp(a->columns.data, b->columns.data, b->columns.length) == 0);
}

static enum outcome enter_group(struct fold *fold, enum staged_phase phase,
                                struct error *err)
{
    const struct fold_table *table = &fold->table;
    struct fold_group wanted = {
        .phase = phase,
        .rank = phase == STAGED_DELETE ? -table->rank : table->rank,
        .columns = {.data = (char *)table->columns,
                    .length = table->column_count * sizeof(*table->columns)},
    };

    if (is_same_group(&fold->group, &wanted))
        return OK;
    if (find_group(fold, &wanted, &fold->group.group_id, err) != OK)
        return FAILED;
    fold->group.phase = wanted.phase;
    fold->group.rank = wanted.rank;
    buffer_clear(&fold->group.columns);
    buffer_append(&fold->group.columns, wanted.columns.data, wanted.columns.length);
    return buffer_check(&fold->group.columns, err);
}

static bool is_carried(const struct fold_table *table, int column)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i] == column)
            return true;
    return false;
}

static bool is_partly_carried(const struct fold_table *table,
                              const struct table_foreign_key *key)
{
    size_t carried = 0;

    for (size_t i = 0; i < key->column_count; i++)
        carried += is_carried(table, key->columns[i]);
    return carried && carried < key->column_count;
}

static enum staged_whole choose_whole(const struct fold_table *table,
                                      enum staged_phase phase)
{
    if (phase != STAGED_UPDATE)
        return WHOLE_NONE;
    if (table->wants_whole_rows)
        return WHOLE_WANTED;
    for (size_t i = 0; i < table->table->foreign_key_count; i++)
        if (is_partly_carried(table, &table->table->foreign_keys[i]))
            return WHOLE_FOR_REFERENCES;
    return WHOLE_NONE;
}

static enum outcome pack_row(struct fold *fold, enum staged_phase phase,
                             enum staged_whole whole, struct error *err)
{
    const struct fold_table *table = &fold->table;
    const struct value null = {0};

    buffer_clear(&fold->packed);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct value *now =
            phase == STAGED_DELETE ? &null : &table->now[table->columns[i]];

        packed_value_append(&fold->packed, now);
        packed_value_append(&fold->packed, &table->base[i]);
    }
    for (size_t i = 0; whole != WHOLE_NONE && i < table->table->column_count; i++)
        packed_value_append(&fold->packed, &table->now[i]);
    return buffer_check(&fold->packed, err);
}

static enum outcome add_units(struct fold *fold, struct error *err)
{
    statement_bind_int(&fold->add_draft_unit, 1, fold->draft_count);
    for (size_t i = 0; i < fold->unit_count; i++) {
        statement_bind_int(&fold->add_draft_unit, 2, fold->units[i]);
        if (statement_run(&fold->add_draft_unit, err) == FAILED)
            return FAILED;
    }
    return OK;
}

static enum outcome add_draft(struct fold *fold, enum staged_phase phase,
                              struct error *err)
{
    struct statement *add = &fold->add_draft;
    enum staged_whole whole = choose_whole(&fold->table, phase);

    if (read_bases(fold, err) == FAILED || enter_group(fold, phase, err) == FAILED ||
        pack_row(fold, phase, whole, err) == FAILED)
        return FAILED;
    statement_bind_int(add, 1, ++fold->draft_count);
    statement_bind_int(add, 2, fold->group.group_id);
    statement_bind_int(add, 3, fold->change.first_sequence);
    statement_bind_int(add, 4, fold->change.changed_us);
    statement_bind_int(add, 5, whole);
    statement_bind_text(add, 6, fold->row_key);
    statement_bind_blob(add, 7, fold->packed.data, fold->packed.length);
    if (statement_run(add, err) == FAILED)
        return FAILED;
    return add_units(fold, err);
}

static enum outcome add_clean(struct fold *fold, struct error *err)
{
    statement_bind_int(&fold->add_clean, 1, fold->table.table_id);
    statement_bind_text(&fold->add_clean, 2, fold->row_key);
    return statement_run(&fold->add_clean, err);
}

/* ---- one row ---- */

static bool has_clean_column(const struct fold *fold)
{
    const struct table *table = fold->table.table;

    for (size_t i = 0; i < table->column_count; i++)
        if ((int)i != table->updated_at && is_captured(fold, i) &&
            !is_carried(&fold->table, (int)i))
            return true;
    return false;
}

/* Nothing but updated_at was written. */
static bool is_touch(const struct fold *fold)
{
    return fold->change.base.count == 0 &&
           fold->table.table->updated_at != TABLE_NO_COLUMN;
}

static enum outcome stage_update(struct fold *fold, struct error *err)
{
    if (fold->table.column_count == 0 && !is_touch(fold))
        return add_clean(fold, err);
    if (has_clean_column(fold) && add_clean(fold, err) == FAILED)
        return FAILED;
    return add_draft(fold, STAGED_UPDATE, err);
}

static enum outcome stage_row(struct fold *fold, struct error *err)
{
    enum pending_kind kind;
    enum outcome outcome = OK;
    enum outcome found;

    if (row_key_values(fold->table.table, fold->row_key, &fold->key_bytes, fold->key,
                       err) == FAILED)
        return FAILED;
    found = row_lookup_find(&fold->table.lookup, fold->key, err);
    if (found == FAILED ||
        pending_change_settle(&fold->change, found == OK, err) == FAILED ||
        make_room(fold, err) == FAILED)
        return FAILED;
    kind = fold->change.kind;
    if (kind == PENDING_INSERT || kind == PENDING_UPDATE)
        outcome = read_row(fold, found == OK, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING || kind == PENDING_NOTHING)
        return add_clean(fold, err);
    choose_columns(fold);
    if (kind == PENDING_UPDATE)
        return stage_update(fold, err);
    return add_draft(fold, kind == PENDING_INSERT ? STAGED_INSERT : STAGED_DELETE, err);
}

static enum outcome end_row(struct fold *fold, struct error *err)
{
    enum outcome outcome = OK;

    if (!pending_change_is_empty(&fold->change))
        outcome = stage_row(fold, err);
    statement_reset(&fold->table.lookup.query);
    if (outcome == FAILED)
        return error_wrap(err, "row %.100s of %s", fold->row_key,
                          fold->table.table->name);
    free(TAKE(fold->row_key));
    pending_change_release(&fold->change);
    fold->unit_count = 0;
    return OK;
}

static enum outcome note_unit(struct fold *fold, int64_t sequence, struct error *err)
{
    int64_t unit = 0;
    enum outcome outcome;

    statement_bind_int(&fold->unit_of, 1, sequence);
    outcome = statement_step(&fold->unit_of, err);
    if (outcome == OK && sequence <= statement_column_int(&fold->unit_of, 1))
        unit = statement_column_int(&fold->unit_of, 0);
    statement_reset(&fold->unit_of);
    if (outcome == FAILED)
        return FAILED;
    if (!unit || (fold->unit_count && fold->units[fold->unit_count - 1] == unit))
        return OK;
    if (array_room(&fold->units, fold->unit_count, err) == FAILED)
        return FAILED;
    fold->units[fold->unit_count++] = unit;
    return OK;
}

static enum outcome add_entry(struct fold *fold, struct outbox_entry *entry,
                              struct error *err)
{
    bool is_new = !fold->row_key || fold->table.table_id != entry->table_id ||
                  strcmp(fold->row_key, entry->row_key) != 0;

    if (is_new && fold->row_key && end_row(fold, err) == FAILED)
        return FAILED;
    if (is_new) {
        if (enter_table(fold, entry->table_id, err) == FAILED)
            return FAILED;
        fold->row_key = TAKE(entry->row_key);
    }
    if (entry->sequence > fold->request->through)
        return pending_change_add_later(&fold->change, entry, err);
    if (fold->has_units && note_unit(fold, entry->sequence, err) == FAILED)
        return FAILED;
    return pending_change_add(&fold->change, entry, err);
}

enum outcome staging_fold(struct staging *staging, const struct staging_request *request,
                          bool has_units, int64_t *out_drafts, struct error *err)
{
    OWNED(fold_release)
    struct fold fold = {.staging = staging, .request = request, .has_units = has_units};
    OWNED(outbox_by_row_release) struct outbox_by_row reader = {0};
    OWNED(outbox_entry_release) struct outbox_entry entry = {0};
    enum outcome outcome;

    if (fold_init(&fold, err) == FAILED ||
        outbox_by_row_init(&reader, staging->db, staging->tables, err) == FAILED)
        return FAILED;
    while ((outcome = outbox_by_row_next(&reader, &entry, err)) == OK)
        if (!outbox_hold_has(&staging->hold, entry.table_id) &&
            add_entry(&fold, &entry, err) == FAILED)
            return FAILED;
    if (outcome == FAILED || (fold.row_key && end_row(&fold, err) == FAILED))
        return FAILED;
    *out_drafts = fold.draft_count;
    return OK;
}
