#include "daemon/migrate/sql_refusal.h"

#include "daemon/migrate/concurrent_index.h"
#include "daemon/migrate/sql_words.h"

#include <stddef.h>

static bool is_one_of(const struct sql_word *word, const char *const *texts)
{
    for (; *texts; texts++)
        if (sql_word_is(word, *texts))
            return true;
    return false;
}

static bool is_of_psql(struct sql_words words)
{
    return words.at[0] == '\\';
}

/* BEGIN, COMMIT and their like; ROLLBACK TO a savepoint stays in the transaction. */
static bool ends_or_begins_a_transaction(struct sql_words words)
{
    static const char *const verbs[] = {"begin", "commit",   "end",
                                        "abort", "rollback", NULL};
    struct sql_word verb = sql_words_next(&words);

    if (sql_word_is(&verb, "start") || sql_word_is(&verb, "prepare"))
        return sql_words_skip(&words, "transaction");
    if (!is_one_of(&verb, verbs))
        return false;
    if (!sql_words_skip(&words, "work"))
        sql_words_skip(&words, "transaction");
    return !sql_words_skip(&words, "to");
}

static bool copies_through_the_client(struct sql_words words)
{
    static const char *const ends[] = {"stdin", "stdout", NULL};
    struct sql_word word;

    if (!sql_words_skip(&words, "copy"))
        return false;
    while ((word = sql_words_next(&words)).length)
        if (is_one_of(&word, ends))
            return true;
    return false;
}

static bool discards_all(struct sql_words words)
{
    return sql_words_skip(&words, "discard") && sql_words_skip(&words, "all");
}

/* What ends with the transaction that it stands in. */
static bool lasts_for_a_transaction(struct sql_words words)
{
    static const char *const verbs[] = {"savepoint", "release", "rollback", "lock", NULL};
    static const char *const kinds[] = {"local", "constraints", "transaction", NULL};
    struct sql_word verb = sql_words_next(&words);
    struct sql_word kind = sql_words_next(&words);

    return is_one_of(&verb, verbs) ||
           (sql_word_is(&verb, "set") && is_one_of(&kind, kinds));
}

static bool sets_or_resets(struct sql_words *words)
{
    return sql_words_skip(words, "set") || sql_words_skip(words, "reset");
}

static bool sets_the_role(struct sql_words words)
{
    if (!sets_or_resets(&words))
        return false;
    sql_words_skip(&words, "session");
    return sql_words_skip(&words, "role") || sql_words_skip(&words, "authorization");
}

static bool sets_the_session(struct sql_words words)
{
    if (sets_or_resets(&words))
        return true;
    return sql_words_skip(&words, "select") &&
           (sql_words_skip(&words, "set_config") ||
            sql_words_skip(&words, "pg_catalog.set_config"));
}

static bool ends_with_the_session(struct sql_words words)
{
    static const char *const verbs[] = {"prepare", "declare", "listen", "load", NULL};
    struct sql_word verb = sql_words_next(&words);

    if (!sql_word_is(&verb, "create"))
        return is_one_of(&verb, verbs);
    if (!sql_words_skip(&words, "local"))
        sql_words_skip(&words, "global");
    return sql_words_skip(&words, "temp") || sql_words_skip(&words, "temporary");
}

static bool builds_without_a_name(struct sql_words words)
{
    const struct sql_statement statement = {.text = words.at,
                                            .length = (size_t)(words.end - words.at)};
    struct concurrent_index index;

    return concurrent_index_parse(&statement, &index) && index.creates &&
           !index.name.length;
}

enum mode { EVERYWHERE, WITH_TRANSACTION, WITHOUT_TRANSACTION };

struct refusal {
    bool (*meets)(struct sql_words words);
    enum mode mode; /* of the file */
    const char *message;
    const char *hint;
};

/* The first one that a statement meets is told. */
static const struct refusal refusals[] = {
    {is_of_psql, EVERYWHERE, "a command of psql, not SQL", ""},
    {ends_or_begins_a_transaction, WITH_TRANSACTION,
     "begins or ends a transaction, which is the runner's to do",
     "take it out: the whole file is one transaction"},
    {ends_or_begins_a_transaction, WITHOUT_TRANSACTION,
     "begins or ends a transaction, which is the runner's to do",
     "take it out: each statement stands alone here"},
    {copies_through_the_client, EVERYWHERE,
     "COPY needs a client to send or take the rows", "write INSERT statements"},
    {discards_all, EVERYWHERE, "DISCARD ALL would take the runner's own lock away",
     "take it out: each file begins with a session that nothing was set in"},
    {builds_without_a_name, EVERYWHERE,
     "an index that is built concurrently needs a name",
     "create index concurrently ix_<table>_<column> on …: by its name a half-built one "
     "is found"},
    {lasts_for_a_transaction, WITHOUT_TRANSACTION,
     "is over before the next statement begins: with \"-- no-transaction\" each one is a "
     "transaction of its own",
     "put it, with the statements that it is for, into a file without "
     "\"-- no-transaction\""},
    {sets_the_role, WITHOUT_TRANSACTION,
     "sets the role of the session, which no later step may rely on: a run that was "
     "stopped goes on in a new session, and the runner records each step as itself",
     "alter … owner to … says whose it is; or use a file without \"-- no-transaction\", "
     "which may set a role"},
    {sets_the_session, WITHOUT_TRANSACTION,
     "sets the session, which no later step may rely on: a run that was stopped goes on "
     "in a new session",
     "name things with their schema; let the connection bring settings ([migrations] "
     "conninfo: options='-c work_mem=1GB'); or use a file without \"-- no-transaction\""},
    {ends_with_the_session, WITHOUT_TRANSACTION,
     "makes something that ends with the session: a run that was stopped goes on in a "
     "new one",
     "make a table that stays, and drop it in the last step; or use a file without "
     "\"-- no-transaction\""},
};

static enum outcome refuse(const struct sql_statement *statement, bool no_transaction,
                           struct error *err)
{
    enum mode mode = no_transaction ? WITHOUT_TRANSACTION : WITH_TRANSACTION;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        const struct refusal *refusal = &refusals[i];

        if ((refusal->mode != EVERYWHERE && refusal->mode != mode) ||
            !refusal->meets(sql_words_of(statement)))
            continue;
        error_set(err, ERROR_INVALID, "%s", refusal->message);
        return error_hint(err, "%s", refusal->hint);
    }
    return OK;
}

enum outcome sql_script_check(const char *what, struct sql_script script,
                              bool no_transaction, int *out_count, struct error *err)
{
    struct sql_statement statement;
    enum outcome outcome;
    int count = 0;

    while ((outcome = sql_script_next(&script, &statement, err)) == OK) {
        if (refuse(&statement, no_transaction, err) == FAILED)
            return error_wrap(err, "%s, line %d", what, statement.line);
        count++;
    }
    if (outcome == FAILED)
        return error_wrap(err, "%s", what);
    *out_count = count;
    return OK;
}
