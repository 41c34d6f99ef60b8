#include "lib/store/conflict_log.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/db/statement.h"
#include "lib/store/value_binding.h"
#include "conflict_log.sql.h"

#include <string.h>

static bool is_among(const struct conflict_value *values, size_t count,
                     const char *column)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].column, column) == 0)
            return true;
    return false;
}

size_t conflict_values_complete(struct conflict_value *values, size_t count,
                                const struct table *table, const struct value *row)
{
    size_t changed = count;

    for (size_t i = 0; i < table->column_count; i++)
        if (!table->columns[i].generated &&
            !is_among(values, changed, table->columns[i].name))
            values[count++] = (struct conflict_value){
                .column = table->columns[i].name, .base = row[i], .local = row[i]};
    return count;
}

static enum outcome add_row(struct database *db, const struct conflict *conflict,
                            int64_t *out_id, struct error *err)
{
    OWNED(statement_release) struct statement add = {0};

    if (statement_prepare(&add, db, &conflict_log_sql.add, err) == FAILED)
        return FAILED;
    statement_bind_text(&add, 1, conflict->push_id);
    statement_bind_text(&add, 2, conflict->table);
    statement_bind_text(&add, 3, conflict->row_key);
    statement_bind_text(&add, 4, conflict->rule);
    statement_bind_text(&add, 5, conflict->local_wins ? "local" : "remote");
    statement_bind_int(&add, 6, conflict->open);
    statement_bind_int(&add, 7, conflict->changed_us);
    statement_bind_int(&add, 8, clock_now_us());
    if (statement_step(&add, err) == FAILED)
        return FAILED;
    *out_id = statement_column_int(&add, 0);
    return statement_run(&add, err);
}

static enum outcome add_values(struct database *db, int64_t conflict_id,
                               const struct conflict *conflict, struct error *err)
{
    OWNED(statement_release) struct statement add = {0};

    if (statement_prepare(&add, db, &conflict_log_sql.add_value, err) == FAILED)
        return FAILED;
    statement_bind_int(&add, 1, conflict_id);
    for (size_t i = 0; i < conflict->value_count; i++) {
        statement_bind_text(&add, 2, conflict->values[i].column);
        value_bind(&add, 3, &conflict->values[i].base);
        value_bind(&add, 4, &conflict->values[i].local);
        value_bind(&add, 5, &conflict->values[i].remote);
        if (statement_run(&add, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome conflict_log_add(struct database *db, const struct conflict *conflict,
                              struct error *err)
{
    int64_t conflict_id = 0;

    if (add_row(db, conflict, &conflict_id, err) == FAILED ||
        add_values(db, conflict_id, conflict, err) == FAILED)
        return error_wrap(err, "keep a conflict of %s", conflict->table);
    return OK;
}
