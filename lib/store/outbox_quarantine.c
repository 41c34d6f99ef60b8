#include "lib/store/outbox_quarantine.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/model/quoted_value.h"
#include "lib/model/row_key.h"
#include "lib/model/sqlstate.h"
#include "lib/store/rejected.h"
#include "outbox_quarantine.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many are remembered until they are written down in one transaction. */
#define SUSPECT_LIMIT 256

struct suspect {
    int64_t sequence;
    int64_t table_id;
    char *row_key;
    char *operation;
    char *base;
    int64_t unit; /* 0: in none */
    const char *sqlstate;
    char reason[256];
};

struct suspects {
    struct suspect items[SUSPECT_LIMIT];
    size_t count;
};

/* Where the look through the entries has come to. */
struct scan {
    struct database *db;
    const struct outbox_tables *tables;
    int64_t after;
    int64_t through;
    int64_t unit;    /* of work, that the next entry is in; 0: none */
    bool unit_known; /* a mark has been met, or was looked for */
};

static void suspects_clear(struct suspects *suspects)
{
    for (size_t i = 0; i < suspects->count; i++) {
        free(suspects->items[i].row_key);
        free(suspects->items[i].operation);
        free(suspects->items[i].base);
    }
    suspects->count = 0;
}

static void suspects_drop(struct suspects **suspects)
{
    if (*suspects)
        suspects_clear(*suspects);
    free(*suspects);
}

/* ---- judging one entry ---- */

static bool is_mark(enum outbox_operation operation)
{
    return operation == OUTBOX_UNIT_BEGIN || operation == OUTBOX_UNIT_END;
}

/* What could not be looked at for want of memory may make sense. */
static enum outcome nonsense(const struct error *err)
{
    return err->kind == ERROR_SYSTEM ? FAILED : NOTHING;
}

/* OK: it makes sense; NOTHING: *err says why not. */
static enum outcome judge_base(const char *text, size_t size,
                               enum outbox_operation operation, struct error *err)
{
    OWNED(change_base_release) struct change_base base = {0};
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value ignored;

    if (!text && operation != OUTBOX_INSERT) {
        error_set(err, ERROR_CORRUPT, "it has no old values");
        return NOTHING;
    }
    if (change_base_parse(&base, text, size, err) == FAILED)
        return nonsense(err);
    for (size_t i = 0; i < base.count; i++)
        if (quoted_value_parse(base.items[i].quoted, base.items[i].quoted_size, &bytes,
                               &ignored, err) == FAILED)
            return nonsense(err);
    return OK;
}

static enum outcome judge_key(const struct table *table, const char *key, size_t size,
                              struct error *err)
{
    OWNED(text_free) char *canonical = NULL;

    if (!key) {
        error_set(err, ERROR_CORRUPT, "it names no row");
        return NOTHING;
    }
    if (table && row_key_canonical_bytes(table, key, size, &canonical, err) == FAILED)
        return nonsense(err);
    return OK;
}

static enum outcome judge_mark(const char *key, struct error *err)
{
    if (!key)
        return OK;
    error_set(err, ERROR_CORRUPT, "a mark of a unit of work names a row");
    return NOTHING;
}

static enum outcome judge(const struct statement *query,
                          const struct outbox_tables *tables, const char **out_sqlstate,
                          struct error *err)
{
    const char *key = statement_column_text(query, 2);
    const char *word = statement_column_text(query, 3);
    const char *base = statement_column_text(query, 4);
    enum outbox_operation operation = outbox_operation_read(word ? word : "");
    const struct table *table =
        outbox_tables_find(tables, statement_column_int(query, 1));
    enum outcome outcome;

    *out_sqlstate = SQLSTATE_DATA_CORRUPTED;
    if (operation == OUTBOX_NONE) {
        error_set(err, ERROR_CORRUPT, "\"%.40s\" is no operation", word ? word : "null");
        return NOTHING;
    }
    if (is_mark(operation))
        return judge_mark(key, err);
    if (!statement_column_int(query, 5)) {
        *out_sqlstate = SQLSTATE_UNDEFINED_TABLE;
        error_set(err, ERROR_CORRUPT, "it is of a table that is not mirrored");
        return NOTHING;
    }
    outcome = judge_key(table, key, statement_column_size(query, 2), err);
    if (outcome != OK)
        return outcome;
    return judge_base(base, statement_column_size(query, 4), operation, err);
}

/* ---- setting aside ---- */

/* Only where something is wrong, since it may be a long way back. */
static enum outcome find_unit(struct scan *scan, int64_t sequence, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (scan->unit_known)
        return OK;
    if (statement_prepare(&query, scan->db, &outbox_quarantine_sql.unit_of, err) ==
        FAILED)
        return FAILED;
    statement_bind_int(&query, 1, sequence);
    outcome = statement_step(&query, err);
    if (outcome == FAILED)
        return FAILED;
    scan->unit = outcome == OK ? statement_column_int(&query, 0) : 0;
    scan->unit_known = true;
    return OK;
}

static enum outcome suspect_add(struct suspects *suspects, const struct statement *query,
                                const char *sqlstate, const struct error *why,
                                struct error *err)
{
    bool failed = false;
    struct suspect *suspect = &suspects->items[suspects->count++];

    *suspect = (struct suspect){
        .sequence = statement_column_int(query, 0),
        .table_id = statement_column_int(query, 1),
        .row_key = statement_column_copy(query, 2, &failed),
        .operation = statement_column_copy(query, 3, &failed),
        .base = statement_column_copy(query, 4, &failed),
        .sqlstate = sqlstate,
    };
    snprintf(suspect->reason, sizeof(suspect->reason),
             "entry %lld of the outbox makes no sense: %s", (long long)suspect->sequence,
             why->message);
    return failed ? error_out_of_memory(err) : OK;
}

static struct value text_value(const char *text)
{
    if (!text)
        return (struct value){.type = VALUE_NULL};
    return (struct value){.type = VALUE_TEXT, .bytes = text, .size = strlen(text)};
}

/* A key of the usual shape even if it is none, so that everybody can show it. */
static enum outcome write_key(const struct suspect *suspect, const struct table *table,
                              char **out_key, struct error *err)
{
    OWNED(buffer_release) struct buffer json = {0};
    struct value text = text_value(suspect->row_key ? suspect->row_key : "");

    if (table && suspect->row_key) {
        if (row_key_canonical(table, suspect->row_key, out_key, err) == OK)
            return OK;
        if (nonsense(err) == FAILED)
            return FAILED;
    }
    row_key_append(&json, &text, 1);
    if (buffer_check(&json, err) == FAILED)
        return FAILED;
    *out_key = buffer_take(&json);
    return OK;
}

/* What is a change for those who look at it later. */
static enum outbox_operation operation_of(const struct suspect *suspect)
{
    enum outbox_operation operation =
        outbox_operation_read(suspect->operation ? suspect->operation : "");

    return operation == OUTBOX_NONE || is_mark(operation) ? OUTBOX_UPDATE : operation;
}

static enum outcome reject(struct database *db, const struct suspect *suspect,
                           const struct outbox_tables *tables, int64_t *out_id,
                           struct error *err)
{
    const struct table *table = outbox_tables_find(tables, suspect->table_id);
    const struct rejected_value values[] = {
        {.column = "op", .value = text_value(suspect->operation)},
        {.column = "base", .value = text_value(suspect->base)},
    };
    OWNED(text_free) char *key = NULL;
    int64_t now_us = clock_now_us();
    char name[48];

    snprintf(name, sizeof(name), "table %lld", (long long)suspect->table_id);
    if (write_key(suspect, table, &key, err) == FAILED)
        return FAILED;
    return rejected_add(db,
                        &(struct rejected_change){
                            .table = table ? table->name : name,
                            .row_key = key,
                            .operation = operation_of(suspect),
                            .sqlstate = suspect->sqlstate,
                            .message = suspect->reason,
                            .unit_id = suspect->unit,
                            .changed_us = now_us,
                            .values = values,
                            .value_count = sizeof(values) / sizeof(values[0]),
                        },
                        out_id, err);
}

/* The rest of its unit of work is refused before the next push (broken_units.h). */
static enum outcome note_broken(struct database *db, const struct suspect *suspect,
                                int64_t rejected_id, struct error *err)
{
    OWNED(statement_release) struct statement note = {0};

    if (!suspect->unit)
        return OK;
    if (statement_prepare(&note, db, &outbox_quarantine_sql.note_broken, err) == FAILED)
        return FAILED;
    statement_bind_int(&note, 1, rejected_id);
    statement_bind_int(&note, 2, suspect->unit);
    return statement_run(&note, err);
}

static enum outcome move_all(struct database *db, const struct suspects *suspects,
                             const struct outbox_tables *tables, struct error *err)
{
    OWNED(statement_release) struct statement remove = {0};

    if (statement_prepare(&remove, db, &outbox_quarantine_sql.remove, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < suspects->count; i++) {
        int64_t id;

        if (reject(db, &suspects->items[i], tables, &id, err) == FAILED ||
            note_broken(db, &suspects->items[i], id, err) == FAILED)
            return FAILED;
        statement_bind_int(&remove, 1, suspects->items[i].sequence);
        if (statement_run(&remove, err) == FAILED)
            return FAILED;
    }
    return OK;
}

static enum outcome file(struct database *db, const struct suspects *suspects,
                         const struct outbox_tables *tables, struct error *err)
{
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (move_all(db, suspects, tables, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}

static void pass_mark(struct scan *scan, const struct statement *query)
{
    const char *word = statement_column_text(query, 3);
    enum outbox_operation operation = outbox_operation_read(word ? word : "");

    if (!is_mark(operation))
        return;
    scan->unit = operation == OUTBOX_UNIT_BEGIN ? statement_column_int(query, 0) : 0;
    scan->unit_known = true;
}

static enum outcome look_at(struct scan *scan, const struct statement *query,
                            struct suspects *suspects, struct error *err)
{
    const char *sqlstate;
    struct error why;
    enum outcome outcome = judge(query, scan->tables, &sqlstate, &why);

    if (outcome == OK)
        pass_mark(scan, query);
    if (outcome == FAILED)
        *err = why;
    if (outcome != NOTHING)
        return outcome;
    if (find_unit(scan, statement_column_int(query, 0), err) == FAILED ||
        suspect_add(suspects, query, sqlstate, &why, err) == FAILED)
        return FAILED;
    suspects->items[suspects->count - 1].unit = scan->unit;
    return OK;
}

/* Until there is no room for more of them; scan->after moves behind what was looked at.
 */
static enum outcome collect(struct scan *scan, struct suspects *suspects,
                            struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, scan->db, &outbox_quarantine_sql.entries, err) ==
        FAILED)
        return FAILED;
    statement_bind_int(&query, 1, scan->after);
    statement_bind_int(&query, 2, scan->through);
    while (suspects->count < SUSPECT_LIMIT &&
           (outcome = statement_step(&query, err)) == OK) {
        scan->after = statement_column_int(&query, 0);
        if (look_at(scan, &query, suspects, err) == FAILED)
            return FAILED;
    }
    return suspects->count < SUSPECT_LIMIT && outcome == FAILED ? FAILED : OK;
}

enum outcome outbox_quarantine(struct database *db, const struct outbox_tables *tables,
                               int64_t after, int64_t through, int64_t *out_count,
                               struct error *err)
{
    OWNED(suspects_drop) struct suspects *suspects = calloc(1, sizeof(*suspects));
    struct scan scan = {.db = db, .tables = tables, .after = after, .through = through};
    int64_t total = 0;
    size_t count;

    if (!suspects)
        return error_out_of_memory(err);
    do {
        suspects_clear(suspects);
        if (collect(&scan, suspects, err) == FAILED)
            return FAILED;
        count = suspects->count;
        if (count && file(db, suspects, tables, err) == FAILED)
            return FAILED;
        total += (int64_t)count;
    } while (count == SUSPECT_LIMIT);
    *out_count = total;
    return OK;
}
