#include "daemon/migrate/sql_refusal.h"

#include "daemon/migrate/concurrent_index.h"
#include "daemon/migrate/sql_words.h"

#include <stddef.h>

/* BEGIN, COMMIT and their like; ROLLBACK TO a savepoint stays in the transaction. */
static bool ends_or_begins_a_transaction(struct sql_words words)
{
    static const char *const verbs[] = {"begin", "commit", "end", "abort", "rollback"};
    struct sql_word verb = sql_words_next(&words);

    if (sql_word_is(&verb, "start") || sql_word_is(&verb, "prepare"))
        return sql_words_skip(&words, "transaction");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!sql_word_is(&verb, verbs[i]))
            continue;
        if (!sql_words_skip(&words, "work"))
            sql_words_skip(&words, "transaction");
        return !sql_words_skip(&words, "to");
    }
    return false;
}

static bool copies_through_the_client(struct sql_words words)
{
    struct sql_word word;

    if (!sql_words_skip(&words, "copy"))
        return false;
    while ((word = sql_words_next(&words)).length)
        if (sql_word_is(&word, "stdin") || sql_word_is(&word, "stdout"))
            return true;
    return false;
}

enum outcome sql_statement_refuse(const struct sql_statement *statement,
                                  bool no_transaction, struct error *err)
{
    struct sql_words words = sql_words_of(statement);
    struct concurrent_index index;

    if (statement->text[0] == '\\')
        return error_set(err, ERROR_INVALID, "a command of psql, not SQL");
    if (ends_or_begins_a_transaction(words)) {
        error_set(err, ERROR_INVALID,
                  "begins or ends a transaction, which is the "
                  "runner's to do");
        return error_hint(err, no_transaction
                                   ? "take it out: each statement stands alone here"
                                   : "take it out: the whole file is one transaction");
    }
    if (copies_through_the_client(words)) {
        error_set(err, ERROR_INVALID, "COPY needs a client to send or take the rows");
        return error_hint(err, "write INSERT statements");
    }
    if (!concurrent_index_parse(statement, &index) || !index.creates || index.name.length)
        return OK;
    error_set(err, ERROR_INVALID, "an index that is built concurrently needs a name");
    return error_hint(err, "create index concurrently ix_<table>_<column> on …: by its "
                           "name a half-built one is found");
}
