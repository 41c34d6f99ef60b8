#include "lib/model/table_reading.h"

#include "lib/base/array.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* ---- words, quoted names, ends of lines ---- */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_NAME, TOKEN_LINE };

struct reader {
    const char *at;
    struct buffer text; /* of the token last read */
    bool out_of_memory; /* some token was not read whole */
    struct table *table;
};

static enum token read_name(struct reader *reader)
{
    for (reader->at++; *reader->at; reader->at++) {
        if (*reader->at == '"' && *++reader->at != '"')
            return TOKEN_NAME;
        buffer_append(&reader->text, reader->at, 1);
    }
    return TOKEN_END;
}

static enum token next(struct reader *reader)
{
    size_t length;

    reader->out_of_memory |= reader->text.failed;
    buffer_clear(&reader->text);
    buffer_append_text(&reader->text, "");
    reader->at += strspn(reader->at, " ");
    if (!*reader->at)
        return TOKEN_END;
    if (*reader->at == '\n') {
        reader->at++;
        return TOKEN_LINE;
    }
    if (*reader->at == '"')
        return read_name(reader);
    length = strcspn(reader->at, " \n");
    buffer_append(&reader->text, reader->at, length);
    reader->at += length;
    return TOKEN_WORD;
}

static const char *text_of(const struct reader *reader)
{
    return reader->text.data ? reader->text.data : "";
}

/* Whether the next word is this one; only then it is read. */
static bool take_word(struct reader *reader, const char *word)
{
    const char *at = reader->at + strspn(reader->at, " ");
    size_t length = strlen(word);

    if (strncmp(at, word, length) != 0 || !strchr(" \n", at[length]))
        return false;
    reader->at = at + length;
    return true;
}

static bool at_name(const struct reader *reader)
{
    return reader->at[strspn(reader->at, " ")] == '"';
}

static bool is_incomplete(const struct reader *reader)
{
    return reader->out_of_memory || reader->text.failed;
}

static enum outcome malformed(const struct reader *reader, struct error *err)
{
    if (is_incomplete(reader))
        return error_out_of_memory(err);
    return error_set(err, ERROR_CORRUPT,
                     "the cache describes a table in a way that this tidemark does not "
                     "understand, before: %.60s",
                     reader->at);
}

static enum outcome take_name(struct reader *reader, char **out_name, struct error *err)
{
    if (next(reader) != TOKEN_NAME)
        return malformed(reader, err);
    *out_name = strdup(text_of(reader));
    return *out_name ? OK : error_out_of_memory(err);
}

static enum outcome take_line(struct reader *reader, struct error *err)
{
    return next(reader) == TOKEN_LINE ? OK : malformed(reader, err);
}

/* ---- columns by name ---- */

static enum outcome take_column(struct reader *reader, int *out_column, struct error *err)
{
    if (next(reader) != TOKEN_NAME)
        return malformed(reader, err);
    *out_column = table_find_column(reader->table, text_of(reader));
    return *out_column == TABLE_NO_COLUMN ? malformed(reader, err) : OK;
}

static enum outcome append_column(struct reader *reader, int **columns, size_t *count,
                                  struct error *err)
{
    if (array_room(columns, *count, err) == FAILED)
        return FAILED;
    return take_column(reader, &(*columns)[(*count)++], err);
}

static enum outcome take_columns(struct reader *reader, int **columns, size_t *count,
                                 struct error *err)
{
    while (at_name(reader))
        if (append_column(reader, columns, count, err) == FAILED)
            return FAILED;
    return OK;
}

static enum outcome take_optional_column(struct reader *reader, int *out_column,
                                         struct error *err)
{
    if (take_word(reader, "-"))
        return take_line(reader, err);
    if (take_column(reader, out_column, err) == FAILED)
        return FAILED;
    return take_line(reader, err);
}

static enum outcome take_names(struct reader *reader, char ***names, size_t *count,
                               struct error *err)
{
    while (at_name(reader)) {
        if (array_room(names, *count, err) == FAILED ||
            take_name(reader, &(*names)[*count], err) == FAILED)
            return FAILED;
        (*count)++;
    }
    return OK;
}

/* ---- items ---- */

static enum outcome read_table(struct reader *reader, struct error *err)
{
    struct table *table = reader->table;

    if (next(reader) != TOKEN_WORD)
        return malformed(reader, err);
    table->oid = (uint32_t)strtoul(text_of(reader), NULL, 10);
    if (take_name(reader, &table->schema, err) == FAILED ||
        take_name(reader, &table->name, err) == FAILED)
        return FAILED;
    table->partitioned = take_word(reader, "partitioned");
    return take_line(reader, err);
}

static enum outcome read_column(struct reader *reader, struct error *err)
{
    struct table *table = reader->table;
    struct table_column *column;

    if (array_room(&table->columns, table->column_count, err) == FAILED)
        return FAILED;
    column = &table->columns[table->column_count++];
    *column = (struct table_column){0};
    if (take_name(reader, &column->name, err) == FAILED ||
        take_name(reader, &column->type_name, err) == FAILED)
        return FAILED;
    if (next(reader) != TOKEN_WORD || !column_codec_read(text_of(reader), &column->codec))
        return malformed(reader, err);
    column->not_null = take_word(reader, "not") && take_word(reader, "null");
    column->generated = take_word(reader, "generated");
    if (take_word(reader, "default") &&
        take_name(reader, &column->cache_default, err) == FAILED)
        return FAILED;
    if (take_word(reader, "labels") &&
        take_names(reader, &column->labels, &column->label_count, err) == FAILED)
        return FAILED;
    return take_line(reader, err);
}

static enum outcome read_key(struct reader *reader, struct error *err)
{
    struct table *table = reader->table;

    if (take_columns(reader, &table->key, &table->key_count, err) == FAILED)
        return FAILED;
    if (!table->key_count || table->key_count > TABLE_KEY_LIMIT)
        return malformed(reader, err);
    return take_line(reader, err);
}

static enum outcome append_index_column(struct reader *reader, struct table_index *index,
                                        struct error *err)
{
    if (array_room(&index->descending, index->column_count, err) == FAILED ||
        append_column(reader, &index->columns, &index->column_count, err) == FAILED)
        return FAILED;
    index->descending[index->column_count - 1] = take_word(reader, "desc");
    return OK;
}

static enum outcome read_index(struct reader *reader, bool unique, struct error *err)
{
    struct table *table = reader->table;
    struct table_index *index;

    if (array_room(&table->indexes, table->index_count, err) == FAILED)
        return FAILED;
    index = &table->indexes[table->index_count++];
    *index = (struct table_index){.unique = unique};
    if (take_name(reader, &index->name, err) == FAILED)
        return FAILED;
    if (!take_word(reader, "on"))
        return malformed(reader, err);
    while (at_name(reader))
        if (append_index_column(reader, index, err) == FAILED)
            return FAILED;
    if (take_word(reader, "where") && take_name(reader, &index->predicate, err) == FAILED)
        return FAILED;
    return take_line(reader, err);
}

static enum outcome read_parent(struct reader *reader, struct table_foreign_key *key,
                                struct error *err)
{
    size_t count = 0;
    enum outcome outcome = OK;

    if (take_name(reader, &key->parent_schema, err) == FAILED ||
        take_name(reader, &key->parent_table, err) == FAILED ||
        take_names(reader, &key->parent_columns, &count, err) == FAILED)
        outcome = FAILED;
    if (outcome == OK && count == key->column_count)
        return take_line(reader, err);
    /* the release counts by column_count */
    while (count > key->column_count)
        free(key->parent_columns[--count]);
    key->column_count = count;
    return outcome == OK ? malformed(reader, err) : FAILED;
}

static enum outcome read_foreign_key(struct reader *reader, struct error *err)
{
    struct table *table = reader->table;
    struct table_foreign_key *key;

    if (array_room(&table->foreign_keys, table->foreign_key_count, err) == FAILED)
        return FAILED;
    key = &table->foreign_keys[table->foreign_key_count++];
    *key = (struct table_foreign_key){0};
    if (!take_word(reader, "key"))
        return malformed(reader, err);
    if (take_columns(reader, &key->columns, &key->column_count, err) == FAILED)
        return FAILED;
    if (!take_word(reader, "to"))
        return malformed(reader, err);
    return read_parent(reader, key, err);
}

static enum outcome read_text(struct reader *reader, char **out_text, struct error *err)
{
    if (*out_text)
        return malformed(reader, err);
    if (take_name(reader, out_text, err) == FAILED)
        return FAILED;
    return take_line(reader, err);
}

static enum outcome read_item(struct reader *reader, struct error *err)
{
    if (take_word(reader, "table") && !reader->table->name)
        return read_table(reader, err);
    if (take_word(reader, "column"))
        return read_column(reader, err);
    if (take_word(reader, "key") && !reader->table->key_count)
        return read_key(reader, err);
    if (take_word(reader, "updated_at"))
        return take_optional_column(reader, &reader->table->updated_at, err);
    if (take_word(reader, "deleted_at"))
        return take_optional_column(reader, &reader->table->deleted_at, err);
    if (take_word(reader, "unique"))
        return read_index(reader, true, err);
    if (take_word(reader, "index"))
        return read_index(reader, false, err);
    if (take_word(reader, "foreign"))
        return read_foreign_key(reader, err);
    if (take_word(reader, "partitions"))
        return read_text(reader, &reader->table->partitions, err);
    if (take_word(reader, "scope"))
        return read_text(reader, &reader->table->scope, err);
    return malformed(reader, err);
}

enum outcome table_reading(const char *fingerprint, struct table *out_table,
                           struct error *err)
{
    OWNED(table_release)
    struct table table = {.updated_at = TABLE_NO_COLUMN, .deleted_at = TABLE_NO_COLUMN};
    struct reader reader = {.at = fingerprint, .table = &table};
    enum outcome outcome = OK;

    while (outcome == OK && *reader.at)
        outcome = read_item(&reader, err);
    if (outcome == OK && (!table.name || !table.key_count || is_incomplete(&reader)))
        outcome = malformed(&reader, err);
    buffer_release(&reader.text);
    if (outcome == FAILED)
        return FAILED;
    table.fingerprint = strdup(fingerprint);
    if (!table.fingerprint)
        return error_out_of_memory(err);
    *out_table = TAKE(table);
    return OK;
}
