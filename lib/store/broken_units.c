#include "lib/store/broken_units.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/catalog.h"
#include "lib/store/pending.h"

enum outcome broken_units_refuse_next(const struct broken_units *broken,
                                      const struct table **out_table,
                                      struct mirror_counts *counts, struct error *err)
{
    OWNED(pending_member_release) struct pending_member member = {0};
    OWNED(mirror_release) struct mirror mirror = {0};
    const struct table *table;
    enum outcome outcome = pending_units_next(broken->units, &member, err);

    if (outcome != OK)
        return outcome;
    table = outbox_tables_find(broken->tables, member.table_id);
    if (!table)
        return error_set(err, ERROR_CORRUPT, "a unit of work is about no known table");
    if (mirror_init(&mirror, broken->db, table, table->name, err) == FAILED)
        return FAILED;
    mirror.pending = broken->pending;
    mirror.tables = broken->tables;
    mirror.units = broken->units;
    if (mirror_reject_member(&mirror, &member, counts, err) == FAILED)
        return FAILED;
    *out_table = table;
    return OK;
}

static enum outcome refuse_rest(const struct broken_units *broken, struct error *err)
{
    const struct table *ignored;
    struct mirror_counts counts = {0};
    enum outcome outcome;

    if (catalog_open_gate(broken->db, err) == FAILED ||
        pending_refresh(broken->pending, broken->tables, err) == FAILED ||
        pending_units_resume(broken->units, err) == FAILED)
        return FAILED;
    do
        outcome = broken_units_refuse_next(broken, &ignored, &counts, err);
    while (outcome == OK);
    if (outcome == FAILED || pending_units_forget_broken(broken->units, err) == FAILED)
        return FAILED;
    return catalog_close_gate(broken->db, err);
}

enum outcome broken_units_settle(struct database *db, struct pending *pending,
                                 const struct outbox_tables *tables, struct error *err)
{
    struct pending_units units;
    const struct broken_units broken = {db, pending, tables, &units};
    enum outcome outcome = pending_units_are_broken(db, err);

    if (outcome != OK)
        return outcome;
    pending_units_start(&units, db);
    if (database_begin(db, err) == FAILED)
        return FAILED;
    if (refuse_rest(&broken, err) == OK && database_commit(db, err) == OK)
        return OK;
    database_roll_back(db);
    pending_reset(pending);
    return FAILED;
}
