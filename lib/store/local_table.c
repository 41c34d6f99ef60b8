#include "lib/store/local_table.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/model/table_reading.h"
#include "lib/store/mirror_sql.h"
#include "local_table.sql.h"

enum outcome local_table_read(struct database *db, const char *name,
                              struct table *out_table, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};
    enum outcome outcome;

    if (statement_prepare(&query, db, &local_table_sql.definition, err) == FAILED)
        return FAILED;
    statement_bind_text(&query, 1, name);
    outcome = statement_step(&query, err);
    if (outcome != OK)
        return outcome;
    if (table_reading(statement_column_text(&query, 0), out_table, err) == FAILED)
        return error_wrap(err, "%s", name);
    return OK;
}

enum outcome local_table_count(struct database *db, const struct table *table,
                               int64_t *out_rows, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_count_live(&sql, table, table->name);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return database_query_int(db, "count the rows", sql.data, out_rows, err);
}
