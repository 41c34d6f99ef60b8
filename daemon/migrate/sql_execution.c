#include "daemon/migrate/sql_execution.h"

#include "daemon/migrate/sql_words.h"
#include "daemon/primary/primary.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "sql_execution.sql.h"

#include <stdio.h>
#include <string.h>

struct cure {
    const char *origin; /* the beginning of err->origin */
    const char *text;
};

/* For what the primary itself has no hint for. Sources: PostgreSQL 15, appendix A. */
static const struct cure cures[] = {
    {"SQLSTATE 25001", "put a line \"-- no-transaction\" above \"-- upgrade\": this "
                       "statement cannot run in a transaction"},
    {"SQLSTATE 2D000", "put a line \"-- no-transaction\" above \"-- upgrade\": what it "
                       "calls ends transactions by itself"},
    {"SQLSTATE 42501",
     "[migrations] conninfo must name the role that owns the tables, or "
     "a member of it"},
    {"SQLSTATE 42P07", "it is there already: was it made by hand? Remove it, or take the "
                       "statement out"},
    {"SQLSTATE 42710", "it is there already: was it made by hand? Remove it, or take the "
                       "statement out"},
    {"SQLSTATE 42701", "it is there already: was it made by hand? Remove it, or take the "
                       "statement out"},
    {"SQLSTATE 23", "the rows that are there break the rule: mend them first, in an "
                    "earlier statement"},
};

static const char *cure_for(const struct error *err)
{
    for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
        if (strncmp(err->origin, cures[i].origin, strlen(cures[i].origin)) == 0)
            return cures[i].text;
    return "";
}

/* The name of the table that the statement alters; "…" for any other one. */
static struct sql_word altered_table(const struct sql_statement *statement)
{
    static const struct sql_word unknown = {.text = "…", .length = sizeof("…") - 1};
    struct sql_words words = sql_words_of(statement);
    struct sql_word name;

    if (!sql_words_skip(&words, "alter") || !sql_words_skip(&words, "table"))
        return unknown;
    if (sql_words_skip(&words, "if"))
        sql_words_skip(&words, "exists");
    sql_words_skip(&words, "only");
    name = sql_words_next(&words);
    return name.length ? name : unknown;
}

/* PostgreSQL alters and drops no column that a trigger's condition names. What it offers
 * instead, CASCADE, would take the trigger away without a word. */
static bool cure_tracking(const struct sql_statement *statement, struct error *err)
{
    struct sql_word table;

    if (!strstr(err->message, " zz_tidemark_") ||
        (strcmp(err->origin, "SQLSTATE 0A000") != 0 &&
         strcmp(err->origin, "SQLSTATE 2BP01") != 0))
        return false;
    table = altered_table(statement);
    error_hint(err,
               "it is part of a tracked key: put select tidemark.untrack('%.*s'); before "
               "the statement and select tidemark.track('%.*s'); behind it, in this file",
               (int)table.length, table.text, (int)table.length, table.text);
    return true;
}

/* The hint of a lost right names the doctor, who knows only the sync's own. */
static void explain(const struct sql_statement *statement, struct error *err)
{
    size_t length = strlen(err->message);

    if (err->origin[0])
        snprintf(err->message + length, sizeof(err->message) - length, " (%s)",
                 err->origin);
    if (statement && cure_tracking(statement, err))
        return;
    if (!err->hint[0] || strcmp(err->origin, "SQLSTATE 42501") == 0)
        error_hint(err, "%s", cure_for(err));
}

/* "statement 3, "create table tidemark.device ( …"": its first line, cut short. */
static void name_statement(const struct sql_statement *statement, int number, char *what,
                           size_t size)
{
    const char *newline = memchr(statement->text, '\n', statement->length);
    size_t length = newline ? (size_t)(newline - statement->text) : statement->length;
    size_t shown = length > 60 ? 60 : length;

    /* no half of a character */
    while (shown < length && ((unsigned char)statement->text[shown] & 0xC0) == 0x80)
        shown--;
    snprintf(what, size, "statement %d, \"%.*s%s\"", number, (int)shown, statement->text,
             newline || shown < length ? " …" : "");
}

enum outcome sql_execution_statement(struct primary *primary, const char *what,
                                     const struct sql_statement *statement, int number,
                                     struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    char name[128];
    int line;

    buffer_append(&text, statement->text, statement->length);
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    name_statement(statement, number, name, sizeof(name));
    if (primary_run_text(primary, name, text.data, err) == OK)
        return OK;
    line = primary_is_connected(primary)
               ? sql_statement_line(statement, primary_error_position(primary))
               : statement->line;
    explain(statement, err);
    return error_wrap(err, "%s, line %d", what, line);
}

static enum outcome end_script(struct primary *primary, const char *what,
                               struct error *err)
{
    const struct sql *check = &sql_execution_sql.check_constraints;
    const struct sql *reset = &sql_execution_sql.be_oneself;

    if (primary_run_text(primary, "a deferred constraint", check->text, err) == FAILED) {
        explain(NULL, err);
        return error_wrap(err, "%s", what);
    }
    if (primary_run_text(primary, reset->name, reset->text, err) == FAILED ||
        primary_pin_session(primary, err) == FAILED)
        return error_wrap(err, "%s", what);
    return OK;
}

enum outcome sql_execution_script(struct primary *primary, const char *what,
                                  const struct sql_script *script, struct error *err)
{
    struct sql_script rest = *script;
    struct sql_statement statement;
    enum outcome outcome;
    int number = 0;

    while ((outcome = sql_script_next(&rest, &statement, err)) == OK)
        if (sql_execution_statement(primary, what, &statement, ++number, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : end_script(primary, what, err);
}
