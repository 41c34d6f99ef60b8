/* The part of lib/tidemark.h that generated models are made of. */
#include "lib/repository/repository.h"

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/repository/library_error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the check at open ---- */

static enum outcome compare_column(const struct table *table,
                                   const struct tide_field *field, struct error *err)
{
    int i = table_find_column(table, field->column);
    const struct table_column *column = i == TABLE_NO_COLUMN ? NULL : &table->columns[i];

    if (!column)
        return error_set(err, ERROR_SCHEMA, "%s.%s is in the model, but not in the cache",
                         table->name, field->column);
    if (strcmp(column_codec_info(column->codec)->name, field->form) != 0)
        return error_set(err, ERROR_SCHEMA,
                         "%s.%s is %s in the model and %s (%s) in the "
                         "cache",
                         table->name, field->column, field->form,
                         column_codec_info(column->codec)->name, column->type_name);
    if (!field->nullable && !column->not_null)
        return error_set(err, ERROR_SCHEMA,
                         "%s.%s may be null in the cache, but not in the model",
                         table->name, field->column);
    return OK;
}

static enum outcome compare(const struct tide_model *model, const struct table *table,
                            struct error *err)
{
    for (size_t i = 0; i < model->field_count; i++)
        if (compare_column(table, &model->fields[i], err) == FAILED)
            return error_hint(err, "make the models anew: tidemark models --out DIR");
    return OK;
}

enum tide_result tide_model_repository(const struct tide_model *model,
                                       struct tide_repository **out_repository,
                                       struct tide_cache *cache, struct tide_error *err)
{
    struct tide_repository *repository = NULL;
    struct error why = {0};

    if (tide_repository_new(&repository, cache, model->table, err) == TIDE_FAILED)
        return TIDE_FAILED;
    if (compare(model, &repository->table, &why) == FAILED) {
        tide_repository_free(repository);
        return library_failed(&why, err);
    }
    *out_repository = repository;
    return TIDE_OK;
}

/* ---- members ---- */

static bool is_absent(const struct tide_field *field, const char *contents)
{
    bool has;

    if (field->has_offset == TIDE_NO_MEMBER)
        return false;
    memcpy(&has, contents + field->has_offset, sizeof(has));
    return !has;
}

static enum outcome wrong_type(const struct tide_model *model,
                               const struct tide_field *field, struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s.%s: not what the model holds", model->table,
                     field->column);
}

#define PUT(type, member, value)                                                         \
    do {                                                                                 \
        type put_ = (type)(value);                                                       \
        memcpy(member, &put_, sizeof(put_));                                             \
    } while (0)

static enum outcome put_integer(const struct tide_field *field, char *member,
                                const json_t *json)
{
    int64_t number = json_integer_value(json);

    if (!json_is_integer(json))
        return NOTHING;
    if (field->member == TIDE_MEMBER_BIGINT)
        PUT(int64_t, member, number);
    else if (field->member == TIDE_MEMBER_INTEGER && number == (int32_t)number)
        PUT(int32_t, member, number);
    else if (field->member == TIDE_MEMBER_SMALLINT && number == (int16_t)number)
        PUT(int16_t, member, number);
    else
        return NOTHING;
    return OK;
}

static enum outcome put_real(char *member, const json_t *json)
{
    const char *text = json_string_value(json);

    if (json_is_number(json))
        PUT(double, member, json_number_value(json));
    else if (text && strcmp(text, "NaN") == 0)
        PUT(double, member, NAN);
    else if (text && strcmp(text, "Infinity") == 0)
        PUT(double, member, INFINITY);
    else if (text && strcmp(text, "-Infinity") == 0)
        PUT(double, member, -INFINITY);
    else
        return NOTHING;
    return OK;
}

static enum outcome put_text(char *member, const json_t *json, struct error *err)
{
    char *copy;

    if (!json_is_string(json))
        return NOTHING;
    copy = strdup(json_string_value(json));
    if (!copy)
        return error_out_of_memory(err);
    PUT(char *, member, copy);
    return OK;
}

static enum outcome put_bytes(char *contents, const struct tide_field *field,
                              const json_t *json, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    const char *text = json_string_value(json);

    if (!text || strncmp(text, "\\x", 2) != 0 ||
        !hex_read(&bytes, text + 2, strlen(text + 2)))
        return NOTHING;
    if (bytes.failed)
        return error_out_of_memory(err);
    PUT(size_t, contents + field->size_offset, bytes.length);
    PUT(char *, contents + field->offset, buffer_take(&bytes));
    return OK;
}

/* NOTHING: the JSON is of another type. */
static enum outcome put_member(char *contents, const struct tide_field *field,
                               const json_t *json, struct error *err)
{
    char *member = contents + field->offset;

    switch (field->member) {
    case TIDE_MEMBER_BOOLEAN:
        if (!json_is_boolean(json))
            return NOTHING;
        PUT(bool, member, json_is_true(json));
        return OK;
    case TIDE_MEMBER_SMALLINT:
    case TIDE_MEMBER_INTEGER:
    case TIDE_MEMBER_BIGINT:
        return put_integer(field, member, json);
    case TIDE_MEMBER_REAL:
        return put_real(member, json);
    case TIDE_MEMBER_TEXT:
        return put_text(member, json, err);
    case TIDE_MEMBER_BYTES:
        return put_bytes(contents, field, json, err);
    case TIDE_MEMBER_JSON:
        PUT(json_t *, member, json_incref((json_t *)(uintptr_t)json));
        return OK;
    }
    return NOTHING;
}

static enum outcome read_field(const struct tide_model *model,
                               const struct tide_field *field, char *contents,
                               const json_t *row, struct error *err)
{
    const json_t *json = json_object_get(row, field->column);
    enum outcome outcome;

    if (!json)
        return error_set(err, ERROR_INVALID, "the row has no %s.%s", model->table,
                         field->column);
    if (json_is_null(json) && field->nullable)
        return OK;
    outcome = put_member(contents, field, json, err);
    if (outcome == NOTHING)
        return wrong_type(model, field, err);
    if (outcome == OK && field->has_offset != TIDE_NO_MEMBER)
        PUT(bool, contents + field->has_offset, true);
    return outcome;
}

enum tide_result tide_model_from_row(const struct tide_model *model, void *out_struct,
                                     const json_t *row, struct tide_error *err)
{
    OWNED(text_free) char *contents = calloc(1, model->size);
    struct error why = {0};

    if (!contents) {
        error_out_of_memory(&why);
        return library_failed(&why, err);
    }
    for (size_t i = 0; i < model->field_count; i++)
        if (read_field(model, &model->fields[i], contents, row, &why) == FAILED) {
            tide_model_release(model, contents);
            return library_failed(&why, err);
        }
    memcpy(out_struct, contents, model->size);
    return TIDE_OK;
}

/* ---- back to values ---- */

static json_t *real_json(double real)
{
    if (isnan(real))
        return json_string("NaN");
    if (isinf(real))
        return json_string(real > 0 ? "Infinity" : "-Infinity");
    return json_real(real);
}

static json_t *bytes_json(const char *contents, const struct tide_field *field)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct value value = {.type = VALUE_BLOB};

    memcpy(&value.bytes, contents + field->offset, sizeof(value.bytes));
    memcpy(&value.size, contents + field->size_offset, sizeof(value.size));
    value_append_text(&text, &value);
    return text.failed ? NULL : json_stringn(text.data, text.length);
}

static int64_t get_integer(const struct tide_field *field, const char *member)
{
    int16_t small;
    int32_t middle;
    int64_t big;

    if (field->member == TIDE_MEMBER_SMALLINT)
        return memcpy(&small, member, sizeof(small)), small;
    if (field->member == TIDE_MEMBER_INTEGER)
        return memcpy(&middle, member, sizeof(middle)), middle;
    return memcpy(&big, member, sizeof(big)), big;
}

/* The bytes that the first two of a character announce; 0: there is none like that. */
static size_t character_size(unsigned char first, unsigned char second)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ? 0
                                                                                    : 3;
    if (first >= 0xF0 && first <= 0xF4)
        return (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) ? 0
                                                                                    : 4;
    return 0;
}

/* What json_string() asks for, which does not say why it fails. */
static bool is_utf8(const char *text)
{
    while (*text) {
        size_t size = character_size((unsigned char)text[0], (unsigned char)text[1]);

        if (!size)
            return false;
        for (size_t i = 1; i < size; i++)
            if (((unsigned char)text[i] & 0xC0) != 0x80)
                return false;
        text += size;
    }
    return true;
}

/* NULL and the kind of *err: what could not be. */
static json_t *get_pointer(const struct tide_field *field, const char *member,
                           struct error *err)
{
    json_t *json;
    void *pointer;

    memcpy(&pointer, member, sizeof(pointer));
    if (!pointer) {
        error_set(err, ERROR_INVALID, "there is no value, and it may not be null");
        return NULL;
    }
    json =
        field->member == TIDE_MEMBER_JSON ? json_incref(pointer) : json_string(pointer);
    if (json)
        return json;
    if (is_utf8(pointer))
        error_out_of_memory(err);
    else
        error_set(err, ERROR_INVALID, "not UTF-8");
    return NULL;
}

static json_t *get_member(const char *contents, const struct tide_field *field,
                          struct error *err)
{
    const char *member = contents + field->offset;
    bool boolean;
    double real;

    error_out_of_memory(err);
    switch (field->member) {
    case TIDE_MEMBER_BOOLEAN:
        memcpy(&boolean, member, sizeof(boolean));
        return json_boolean(boolean);
    case TIDE_MEMBER_SMALLINT:
    case TIDE_MEMBER_INTEGER:
    case TIDE_MEMBER_BIGINT:
        return json_integer(get_integer(field, member));
    case TIDE_MEMBER_REAL:
        memcpy(&real, member, sizeof(real));
        return real_json(real);
    case TIDE_MEMBER_BYTES:
        return bytes_json(contents, field);
    case TIDE_MEMBER_TEXT:
    case TIDE_MEMBER_JSON:
        return get_pointer(field, member, err);
    }
    return NULL;
}

static enum outcome write_field(const struct tide_model *model,
                                const struct tide_field *field, const char *contents,
                                json_t *values, struct error *err)
{
    bool absent = is_absent(field, contents);
    json_t *json;

    if (field->read_only || (absent && !field->nullable))
        return OK;
    json = absent ? json_null() : get_member(contents, field, err);
    if (!json)
        return error_wrap(err, "%s.%s", model->table, field->column);
    if (json_object_set_new_nocheck(values, field->column, json))
        return error_out_of_memory(err);
    return OK;
}

enum tide_result tide_model_to_values(const struct tide_model *model, const void *source,
                                      json_t **out_values, struct tide_error *err)
{
    OWNED(json_decrefp) json_t *values = json_object();
    struct error why = {0};

    if (!values) {
        error_out_of_memory(&why);
        return library_failed(&why, err);
    }
    for (size_t i = 0; i < model->field_count; i++)
        if (write_field(model, &model->fields[i], source, values, &why) == FAILED)
            return library_failed(&why, err);
    *out_values = TAKE(values);
    return TIDE_OK;
}

void tide_model_release(const struct tide_model *model, void *contents)
{
    for (size_t i = 0; i < model->field_count; i++) {
        const struct tide_field *field = &model->fields[i];
        void *pointer;

        if (field->member < TIDE_MEMBER_TEXT)
            continue;
        memcpy(&pointer, (const char *)contents + field->offset, sizeof(pointer));
        if (field->member == TIDE_MEMBER_JSON)
            json_decref(pointer);
        else
            free(pointer);
    }
    memset(contents, 0, model->size);
}
