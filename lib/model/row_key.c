#include "lib/model/row_key.h"

#include "lib/base/cleanup.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void append_json_string(struct buffer *json, const char *text, size_t size)
{
    buffer_append(json, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '"' || byte == '\\')
            buffer_append_format(json, "\\%c", byte);
        else if (byte < 0x20)
            buffer_append_format(json, "\\u%04x", byte);
        else
            buffer_append(json, text + i, 1);
    }
    buffer_append(json, "\"", 1);
}

void row_key_append(struct buffer *json, const struct value *key, size_t count)
{
    OWNED(buffer_release) struct buffer text = {0};

    buffer_append_text(json, "[");
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&text);
        value_append_text(&text, &key[i]);
        buffer_append_text(json, i ? "," : "");
        append_json_string(json, text.data ? text.data : "", text.length);
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

void row_key_pick(const struct table *table, const struct value *row,
                  struct value *out_key)
{
    for (size_t i = 0; i < table->key_count; i++)
        out_key[i] = row[table->key[i]];
}
