#include "lib/store/rejected_mend.h"

#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/row_key.h"
#include "lib/store/pending.h"
#include "rejected_mend.sql.h"

enum outcome rejected_mend_is_needed(struct database *db, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, db, &rejected_mend_sql.is_needed, err) == FAILED)
        return FAILED;
    return statement_step(&query, err);
}

static enum outcome correct_bases(struct database *db, struct pending *pending,
                                  const struct table *table, const struct value *key,
                                  int64_t rejected_id, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &rejected_mend_sql.refused_values, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, rejected_id);
    while ((outcome = statement_step(&query, err)) == OK) {
        const struct pending_correction correction = {
            .column = statement_column_text(&query, 0),
            .wrong = statement_column_text(&query, 1),
            .right = statement_column_text(&query, 2),
        };

        if (pending_correct(pending, table, key, &correction, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}

/* What the row holds on the primary, which did not delete it. */
static enum outcome make_update(struct database *db, struct pending *pending,
                                const struct table *table, const struct value *key,
                                int64_t rejected_id, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    OWNED(change_base_release) struct change_base base = {0};

    if (statement_prepare(&query, db, &rejected_mend_sql.refused_base, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, rejected_id);
    if (statement_step(&query, err) == FAILED ||
        change_base_parse(&base, statement_column_text(&query, 0),
                          statement_column_size(&query, 0), err) == FAILED)
        return FAILED;
    return pending_make_update(pending, table, key, &base, err);
}

/* refused: the row of the query, about that table. */
static enum outcome mend_row(struct database *db, struct pending *pending,
                             const struct table *table, const struct statement *refused,
                             struct error *err)
{
    OWNED(pending_change_release) struct pending_change change = {0};
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value key[TABLE_KEY_LIMIT];
    enum outbox_operation operation =
        outbox_operation_read(statement_column_text(refused, 3));
    int64_t rejected_id = statement_column_int(refused, 0);
    enum outcome outcome;

    if (row_key_values(table, statement_column_text(refused, 2), &bytes, key, err) ==
        FAILED)
        return FAILED;
    outcome = pending_find(pending, table, key, &change, err);
    if (outcome == OK && change.kind == PENDING_INSERT && operation == OUTBOX_DELETE)
        return make_update(db, pending, table, key, rejected_id, err);
    if (outcome != OK || change.kind != PENDING_UPDATE)
        return outcome == FAILED ? FAILED : OK;
    if (operation == OUTBOX_INSERT)
        return pending_make_insert(pending, table, key, err);
    return correct_bases(db, pending, table, key, rejected_id, err);
}

enum outcome rejected_mend(struct database *db, struct pending *pending,
                           const struct outbox_tables *tables, struct error *err)
{
    OWNED(statement_release) struct statement refused = {0};
    enum outcome outcome;

    if (statement_prepare(&refused, db, &rejected_mend_sql.awaited, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&refused, err)) == OK) {
        const struct table *table =
            outbox_tables_named(tables, statement_column_text(&refused, 1));

        if (table && mend_row(db, pending, table, &refused, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}
