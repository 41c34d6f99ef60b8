#include "daemon/sync/status_of_file.h"

#include "daemon/sync/status_document.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/cache.h"
#include "lib/store/catalog.h"
#include "lib/store/mirror_sql.h"

#include <stdlib.h>

/* Without the definition of the table: the view that leaves tombstones out, where there
 * is one. */
static enum outcome count_rows(struct database *db, const char *name, int64_t *out_rows,
                               struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    OWNED(buffer_release) struct buffer view = {0};
    struct error ignored;

    buffer_append_format(&view, "live_%s", name);
    buffer_append_text(&sql, "select count(*) from ");
    mirror_sql_identifier(&sql, view.data ? view.data : "");
    if (buffer_check(&sql, err) == FAILED || buffer_check(&view, err) == FAILED)
        return FAILED;
    if (database_query_int(db, "count the rows", sql.data, out_rows, &ignored) == OK)
        return OK;
    buffer_clear(&sql);
    buffer_append_text(&sql, "select count(*) from ");
    mirror_sql_identifier(&sql, name);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return database_query_int(db, "count the rows", sql.data, out_rows, err);
}

/* Takes the text of `stored` over. */
static enum outcome take_table(struct database *db, struct catalog_table *stored,
                               struct status_table *out_fact, struct error *err)
{
    *out_fact = (struct status_table){
        .name = TAKE(stored->name),
        .schema = TAKE(stored->schema),
        .cursor = TAKE(stored->cursor.exact),
        .state = TABLE_LIVE,
        .tracked = stored->tracked,
        .mark_us = stored->cursor.mark_us,
        .swept_us = stored->cursor.swept_us,
        .visible = true,
        .has_delta = true,
    };
    if (count_rows(db, out_fact->name, &out_fact->rows, err) == FAILED)
        return FAILED;
    out_fact->has_row_count = true;
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
