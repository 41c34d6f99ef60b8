#include "daemon/sync/status_of_file.h"

#include "daemon/sync/status_document.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/model/table_reading.h"
#include "lib/store/cache.h"
#include "lib/store/catalog.h"
#include "lib/store/local_table.h"

#include <stdlib.h>

/* Takes the text of `stored` over. */
static enum outcome take_table(struct database *db, struct catalog_table *stored,
                               struct status_table *out_fact, struct error *err)
{
    OWNED(table_release) struct table table = {0};
    int64_t rows = 0;

    if (table_reading(stored->fingerprint, &table, err) == FAILED ||
        local_table_count(db, &table, &rows, err) == FAILED)
        return error_wrap(err, "%s", stored->name);
    *out_fact = (struct status_table){
        .has_row_count = true,
        .rows = rows,
        .name = TAKE(stored->name),
        .schema = TAKE(stored->schema),
        .cursor = TAKE(stored->cursor.exact),
        .state = TABLE_LIVE,
        .tracked = stored->tracked,
        .mark_us = stored->cursor.mark_us,
        .swept_us = stored->cursor.swept_us,
        .visible = true,
        .has_delta =
            table.updated_at != TABLE_NO_COLUMN || table.deleted_at != TABLE_NO_COLUMN,
    };
    return OK;
}

static enum outcome take_tables(struct database *db, struct status_facts *facts,
                                struct error *err)
{
    struct catalog_table *stored = NULL;
    size_t count = 0;
    enum outcome outcome;

    if (catalog_tables(db, &stored, &count, err) == FAILED)
        return FAILED;
    facts->tables = calloc(count + 1, sizeof(*facts->tables));
    outcome = facts->tables ? OK : error_out_of_memory(err);
    facts->tables_known = true;
    for (size_t i = 0; i < count; i++) {
        if (outcome == OK)
            outcome =
                take_table(db, &stored[i], &facts->tables[facts->table_count++], err);
        catalog_table_release(&stored[i]);
    }
    free(stored);
    return outcome;
}

enum outcome status_of_file(const struct status_promises *promises, json_t **out_document,
                            struct error *err)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    OWNED(status_facts_release) struct status_facts facts = {.promises = *promises};
    enum outcome outcome = cache_open_read_only(&cache, promises->cache_path, err);

    if (outcome != OK)
        return outcome;
    if (take_tables(cache.db, &facts, err) == FAILED ||
        change_counts_read(cache.db, &facts.changes, err) == FAILED ||
        database_query_int(cache.db, "read the state", "select since_us from tide_state",
                           &facts.since_us, err) != OK)
        return FAILED;
    *out_document = status_facts_document(&facts);
    return *out_document ? OK : error_out_of_memory(err);
}
