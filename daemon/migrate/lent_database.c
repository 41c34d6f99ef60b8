#include "daemon/migrate/lent_database.h"

#include "daemon/migrate/scratch_link.h"
#include "daemon/primary/primary_query.h"
#include "lent_database.sql.h"
#include "lib/base/cleanup.h"

#include <string.h>

#define SETTING "[migrations] scratch"

/* ---- whether it will do ---- */

static enum outcome refuse_server(const struct primary_info *lent,
                                  const struct primary_info *primary, struct error *err)
{
    if (lent->server_version / 10000 != primary->server_version / 10000) {
        error_set(err, ERROR_INVALID,
                  SETTING ": its server is PostgreSQL %d, the primary %d: they do not "
                          "describe a schema in the same words",
                  lent->server_version / 10000, primary->server_version / 10000);
        return error_hint(err, "name a database on a server of the primary's version");
    }
    if (strcmp(lent->host, primary->host) == 0 &&
        strcmp(lent->port, primary->port) == 0 &&
        strcmp(lent->database, primary->database) == 0) {
        error_set(err, ERROR_INVALID, SETTING ": that is the primary's own database");
        return error_hint(err, "name an empty database: everything in it is dropped");
    }
    return OK;
}

static enum outcome take_lock(struct primary *keeper, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(keeper, &lent_database_sql.take_lock, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    if (primary_result_bool(result, 0, 0))
        return OK;
    error_set(err, ERROR_TRANSIENT, SETTING ": another run is using that database");
    return error_hint(err, "wait for its end; or name another database");
}

static enum outcome expect_nothing(struct primary *keeper, const char *verb,
                                   struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    struct primary_info info;

    if (primary_query(keeper, &lent_database_sql.contents, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    if (!primary_result_text(result, 0, 0))
        return OK;
    primary_describe(keeper, &info);
    error_set(err, ERROR_INVALID, SETTING ": database %s %s: %s", info.database, verb,
              primary_result_text(result, 0, 0));
    return error_hint(err, "everything in it is dropped, so it must be empty: name "
                           "another database, or drop that by hand");
}

/* Whether it may be emptied: it is empty, or a run that was killed left it so. */
static enum outcome look(struct primary *keeper, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(keeper, &lent_database_sql.look, NULL, 0, &result, err) == FAILED)
        return FAILED;
    if (!primary_result_bool(result, 0, 0)) {
        error_set(err, ERROR_AUTH, SETTING ": the database belongs to another role");
        return error_hint(err,
                          "alter database … owner to the role that " SETTING " names");
    }
    return primary_result_bool(result, 0, 1)
               ? OK
               : expect_nothing(keeper, "is not empty", err);
}

/* ---- its use ---- */

enum outcome lent_database_empty(struct lent_database *lent, struct error *err)
{
    if (primary_run(lent->keeper, &lent_database_sql.empty, NULL, 0, err) == FAILED)
        return error_wrap(err, SETTING ": cannot be emptied");
    return expect_nothing(lent->keeper, "cannot be emptied", err);
}

static enum outcome give_back(struct lent_database *lent, struct error *err)
{
    if (!primary_is_connected(lent->keeper))
        return FAILED;
    if (primary_run(lent->keeper, &lent_database_sql.end_sessions, NULL, 0, err) ==
            FAILED ||
        lent_database_empty(lent, err) == FAILED)
        return FAILED;
    return primary_run(lent->keeper, &lent_database_sql.unmark, NULL, 0, err);
}

static enum outcome reconnect(struct lent_database *lent, struct error *err)
{
    scratch_link_close(&lent->keeper);
    lent->config.interrupt_fd = -1;
    if (scratch_link_open(&lent->keeper, &lent->config, err) == FAILED)
        return FAILED;
    return primary_run(lent->keeper, &lent_database_sql.wait_for_lock, NULL, 0, err);
}

void lent_database_give_back(struct lent_database *lent)
{
    struct error ignored;

    if (lent->keeper)
        primary_ignore_interrupt(lent->keeper);
    if (lent->keeper && give_back(lent, &ignored) == FAILED &&
        reconnect(lent, &ignored) == OK)
        (void)!give_back(lent, &ignored);
    scratch_link_close(&lent->keeper);
    *lent = (struct lent_database){0};
}

enum outcome lent_database_take(struct lent_database *out_lent,
                                const struct primary_config *config,
                                const struct primary *primary, struct error *err)
{
    OWNED(scratch_link_close) struct primary *keeper = NULL;
    struct lent_database lent = {.config = *config};
    struct primary_info infos[2];

    if (scratch_link_open(&keeper, config, err) == FAILED)
        return error_wrap(err, SETTING);
    primary_describe(keeper, &infos[0]);
    primary_describe(primary, &infos[1]);
    if (refuse_server(&infos[0], &infos[1], err) == FAILED ||
        take_lock(keeper, err) == FAILED || look(keeper, err) == FAILED ||
        primary_run(keeper, &lent_database_sql.end_sessions, NULL, 0, err) == FAILED ||
        primary_run(keeper, &lent_database_sql.mark, NULL, 0, err) == FAILED)
        return FAILED;
    lent.keeper = keeper;
    if (lent_database_empty(&lent, err) == FAILED)
        return FAILED;
    lent.keeper = TAKE(keeper);
    *out_lent = lent;
    return OK;
}
