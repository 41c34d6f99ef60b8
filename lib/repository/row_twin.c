#include "lib/repository/row_twin.h"

#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/model/row_key.h"
#include "lib/repository/repository.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"

/* The row that the statement stands on; through: "its key", or an index. */
static void describe(const struct table *table, const struct statement *found,
                     const char *through, struct error *err)
{
    OWNED(buffer_release) struct buffer name = {0};
    struct value key[TABLE_KEY_LIMIT];

    for (size_t i = 0; i < table->key_count; i++)
        value_read(found, table->key[i], &key[i]);
    repository_append_name(&name, table, key);
    if (name.failed)
        return;
    if (table->deleted_at == TABLE_NO_COLUMN ||
        statement_column_is_null(found, table->deleted_at)) {
        error_set(err, ERROR_CONFLICT, "%.300s is there already (%s)", name.data,
                  through);
        return;
    }
    error_set(err, ERROR_CONFLICT, "%.300s is there, deleted at %s (%s)", name.data,
              statement_column_text(found, table->deleted_at), through);
    error_hint(err, "tide_repository_restore_by_id() brings it back");
}

/* Where the row may be. */
struct search {
    const struct table *table;
    const struct value *values; /* the parameters of the query */
    size_t count;
    const char *through;
};

static bool find(struct database *db, const struct search *search,
                 const struct buffer *sql, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    struct error ignored;

    if (sql->failed || statement_prepare_text(&query, db, "find the row in the way",
                                              sql->data, &ignored) == FAILED)
        return false;
    value_bind_all(&query, 1, search->values, search->count);
    if (statement_step(&query, &ignored) != OK)
        return false;
    describe(search->table, &query, search->through, err);
    return true;
}

void row_twin_name(struct database *db, const struct table *table,
                   const struct value *wanted, bool is_there, struct error *err)
{
    struct value key[TABLE_KEY_LIMIT];
    bool is_found = false;

    row_key_pick(table, wanted, key);
    if (!is_there) {
        const struct search by_key = {table, key, table->key_count, "the same key"};
        OWNED(buffer_release) struct buffer sql = {0};

        mirror_sql_select_by_key(&sql, table, table->name);
        is_found = find(db, &by_key, &sql, err);
    }
    for (size_t i = 0; !is_found && i < table->index_count; i++) {
        const struct search by_index = {table, wanted, table->column_count,
                                        table->indexes[i].name};
        OWNED(buffer_release) struct buffer sql = {0};

        if (!table->indexes[i].unique)
            continue;
        mirror_sql_holders(&sql, table, &table->indexes[i], table->name);
        is_found = find(db, &by_index, &sql, err);
    }
}
