#include "daemon/migrate/scratch_database.h"

#include "daemon/migrate/scratch_link.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "scratch_database.sql.h"

#include <stdlib.h>
#include <string.h>

static enum outcome take_key(struct scratch_server *server, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(server->owner, &scratch_database_sql.take_key, NULL, 0, &result,
                      err) == FAILED)
        return FAILED;
    if (!primary_result_rows(result))
        return error_set(err, ERROR_TRANSIENT, "no name for a scratch database is free");
    server->key = strdup(primary_result_text(result, 0, 0));
    return server->key ? OK : error_out_of_memory(err);
}

static enum outcome drop_leftovers(struct scratch_server *server, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *own = NULL;
    OWNED(primary_result_free) struct primary_result *left = NULL;
    const char *oid;

    if (primary_query(server->owner, &scratch_database_sql.own_oid, NULL, 0, &own, err) ==
        FAILED)
        return FAILED;
    oid = primary_result_text(own, 0, 0);
    if (primary_query(server->owner, &scratch_database_sql.leftovers, &oid, 1, &left,
                      err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < primary_result_rows(left); i++)
        if (primary_run_text(server->owner,
                             "drop a scratch database that was left behind",
                             primary_result_text(left, i, 0), err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome borrow(struct scratch_server *server, const char *lent,
                           struct error *err)
{
    struct primary_config config = server->config;

    config.conninfo = lent;
    config.password_file = NULL;
    config.role = NULL;
    return lent_database_take(&server->lent, &config, server->owner, err);
}

enum outcome scratch_server_open(struct scratch_server *out_server,
                                 const struct primary_config *config, const char *lent,
                                 struct error *err)
{
    OWNED(scratch_server_release) struct scratch_server server = {.config = *config};

    if (scratch_link_open(&server.owner, &server.config, err) == FAILED)
        return FAILED;
    if (lent ? borrow(&server, lent, err) == FAILED
             : take_key(&server, err) == FAILED || drop_leftovers(&server, err) == FAILED)
        return FAILED;
    *out_server = TAKE(server);
    return OK;
}

static enum outcome explain_refusal(struct error *err)
{
    if (err->kind != ERROR_AUTH)
        return FAILED;
    error_wrap(err, "the schemas are compared in scratch databases on the same server");
    return error_hint(err, "alter role … createdb, or name a role that may in "
                           "[migrations] conninfo, or an empty database of the role's "
                           "own in [migrations] scratch");
}

static enum outcome create(struct scratch_server *server,
                           struct scratch_database *database, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *text = NULL;
    const char letter[] = {(char)('a' + server->count), '\0'};
    const char *params[] = {server->key, letter};

    if (primary_query(server->owner, &scratch_database_sql.new_database, params, 2, &text,
                      err) == FAILED)
        return FAILED;
    database->name = strdup(primary_result_text(text, 0, 0));
    database->drop = strdup(primary_result_text(text, 0, 2));
    if (!database->name || !database->drop)
        return error_out_of_memory(err);
    server->count++; /* from here on it is dropped at the end */
    if (primary_run_text(server->owner, "make a scratch database",
                         primary_result_text(text, 0, 1), err) == FAILED)
        return explain_refusal(err);
    return OK;
}

static enum outcome make_one_more(struct scratch_server *server,
                                  struct primary **out_link,
                                  struct primary_config *out_config, struct error *err)
{
    struct scratch_database *database = &server->databases[server->count];

    if (create(server, database, err) == FAILED)
        return FAILED;
    *out_config = server->config;
    out_config->database = database->name;
    if (scratch_link_open(&database->link, out_config, err) == FAILED)
        return FAILED;
    *out_link = database->link;
    return OK;
}

/* One after the other in the same database. */
static enum outcome use_lent(struct scratch_server *server, struct primary **out_link,
                             struct primary_config *out_config, struct error *err)
{
    struct primary **link = &server->databases[0].link;
    bool is_used = *link;

    scratch_link_close(link);
    if ((is_used && lent_database_empty(&server->lent, err) == FAILED) ||
        scratch_link_open(link, &server->lent.config, err) == FAILED)
        return FAILED;
    *out_config = server->lent.config;
    *out_link = *link;
    return OK;
}

enum outcome scratch_server_make(struct scratch_server *server, struct primary **out_link,
                                 struct primary_config *out_config, struct error *err)
{
    return server->lent.keeper ? use_lent(server, out_link, out_config, err)
                               : make_one_more(server, out_link, out_config, err);
}

struct migration_runner scratch_runner(struct primary *link)
{
    static const struct migrate_observer nobody = {0};

    return (struct migration_runner){.primary = link, .observer = &nobody};
}

/* Whoever was asked to stop still tidies up: on a link that does not listen to that. */
static bool reconnect(struct scratch_server *server)
{
    struct error ignored;

    scratch_link_close(&server->owner);
    server->config.interrupt_fd = -1;
    return scratch_link_open(&server->owner, &server->config, &ignored) == OK;
}

static bool drop(struct scratch_server *server, const struct scratch_database *database)
{
    struct error ignored;

    return server->owner && primary_is_connected(server->owner) &&
           primary_run_text(server->owner, "drop a scratch database", database->drop,
                            &ignored) == OK;
}

/* What cannot be dropped is found by the next run. */
static void drop_all(struct scratch_server *server)
{
    for (size_t i = 0; i < server->count; i++)
        if (!drop(server, &server->databases[i]) && reconnect(server) &&
            !drop(server, &server->databases[i]))
            return;
}

void scratch_server_release(struct scratch_server *server)
{
    for (size_t i = 0; i < SCRATCH_LIMIT; i++)
        scratch_link_close(&server->databases[i].link);
    lent_database_give_back(&server->lent);
    drop_all(server);
    for (size_t i = 0; i < SCRATCH_LIMIT; i++) {
        free(server->databases[i].name);
        free(server->databases[i].drop);
    }
    primary_free(server->owner);
    free(server->key);
    *server = (struct scratch_server){0};
}
