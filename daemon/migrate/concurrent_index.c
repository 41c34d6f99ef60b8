#include "daemon/migrate/concurrent_index.h"

#include "concurrent_index.sql.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

bool concurrent_index_parse(const struct sql_statement *statement,
                            struct concurrent_index *out_index)
{
    struct sql_words words = sql_words_of(statement);
    struct concurrent_index index = {0};

    index.creates = sql_words_skip(&words, "create");
    if (!index.creates && !sql_words_skip(&words, "drop"))
        return false;
    if (index.creates)
        (void)sql_words_skip(&words, "unique");
    if (!sql_words_skip(&words, "index") || !sql_words_skip(&words, "concurrently"))
        return false;
    if (sql_words_skip(&words, "if")) {
        (void)sql_words_skip(&words, "not");
        (void)sql_words_skip(&words, "exists");
    }
    if (!index.creates || !sql_words_skip(&words, "on")) {
        index.name = sql_words_next(&words);
        if (index.creates && !sql_words_skip(&words, "on"))
            return false;
    }
    if (index.creates) {
        (void)sql_words_skip(&words, "only");
        index.table = sql_words_next(&words);
    }
    *out_index = index;
    return true;
}

/* Text of its own for a query's parameter. */
static enum outcome copy_word(const struct sql_word *word, struct buffer *out_text,
                              struct error *err)
{
    buffer_append(out_text, word->text, word->length);
    return buffer_check(out_text, err);
}

/* Asks for the index; the statement that removes it goes to out_removal. */
static enum outcome look(struct primary *primary, const struct concurrent_index *index,
                         struct buffer *out_removal,
                         enum concurrent_index_state *out_state, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    OWNED(buffer_release) struct buffer name = {0};
    OWNED(buffer_release) struct buffer table = {0};
    const char *parameters[2];
    bool found;

    if (copy_word(&index->name, &name, err) == FAILED ||
        copy_word(&index->table, &table, err) == FAILED)
        return FAILED;
    parameters[0] = name.data;
    parameters[1] = table.data;
    if (primary_query(primary,
                      index->creates ? &concurrent_index_sql.look
                                     : &concurrent_index_sql.exists_by_name,
                      parameters, index->creates ? 2 : 1, &result, err) == FAILED)
        return FAILED;
    found = primary_result_rows(result) && primary_result_text(result, 0, 0);
    if (!found)
        *out_state = CONCURRENT_INDEX_ABSENT;
    else if (!index->creates || primary_result_bool(result, 0, 1))
        *out_state = CONCURRENT_INDEX_VALID;
    else
        *out_state = primary_result_bool(result, 0, 2) ? CONCURRENT_INDEX_BUILDING
                                                       : CONCURRENT_INDEX_INVALID;
    if (found)
        buffer_append_text(out_removal, primary_result_text(result, 0, 0));
    return buffer_check(out_removal, err);
}

enum outcome concurrent_index_look(struct primary *primary,
                                   const struct concurrent_index *index,
                                   enum concurrent_index_state *out_state,
                                   struct error *err)
{
    OWNED(buffer_release) struct buffer removal = {0};

    return look(primary, index, &removal, out_state, err);
}

enum outcome concurrent_index_remove_invalid(struct primary *primary,
                                             const struct concurrent_index *index,
                                             struct error *err)
{
    OWNED(buffer_release) struct buffer removal = {0};
    enum concurrent_index_state state;

    if (look(primary, index, &removal, &state, err) == FAILED)
        return FAILED;
    if (state != CONCURRENT_INDEX_INVALID)
        return NOTHING;
    return primary_run_text(primary, "remove the invalid index", removal.data, err);
}
