#include "lib/model/row_key.h"

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/model/json_text.h"
#include "lib/model/quoted_value.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void row_key_append(struct buffer *json, const struct value *key, size_t count)
{
    OWNED(buffer_release) struct buffer text = {0};

    buffer_append_text(json, "[");
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&text);
        value_append_text(&text, &key[i]);
        buffer_append_text(json, i ? "," : "");
        json_text_append(json, text.data ? text.data : "", text.length);
        json->failed |= text.failed;
    }
    buffer_append_text(json, "]");
}

static enum outcome malformed(const char *json, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "not a row's key: %.100s", json);
}

enum outcome row_key_parse(const char *json, size_t count, char ***out_texts,
                           struct error *err)
{
    json_t *array = json_loads(json, 0, NULL);
    char **texts = calloc(count, sizeof(*texts));
    enum outcome outcome = OK;

    if (!texts)
        outcome = error_out_of_memory(err);
    else if (!json_is_array(array) || json_array_size(array) != count)
        outcome = malformed(json, err);
    for (size_t i = 0; outcome == OK && i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (!text)
            outcome = malformed(json, err);
        else if (!(texts[i] = strdup(text)))
            outcome = error_out_of_memory(err);
    }
    json_decref(array);
    if (outcome == OK)
        *out_texts = texts;
    else
        row_key_free(texts, count);
    return outcome;
}

void row_key_free(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

/* ---- the canonical spelling ---- */

/* First letter of the declared type; it decides what the cache makes of a value. */
static char kind_of(const struct table_column *column)
{
    return column_codec_info(column->codec)->cache_type[0];
}

static bool is_number(char kind)
{
    return kind == 'I' || kind == 'N' || kind == 'R';
}

static size_t trimmed_size(const char *text, size_t size)
{
    while (size > 0 && text[size - 1] == ' ')
        size--;
    return size;
}

static void lower_case(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
}

static void append_collated(struct buffer *json, const char *collation,
                            const struct value *value)
{
    size_t start = json->length;

    if (strcmp(collation, "RTRIM") == 0) {
        json_text_append(json, value->bytes, trimmed_size(value->bytes, value->size));
    } else {
        json_text_append(json, value->bytes, value->size);
        if (!json->failed)
            lower_case(json->data + start, json->length - start);
    }
}

static void append_canonical(struct buffer *json, const struct table_column *column,
                             const struct value *value)
{
    OWNED(buffer_release) struct buffer text = {0};
    const char *collation = column_codec_info(column->codec)->collation;

    if (value->type == VALUE_TEXT && collation) {
        append_collated(json, collation, value);
    } else if (value->type == VALUE_TEXT && kind_of(column) != 'B') {
        json_text_append(json, value->bytes, value->size);
    } else if (value->type == VALUE_INTEGER && kind_of(column) != 'R') {
        buffer_append_format(json, "\"%lld\"", (long long)value->integer);
    } else {
        struct value real = {.type = VALUE_REAL, .real = (double)value->integer};
        struct value blob = {
            .type = VALUE_BLOB, .bytes = value->bytes, .size = value->size};

        value_append_text(&text, value->type == VALUE_INTEGER ? &real
                                 : value->type == VALUE_TEXT  ? &blob
                                                              : value);
        json_text_append(json, text.data ? text.data : "", text.length);
        json->failed |= text.failed;
    }
}

void row_key_append_columns(struct buffer *json, const struct table *table,
                            const int *columns, const struct value *values, size_t count)
{
    buffer_append(json, "[", 1);
    for (size_t i = 0; i < count; i++) {
        buffer_append(json, ",", i ? 1 : 0);
        append_canonical(json, &table->columns[columns[i]], &values[i]);
    }
    buffer_append(json, "]", 1);
}

void row_key_append_canonical(struct buffer *json, const struct table *table,
                              const struct value *key)
{
    row_key_append_columns(json, table, table->key, key, table->key_count);
}

/* Numbers are quoted values but for the infinities; so is what the triggers make of a
 * text in a column of numbers. */
static bool read_number(struct value *value, struct buffer *scratch)
{
    struct error ignored;

    if (value->size == 8 && memcmp(value->bytes, "Infinity", 8) == 0)
        *value = (struct value){.type = VALUE_REAL, .real = INFINITY};
    else if (value->size == 9 && memcmp(value->bytes, "-Infinity", 9) == 0)
        *value = (struct value){.type = VALUE_REAL, .real = -INFINITY};
    else if (value->size == 0 || *value->bytes == 'X' || *value->bytes == 'N')
        return false;
    else
        return quoted_value_parse(value->bytes, value->size, scratch, value, &ignored) ==
               OK;
    return true;
}

static bool read_blob(struct value *value, struct buffer *scratch)
{
    if (value->size < 2 || memcmp(value->bytes, "\\x", 2) != 0 ||
        !hex_read(scratch, value->bytes + 2, value->size - 2))
        return false;
    *value = (struct value){
        .type = VALUE_BLOB, .bytes = scratch->data, .size = scratch->length};
    return true;
}

/* Types a text that stands in `bytes` from `start` on; what it becomes stands there
 * instead. */
static void retype(const struct table_column *column, struct buffer *bytes, size_t start,
                   struct value *value)
{
    OWNED(buffer_release) struct buffer scratch = {0};
    char kind = kind_of(column);
    bool changed = is_number(kind) ? read_number(value, &scratch)
                                   : kind == 'B' && read_blob(value, &scratch);

    if (!changed)
        return;
    if (kind == 'R' && value->type == VALUE_INTEGER)
        *value = (struct value){.type = VALUE_REAL, .real = (double)value->integer};
    bytes->length = start;
    buffer_append(bytes, scratch.data ? scratch.data : "", scratch.length);
    bytes->failed |= scratch.failed;
}

/* Texts end in `bytes` one behind the other; it may move until the last is read. */
static bool read_values(const struct table *table, struct json_text_reader *reader,
                        struct buffer *bytes, struct value *out_values)
{
    for (size_t i = 0; i < table->key_count; i++) {
        size_t start = bytes->length;

        if ((i && !json_text_take(reader, ',')) || !json_text_read(reader, bytes))
            return false;
        out_values[i] = (struct value){.type = VALUE_TEXT,
                                       .bytes = bytes->data ? bytes->data + start : "",
                                       .size = bytes->length - start};
        retype(&table->columns[table->key[i]], bytes, start, &out_values[i]);
    }
    return json_text_take(reader, ']') && json_text_is_at_end(reader);
}

static enum outcome read_key(const struct table *table, const char *key, size_t size,
                             struct buffer *bytes, struct value *out_values,
                             struct error *err)
{
    struct json_text_reader reader = {key, key + size};
    size_t at = 0;

    buffer_clear(bytes);
    if (!json_text_take(&reader, '[') || !read_values(table, &reader, bytes, out_values))
        return malformed(key, err);
    for (size_t i = 0; i < table->key_count; i++) {
        if (out_values[i].type != VALUE_TEXT && out_values[i].type != VALUE_BLOB)
            continue;
        out_values[i].bytes = bytes->data ? bytes->data + at : "";
        at += out_values[i].size;
    }
    return buffer_check(bytes, err);
}

enum outcome row_key_values(const struct table *table, const char *key,
                            struct buffer *bytes, struct value *out_values,
                            struct error *err)
{
    return read_key(table, key, strlen(key), bytes, out_values, err);
}

enum outcome row_key_respell(struct buffer *json, const struct table *table,
                             const char *text, size_t size, struct buffer *bytes,
                             struct error *err)
{
    struct value values[TABLE_KEY_LIMIT];

    if (read_key(table, text, size, bytes, values, err) == FAILED)
        return FAILED;
    row_key_append_canonical(json, table, values);
    return OK;
}

enum outcome row_key_canonical_bytes(const struct table *table, const char *text,
                                     size_t size, char **out_key, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    OWNED(buffer_release) struct buffer key = {0};

    if (row_key_respell(&key, table, text, size, &bytes, err) == FAILED)
        return FAILED;
    *out_key = buffer_take(&key);
    return *out_key ? OK : error_out_of_memory(err);
}

enum outcome row_key_canonical(const struct table *table, const char *text,
                               char **out_key, struct error *err)
{
    return row_key_canonical_bytes(table, text, strlen(text), out_key, err);
}

void row_key_pick(const struct table *table, const struct value *row,
                  struct value *out_key)
{
    for (size_t i = 0; i < table->key_count; i++)
        out_key[i] = row[table->key[i]];
}
