#include "lib/store/presence.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/mirror_sql_list.h"
#include "lib/store/row_list.h"

/* A DELETE from the table of that name. */
static enum outcome run(struct database *db, const char *name, const char *what,
                        const struct buffer *sql, struct error *err)
{
    enum outcome outcome;

    if (buffer_check(sql, err) == FAILED)
        return FAILED;
    own_write_expect(db, name, OWN_DELETE, OWN_ALL_ROWS);
    outcome = database_run(db, what, sql->data, err);
    own_write_end(db);
    return outcome;
}

static void and_not_kept(struct buffer *sql, const struct table *table,
                         const struct row_list *kept)
{
    if (kept)
        mirror_sql_and_not_listed(sql, table, kept->name);
}

enum outcome presence_delete_absent(const struct table *table, const char *physical_name,
                                    const struct row_list *list, int64_t *out_deleted,
                                    struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_delete_absent(&sql, table, physical_name, list->name, true);
    if (run(list->db, physical_name, "delete the rows that are gone", &sql, err) ==
        FAILED)
        return FAILED;
    *out_deleted = database_changes(list->db);
    return OK;
}

enum outcome presence_delete_absent_from(struct database *db, const struct table *table,
                                         const char *other_name,
                                         const struct row_list *kept, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_delete_absent(&sql, table, table->name, other_name, false);
    and_not_kept(&sql, table, kept);
    return run(db, table->name, "delete the rows that are gone", &sql, err);
}

enum outcome presence_delete_all(struct database *db, const struct table *table,
                                 const char *physical_name, const struct row_list *kept,
                                 int64_t *out_deleted, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    mirror_sql_delete_all(&sql, physical_name);
    and_not_kept(&sql, table, kept);
    if (run(db, physical_name, "empty a truncated table", &sql, err) == FAILED)
        return FAILED;
    *out_deleted = database_changes(db);
    return OK;
}
