#include "lib/db/own_write.h"

#include "lib/db/database.h"
#include "lib/db/sqlite_error.h"

#include <sqlite3.h>
#include <stddef.h>

static bool is_own(struct own_write *own, const char *table, int operation)
{
    if (own->operation == OWN_NONE)
        return true;
    if (own->rows <= 0 || operation != (int)own->operation || !table ||
        sqlite3_stricmp(table, own->table) != 0)
        return false;
    own->rows--;
    return true;
}

static void answer(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct database *db = sqlite3_user_data(context);
    const char *table = (const char *)sqlite3_value_text(values[0]);

    (void)count;
    sqlite3_result_int(context,
                       is_own(&db->own_write, table, sqlite3_value_int(values[1])));
}

enum outcome own_write_register(struct database *db, struct error *err)
{
    if (sqlite3_create_function_v2(db->handle, "tide_is_own", 2, SQLITE_UTF8, db, answer,
                                   NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error_set(db->handle, err, "open %s", db->path);
    return OK;
}

void own_write_expect(struct database *db, const char *table,
                      enum own_operation operation, int64_t rows)
{
    if (!db->own_write.asked)
        return;
    db->own_write.operation = operation;
    db->own_write.table = table;
    db->own_write.rows = rows;
}

void own_write_end(struct database *db)
{
    db->own_write.operation = OWN_NONE;
}
