#include "daemon/sync/push_filing.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/store/rejected.h"

#include <stdlib.h>
#include <string.h>

/* ---- rejected rows ---- */

/* Which rejected change a row became: for those that depend on it. */
struct filed_row {
    int64_t ordinal;
    int64_t rejected_id;
};
struct filed_rows {
    struct filed_row *items; /* by ordinal */
    size_t count;
};

static void filed_rows_release(struct filed_rows *rows)
{
    free(rows->items);
}

static enum outcome note_filed(struct filed_rows *rows, struct filed_row row,
                               struct error *err)
{
    if (array_room(&rows->items, rows->count, err) == FAILED)
        return FAILED;
    rows->items[rows->count++] = row;
    return OK;
}

static int by_ordinal(const void *a, const void *b)
{
    const struct filed_row *left = a;
    const struct filed_row *right = b;

    return (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

static int64_t filed_id(const struct filed_rows *causes, int64_t ordinal)
{
    struct filed_row wanted = {.ordinal = ordinal};
    const struct filed_row *row =
        causes->count
            ? bsearch(&wanted, causes->items, causes->count, sizeof(wanted), by_ordinal)
            : NULL;

    return row ? row->rejected_id : 0;
}

static enum outcome values_of(const struct staged_outcast *outcast,
                              struct rejected_values *out_values, struct error *err)
{
    struct rejected_value *items = calloc(outcast->column_count + 1, sizeof(*items));

    if (!items)
        return error_out_of_memory(err);
    for (size_t i = 0; i < outcast->column_count; i++)
        items[i] = (struct rejected_value){
            .column = outcast->table->columns[outcast->columns[i]].name,
            .base = outcast->row.values[i].base,
            .value = outcast->row.values[i].local,
        };
    *out_values =
        (struct rejected_values){.items = items, .count = outcast->column_count};
    return OK;
}

static enum outcome file_outcast(const struct push_filing *filing,
                                 const struct staged_outcast *outcast,
                                 const struct filed_rows *causes,
                                 struct filed_rows *filed, struct error *err)
{
    static const enum outbox_operation operations[] = {[STAGED_INSERT] = OUTBOX_INSERT,
                                                       [STAGED_UPDATE] = OUTBOX_UPDATE,
                                                       [STAGED_DELETE] = OUTBOX_DELETE};
    OWNED(rejected_values_release) struct rejected_values values = {0};
    struct filed_row row = {.ordinal = outcast->row.ordinal};
    struct rejected_change change = {
        .table = outcast->table->name,
        .row_key = outcast->row.row_key,
        .operation = operations[outcast->phase],
        .sqlstate = outcast->refusal.sqlstate,
        .message = outcast->refusal.message,
        .constraint = outcast->refusal.constraint,
        .cause_id = causes ? filed_id(causes, outcast->cause_ordinal) : 0,
        .unit_id = outcast->unit,
        .changed_us = outcast->row.changed_us,
        .push_id = filing->push->push_id,
    };

    if (values_of(outcast, &values, err) == FAILED)
        return FAILED;
    change.values = values.items;
    change.value_count = values.count;
    if (rejected_add(filing->db, &change, &row.rejected_id, err) == FAILED ||
        push_record_add_refetch(filing->db, change.table, change.row_key, err) == FAILED)
        return FAILED;
    return note_filed(filed, row, err);
}

/* Causes first: the others name them. */
static enum outcome file_outcasts(const struct push_filing *filing,
                                  const struct filed_rows *causes,
                                  struct filed_rows *filed, struct error *err)
{
    struct staged_outcast outcast;
    int64_t position = 0;
    enum outcome outcome;

    while ((outcome = staging_next_outcast(filing->context->staging, &position, &outcast,
                                           err)) == OK)
        if ((outcast.cause_ordinal == 0) == !causes &&
            file_outcast(filing, &outcast, causes, filed, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

/* ---- rows to be read again ---- */

static enum outcome file_clean(const struct push_filing *filing, int64_t *refetched,
                               struct error *err)
{
    const struct table *table;
    int64_t position = 0;
    enum outcome outcome;
    char *key = NULL;

    while ((outcome = staging_next_clean(filing->context->staging, &position, &table,
                                         &key, err)) == OK) {
        outcome = push_record_add_refetch(filing->db, table->name, key, err);
        free(key);
        if (outcome == FAILED)
            return FAILED;
        ++*refetched;
    }
    return outcome == FAILED ? FAILED : OK;
}

static bool is_lower_case_uuid(const struct value *value)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (value->type != VALUE_TEXT || value->size != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < value->size; i++) {
        bool is_digit = strchr("0123456789abcdef", value->bytes[i]) && value->bytes[i];

        if (shape[i] == 'x' ? !is_digit : value->bytes[i] != shape[i])
            return false;
    }
    return true;
}

/* Whether the primary has no other spelling for the value, under which its row would come
 * back as another. */
static bool is_spelled_surely(const struct table_column *column,
                              const struct value *value)
{
    switch (column->codec) {
    case CODEC_SMALLINT:
    case CODEC_INTEGER:
    case CODEC_BIGINT:
    case CODEC_BOOLEAN:
        return value->type == VALUE_INTEGER;
    case CODEC_TEXT:
    case CODEC_CASELESS_TEXT:
    case CODEC_PADDED_TEXT:
        return value->type == VALUE_TEXT;
    case CODEC_BYTEA:
        return value->type == VALUE_BLOB;
    case CODEC_UUID:
        return is_lower_case_uuid(value);
    default:
        return false;
    }
}

/* Without tide_xid no delta is sure to bring back what the primary made of a row. And a
 * new one may have a key that it spells in its own way. */
static enum outcome must_come_back(const struct staged_group *group, const char *row_key,
                                   bool *out_must, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    const struct table *table = group->table;
    struct value key[TABLE_KEY_LIMIT];

    *out_must = table->mode == TABLE_UNTRACKED;
    if (*out_must || group->phase != STAGED_INSERT)
        return OK;
    if (row_key_values(table, row_key, &bytes, key, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < table->key_count; i++)
        *out_must =
            *out_must || !is_spelled_surely(&table->columns[table->key[i]], &key[i]);
    return OK;
}

static enum outcome file_group(const struct push_filing *filing,
                               const struct staged_group *group, int64_t *refetched,
                               struct error *err)
{
    OWNED(push_reader_free) struct staging_reader *reader = NULL;
    struct staged_row row;
    enum outcome outcome;
    bool must;

    if (staging_reader_new(&reader, filing->context->staging, group, group->first, err) ==
        FAILED)
        return FAILED;
    while ((outcome = staging_reader_next(reader, &row, err)) == OK) {
        if (must_come_back(group, row.row_key, &must, err) == FAILED)
            return FAILED;
        if (!must)
            continue;
        if (push_record_add_refetch(filing->db, group->table->name, row.row_key, err) ==
            FAILED)
            return FAILED;
        ++*refetched;
    }
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome file_arrived(const struct push_filing *filing, int64_t *refetched,
                                 struct error *err)
{
    enum outcome outcome = OK;
    int64_t at = 1;

    while (outcome == OK && at <= filing->row_count) {
        OWNED(staged_group_release) struct staged_group group = {0};

        outcome = staging_group_at(filing->context->staging, at, filing->row_count,
                                   &group, err);
        if (outcome == OK &&
            (group.table->mode == TABLE_UNTRACKED || group.phase == STAGED_INSERT))
            outcome = file_group(filing, &group, refetched, err);
        at = group.last + 1;
    }
    return outcome == FAILED ? FAILED : OK;
}

/* ---- all of it ---- */

static enum outcome file_all(const struct push_filing *filing,
                             struct push_summary *summary, struct error *err)
{
    OWNED(filed_rows_release) struct filed_rows causes = {0};
    OWNED(filed_rows_release) struct filed_rows others = {0};

    if (push_outcomes_file(filing->context->outcomes, filing->push->push_id,
                           &summary->conflicts, &summary->refetched, err) == FAILED ||
        file_outcasts(filing, NULL, &causes, err) == FAILED ||
        file_outcasts(filing, &causes, &others, err) == FAILED ||
        file_clean(filing, &summary->refetched, err) == FAILED ||
        file_arrived(filing, &summary->refetched, err) == FAILED)
        return FAILED;
    summary->rejected = (int64_t)(causes.count + others.count);
    summary->refetched += summary->rejected;
    summary->rows = filing->row_count - summary->rejected - summary->conflicts;
    return push_record_put(filing->db, filing->push, err);
}

enum outcome push_file(const struct push_filing *filing, struct push_summary *out_summary,
                       struct error *err)
{
    struct push_summary summary = {.through = filing->push->through};

    if (database_begin(filing->db, err) == FAILED)
        return FAILED;
    if (file_all(filing, &summary, err) == FAILED) {
        database_roll_back(filing->db);
        return error_wrap(err, "keep what became of the push");
    }
    *out_summary = summary;
    return OK;
}
