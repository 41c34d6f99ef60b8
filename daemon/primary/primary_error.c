#include "daemon/primary/primary_link.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a hint, %s is the section of the settings that the link comes from. */
struct sqlstate_rule {
    const char *prefix;
    enum error_kind kind;
    const char *hint;
};

/* Longer prefixes first. Sources: PostgreSQL 15, appendix A. */
static const struct sqlstate_rule rules[] = {
    {"28P01", ERROR_AUTH, "check the user and the password ([%s] password_file)"},
    {"28", ERROR_AUTH, "check the user, and the server's pg_hba.conf for this host"},
    {"53300", ERROR_TRANSIENT,
     "close other sessions there, or raise max_connections or the role's limit"},
    {"53100", ERROR_TRANSIENT, "make room on the server's disk"},
    {"57P03", ERROR_TRANSIENT, "the server is starting or stopping: it is tried again"},
    {"3D000", ERROR_INVALID, "check dbname in [%s] conninfo"},
    {"42501", ERROR_AUTH,
     "grant the missing right; `tidemark doctor --fix-sql` prints the SQL"},
    {"25006", ERROR_TRANSIENT, "the server takes no changes: a standby, or read-only"},
    {"25P03", ERROR_TRANSIENT, ""},
    {"55P03", ERROR_TRANSIENT, ""},
    {"55000", ERROR_SCHEMA, ""},
    {"0A000", ERROR_SCHEMA, ""},
    {"26000", ERROR_SCHEMA, ""},
    {"42703", ERROR_SCHEMA, ""},
    {"42P01", ERROR_SCHEMA, ""},
    {"42883", ERROR_SCHEMA, ""},
    {"3F000", ERROR_SCHEMA, ""},
    {"08", ERROR_TRANSIENT, ""},
    {"40", ERROR_TRANSIENT, ""},
    {"53", ERROR_TRANSIENT, ""},
    {"55", ERROR_TRANSIENT, ""},
    {"57", ERROR_TRANSIENT, ""},
    {"58", ERROR_TRANSIENT, ""},
    {"", ERROR_REJECTED, ""},
};

/* What libpq finds by itself has no SQLSTATE, only words; nobody sets LC_MESSAGES, so
 * they are English. */
struct link_rule {
    const char *words;
    enum error_kind kind;
    const char *hint;
};

static const struct link_rule link_rules[] = {
    {"could not translate host name", ERROR_TRANSIENT,
     "check the host's name in [%s] conninfo, the network, and its DNS"},
    {"root certificate file", ERROR_INVALID,
     "name the certificate of the authority that signed the server's as sslrootcert in "
     "[%s] conninfo"},
    {"certificate verify failed", ERROR_TRANSIENT,
     "check that sslrootcert in [%s] conninfo is the authority that signed the server's "
     "certificate; another network may have answered in its place"},
    {"does not match host name", ERROR_TRANSIENT,
     "let host in [%s] conninfo be the name that the server's certificate is for"},
    {"server does not support SSL", ERROR_TRANSIENT,
     "switch TLS on there (ssl = on), or check sslmode and host in [%s] conninfo"},
    {"definition of service", ERROR_INVALID,
     "check service in [%s] conninfo, and ~/.pg_service.conf or $PGSERVICEFILE"},
    {"invalid port number", ERROR_INVALID, "check port in [%s] conninfo"},
    {"invalid integer value", ERROR_INVALID, "check the numbers in [%s] conninfo"},
    {" value: \"", ERROR_INVALID, "check that word in [%s] conninfo"},
    {"No route to host", ERROR_TRANSIENT, "check the network, and host in [%s] conninfo"},
    {"Network is unreachable", ERROR_TRANSIENT,
     "check the network, and host in [%s] conninfo"},
};

static const struct sqlstate_rule *rule_of(const char *sqlstate)
{
    const struct sqlstate_rule *rule = rules;

    while (strncmp(sqlstate, rule->prefix, strlen(rule->prefix)) != 0)
        rule++;
    return rule;
}

static void put_sqlstate(struct error *err, const char *sqlstate, const char *section)
{
    const struct sqlstate_rule *rule = rule_of(sqlstate);

    err->kind = rule->kind;
    snprintf(err->origin, sizeof(err->origin), "SQLSTATE %.5s", sqlstate);
    if (!err->hint[0])
        error_hint(err, rule->hint, section);
}

/* libpq's texts are several lines; ours are one. */
static void join_lines(char *text)
{
    size_t length = strlen(text);

    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\n' || text[i] == '\t')
            text[i] = ' ';
}

/* In verbose form a server's refusal reads "FATAL:  28P01: password …"; NULL when there
 * is none. */
static const char *find_sqlstate(const char *message)
{
    for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  ")) {
        const char *code = at + 3;
        size_t length = strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (length == 5 && code[5] == ':')
            return code;
    }
    return NULL;
}

/* libpq asks "Is the server running …?" after each address, in a line of its own; that is
 * our hint's business. */
static bool drop_questions(char *text)
{
    bool asked = false;
    char *question;

    while ((question = strstr(text, "\n\t"))) {
        size_t length = 1 + strcspn(question + 1, "\n");

        memmove(question, question + length, strlen(question + length) + 1);
        asked = true;
    }
    return asked;
}

/* After drop_questions() asked, or for words that are known. */
static void put_link_hint(struct error *err, bool asked, const char *section)
{
    const size_t count = sizeof(link_rules) / sizeof(link_rules[0]);

    for (size_t i = 0; i < count; i++) {
        if (!strstr(err->message, link_rules[i].words))
            continue;
        err->kind = link_rules[i].kind;
        error_hint(err, link_rules[i].hint, section);
        return;
    }
    if (asked)
        error_hint(err, "check that the server runs there, host and port, and the "
                        "network");
}

/* Takes the SQLSTATE out of the text; false when there is none. */
static bool take_sqlstate(char *text, char out_code[static 6])
{
    const char *sqlstate = find_sqlstate(text);

    if (!sqlstate)
        return false;
    snprintf(out_code, 6, "%.5s", sqlstate);
    memmove(text + (sqlstate - text), sqlstate + 7, strlen(sqlstate + 7) + 1);
    return true;
}

/* Before there is a session: what means a table elsewhere means the database here. */
static void judge_refusal(struct error *err, const char *sqlstate, const char *section)
{
    if (err->kind == ERROR_SCHEMA)
        err->kind = ERROR_TRANSIENT;
    if (strcmp(sqlstate, "28000") == 0 && strstr(err->message, "no encryption"))
        error_hint(
            err,
            "check the server's pg_hba.conf for this host and user; if it wants TLS "
            "(hostssl): sslmode=verify-full in [%s] conninfo",
            section);
    if (strcmp(sqlstate, "42501") == 0)
        error_hint(err, "let the database's owner grant connect on it to this user");
    else if (strcmp(sqlstate, "55000") == 0)
        error_hint(err, "the database is closed to everybody: alter database … "
                        "allow_connections true");
}

/* libpq reports one failure per address tried; the last line is the one that counts. */
static void shorten_connection_message(struct error *err, const char *what,
                                       const char *message, const char *section)
{
    char text[sizeof(err->message)];
    char code[6];
    char *location;
    bool asked;

    snprintf(text, sizeof(text), "%s", message);
    asked = drop_questions(text);
    location = strstr(text, "\nLOCATION:");
    if (location)
        *location = '\0';
    join_lines(text);
    if (take_sqlstate(text, code)) {
        error_set(err, ERROR_TRANSIENT, "%s: %s", what, text);
        put_sqlstate(err, code, section);
        judge_refusal(err, code, section);
    } else {
        error_set(err, ERROR_TRANSIENT, "%s: %s", what, text);
        put_link_hint(err, asked, section);
    }
}

/* libpq gives up before the server has said anything. */
static void say_password_is_missing(const struct primary *primary, struct error *err)
{
    err->kind = ERROR_AUTH;
    error_hint(
        err,
        "user %s needs a password: write it into a file of mode 0600 and name that "
        "in [%s] password_file; ~/.pgpass and PGPASSWORD work too",
        PQuser(primary->connection), primary->config.section);
}

enum outcome link_connection_error(struct primary *primary, const char *what,
                                   struct error *err)
{
    const char *message = PQerrorMessage(primary->connection);

    shorten_connection_message(err, what, *message ? message : "connection lost",
                               primary->config.section);
    if (!err->origin[0] && PQconnectionNeedsPassword(primary->connection))
        say_password_is_missing(primary, err);
    primary_close(primary);
    return FAILED;
}

static const char *text_or_nothing(const char *text)
{
    return text ? text : "";
}

/* The whole row is no news to whoever sent it, and may be long. */
static const char *useful_detail(const PGresult *result)
{
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

    return detail && strncmp(detail, "Failing row contains", 20) == 0 ? NULL : detail;
}

static void keep_complaint(struct primary_complaint *complaint, const PGresult *result)
{
    const char *detail = useful_detail(result);

    snprintf(complaint->sqlstate, sizeof(complaint->sqlstate), "%s",
             PQresultErrorField(result, PG_DIAG_SQLSTATE));
    snprintf(complaint->message, sizeof(complaint->message), "%s%s%s",
             text_or_nothing(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)),
             detail ? ": " : "", text_or_nothing(detail));
    snprintf(complaint->constraint, sizeof(complaint->constraint), "%s",
             text_or_nothing(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME)));
    join_lines(complaint->message);
}

/* After FATAL and PANIC the server does, even where that has not been read yet. */
static bool hangs_up(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity && strcmp(severity, "ERROR") != 0;
}

enum outcome link_result_error(struct primary *primary, const PGresult *result,
                               const char *what, struct error *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);

    if (!sqlstate)
        return link_connection_error(primary, what, err);
    primary->error_position = position ? strtoul(position, NULL, 10) : 0;
    keep_complaint(&primary->complaint, result);
    error_set(err, ERROR_REJECTED, "%s: %s", what, primary->complaint.message);
    if (hint)
        error_hint(err, "%s", hint);
    put_sqlstate(err, sqlstate, primary->config.section);
    /* notice it now, not at the next statement */
    if (hangs_up(result) || PQstatus(primary->connection) == CONNECTION_BAD)
        primary_close(primary);
    return FAILED;
}
