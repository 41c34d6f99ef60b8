#include "daemon/primary/primary_transaction.h"

#include "daemon/primary/primary_link.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "lib/model/sqlstate.h"
#include "primary.sql.h"

#include <string.h>

static void append_settings(const struct primary *primary, const char *scope,
                            struct buffer *sql)
{
    char *role;

    buffer_append_format(sql, "set %s lock_timeout = %d;\n", scope,
                         primary->config.lock_timeout_ms);
    if (!primary->config.role)
        return;
    role = PQescapeIdentifier(primary->connection, primary->config.role,
                              strlen(primary->config.role));
    if (role)
        buffer_append_format(sql, "set %s role %s;\n", scope, role);
    else
        sql->failed = true;
    PQfreemem(role);
}

/* The rest of what is pinned is the same everywhere. */
static enum outcome blame_role(const char *role, struct error *err)
{
    bool missing = strcmp(err->origin, "SQLSTATE 22023") == 0;

    if (missing || err->kind == ERROR_AUTH)
        error_hint(err,
                   missing ? "check [primary] role: there is no %s"
                           : "let the owner of that role grant it to this user (grant %s "
                             "to …), or take [primary] role out",
                   role);
    return FAILED;
}

enum outcome primary_pin_session(struct primary *primary, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (primary->transaction_pooler)
        return OK;
    buffer_append_text(&sql, primary_sql.pin_session.text);
    append_settings(primary, "session", &sql);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    if (primary_run_text(primary, primary_sql.pin_session.name, sql.data, err) == OK)
        return OK;
    return primary->config.role ? blame_role(primary->config.role, err) : FAILED;
}

void primary_append_transaction_pins(const struct primary *primary, struct buffer *sql)
{
    if (!primary->transaction_pooler)
        return;
    buffer_append_text(sql, primary_sql.pin_transaction.text);
    append_settings(primary, "local", sql);
}

enum outcome primary_begin_reading(struct primary *primary, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (!primary->connection)
        return error_set(err, ERROR_TRANSIENT, "not connected to the primary");
    buffer_append_text(&sql, primary_sql.begin_reading.text);
    primary_append_transaction_pins(primary, &sql);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return primary_run_text(primary, primary_sql.begin_reading.name, sql.data, err);
}

/* An error that leaves the session is the server's; what ends it may have come after the
 * commit. */
static bool is_clear_no(const struct primary *primary, const struct error *err)
{
    return primary->connection && strncmp(err->origin, "SQLSTATE ", 9) == 0 &&
           strcmp(err->origin, "SQLSTATE " SQLSTATE_STATEMENT_COMPLETION_UNKNOWN) != 0 &&
           strcmp(err->origin, "SQLSTATE " SQLSTATE_TRANSACTION_RESOLUTION_UNKNOWN) != 0;
}

static enum outcome read_commit(struct primary *primary, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const char *command;

    if (primary_query(primary, &primary_sql.commit, NULL, 0, &result, err) == FAILED) {
        primary->refused_commit = is_clear_no(primary, err);
        return FAILED;
    }
    command = result ? primary_result_command(result) : "nothing";
    if (strcmp(command, "COMMIT") == 0)
        return OK;
    primary->refused_commit = strcmp(command, "ROLLBACK") == 0;
    if (primary->refused_commit)
        return error_set(err, ERROR_TRANSIENT, "the primary rolled the transaction back");
    return error_set(err, ERROR_TRANSIENT, "the primary answered COMMIT with %s",
                     command);
}

enum outcome primary_commit(struct primary *primary, struct error *err)
{
    enum outcome outcome;

    primary->refused_commit = false;
    primary->committing = true;
    outcome = read_commit(primary, err);
    primary->committing = false;
    if (outcome == OK)
        return OK;
    /* one that was refused before it was run leaves the transaction open */
    primary_end_reading(primary);
    return FAILED;
}

bool primary_refused_commit(const struct primary *primary)
{
    return primary->refused_commit;
}

void primary_end_reading(struct primary *primary)
{
    struct error ignored;

    if (!primary->connection || PQtransactionStatus(primary->connection) == PQTRANS_IDLE)
        return;
    if (primary_run(primary, &primary_sql.roll_back, NULL, 0, &ignored) == FAILED)
        primary_close(primary);
}
