#include "lib/repository/row_json.h"

#include "lib/base/json_failure.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json_writer.h"
#include "lib/repository/zoned_time.h"
#include "lib/store/column_json.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* ---- out of the cache ---- */

/* The value itself; as text where jansson cannot hold it, or where it is no JSON. */
static json_t *parsed(const struct value *value)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_error_t why;
    const char *text = value->bytes ? value->bytes : "";
    json_t *json = json_loadb(text, value->size, flags, &why);

    if (!json && json_failure_is_memory(text, value->size, &why))
        return NULL;
    return json ? json : column_json_of(value);
}

json_t *row_json_value(const struct table_column *column, const struct value *value)
{
    bool is_text = value->type == VALUE_TEXT;

    switch (column->codec) {
    case CODEC_BOOLEAN:
        if (value->type == VALUE_INTEGER && (value->integer == 0 || value->integer == 1))
            return json_boolean(value->integer);
        break;
    case CODEC_REAL:
    case CODEC_DOUBLE:
    case CODEC_NUMERIC_AS_REAL:
        if (value->type == VALUE_INTEGER)
            return json_real((double)value->integer);
        break;
    case CODEC_JSON:
    case CODEC_JSONB:
    case CODEC_ARRAY_OF_LITERALS:
    case CODEC_ARRAY_OF_TEXT:
        if (is_text)
            return parsed(value);
        break;
    default:
        break;
    }
    return column_json_of(value);
}

json_t *row_json(const struct table *table, const struct value *row)
{
    json_t *object = json_object();

    for (size_t i = 0; object && i < table->column_count; i++)
        if (json_object_set_new_nocheck(object, table->columns[i].name,
                                        row_json_value(&table->columns[i], &row[i]))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* ---- into the cache ---- */

void row_json_cell_release(struct row_json_cell *cell)
{
    buffer_release(&cell->bytes);
    *cell = (struct row_json_cell){0};
}

static const char *name_of_type(const json_t *json)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
        [JSON_STRING] = "a string",  [JSON_INTEGER] = "an integer",
        [JSON_REAL] = "a real",      [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };

    return names[json_typeof(json)];
}

static enum outcome wrong_type(const char *wanted, const json_t *json, struct error *err)
{
    if (json_is_string(json))
        return error_set(err, ERROR_INVALID, "wants %s, not \"%.80s\"", wanted,
                         json_string_value(json));
    return error_set(err, ERROR_INVALID, "wants %s, not %s", wanted, name_of_type(json));
}

static enum outcome set_bytes(struct row_json_cell *cell, enum value_type type)
{
    cell->value = (struct value){.type = type,
                                 .bytes = cell->bytes.data ? cell->bytes.data : "",
                                 .size = cell->bytes.length};
    return OK;
}

static enum outcome set_text(struct row_json_cell *cell, const char *text, size_t size)
{
    buffer_append(&cell->bytes, text, size);
    return set_bytes(cell, VALUE_TEXT);
}

static enum outcome set_string(struct row_json_cell *cell, const json_t *json)
{
    return set_text(cell, json_string_value(json), json_string_length(json));
}

static void set_real(struct row_json_cell *cell, double real)
{
    cell->value = (struct value){.type = VALUE_REAL, .real = real};
}

static enum outcome read_integer(struct row_json_cell *cell, const json_t *json,
                                 int64_t limit, struct error *err)
{
    int64_t number = json_integer_value(json);

    if (!json_is_integer(json))
        return wrong_type("an integer", json, err);
    if (number > limit || number < -limit - 1)
        return error_set(err, ERROR_INVALID, "cannot hold %lld", (long long)number);
    cell->value = (struct value){.type = VALUE_INTEGER, .integer = number};
    return OK;
}

static enum outcome read_boolean(struct row_json_cell *cell, const json_t *json,
                                 struct error *err)
{
    if (!json_is_boolean(json))
        return wrong_type("true or false", json, err);
    cell->value = (struct value){.type = VALUE_INTEGER, .integer = json_is_true(json)};
    return OK;
}

static bool is_text(const json_t *json, const char *text)
{
    return json_is_string(json) && strcmp(json_string_value(json), text) == 0;
}

static enum outcome read_real(struct row_json_cell *cell, const json_t *json,
                              struct error *err)
{
    if (json_is_number(json))
        set_real(cell, json_number_value(json));
    else if (is_text(json, "Infinity"))
        set_real(cell, INFINITY);
    else if (is_text(json, "-Infinity"))
        set_real(cell, -INFINITY);
    else if (is_text(json, "NaN"))
        return set_string(cell, json);
    else
        return wrong_type("a number", json, err);
    return OK;
}

/* A column with NUMERIC affinity holds whole numbers as integers. */
static enum outcome read_short_numeric(struct row_json_cell *cell, const json_t *json,
                                       struct error *err)
{
    double real = json_number_value(json);

    if (is_text(json, "NaN"))
        return set_string(cell, json);
    if (!json_is_number(json))
        return wrong_type("a number", json, err);
    if (json_is_integer(json))
        return read_integer(cell, json, INT64_MAX, err);
    set_real(cell, real);
    if (real == floor(real) && fabs(real) < 1e15)
        cell->value = (struct value){.type = VALUE_INTEGER, .integer = (int64_t)real};
    return OK;
}

static bool is_decimal(const char *text)
{
    size_t digits;

    text += *text == '-' || *text == '+';
    digits = strspn(text, "0123456789");
    text += digits;
    if (*text == '.') {
        size_t more = strspn(text + 1, "0123456789");

        text += 1 + more;
        digits += more;
    }
    if (digits && (*text == 'e' || *text == 'E')) {
        text += 1 + (text[1] == '-' || text[1] == '+');
        digits = strspn(text, "0123456789");
        text += digits;
    }
    return digits && !*text;
}

static enum outcome read_numeric(struct row_json_cell *cell, const json_t *json,
                                 struct error *err)
{
    const char *text = json_string_value(json);

    if (json_is_integer(json)) {
        buffer_append_format(&cell->bytes, "%lld", (long long)json_integer_value(json));
        return set_bytes(cell, VALUE_TEXT);
    }
    if (text && (is_decimal(text) || is_text(json, "NaN") || is_text(json, "Infinity") ||
                 is_text(json, "-Infinity")))
        return set_string(cell, json);
    return wrong_type("an exact number: a string like \"12.50\", or an integer", json,
                      err);
}

static enum outcome read_uuid(struct row_json_cell *cell, const json_t *json,
                              struct error *err)
{
    const char *text = json_string_value(json);
    bool is_uuid = text && strlen(text) == 36;

    for (size_t i = 0; is_uuid && i < 36; i++)
        is_uuid = i == 8 || i == 13 || i == 18 || i == 23 ? text[i] == '-'
                                                          : hex_digit(text[i]) >= 0;
    if (!is_uuid)
        return wrong_type("a UUID", json, err);
    for (size_t i = 0; i < 36; i++) {
        char lower = (char)tolower((unsigned char)text[i]);

        buffer_append(&cell->bytes, &lower, 1);
    }
    return set_bytes(cell, VALUE_TEXT);
}

static enum outcome read_time(struct row_json_cell *cell, const json_t *json,
                              struct error *err)
{
    if (!json_is_string(json))
        return wrong_type("a time with a time zone", json, err);
    if (zoned_time_append(&cell->bytes, json_string_value(json), err) == FAILED)
        return FAILED;
    return set_bytes(cell, VALUE_TEXT);
}

static enum outcome read_blob(struct row_json_cell *cell, const json_t *json,
                              struct error *err)
{
    const char *text = json_string_value(json);

    if (!text || strncmp(text, "\\x", 2) != 0 ||
        !hex_read(&cell->bytes, text + 2, strlen(text + 2)))
        return wrong_type("bytes: \"\\x\" and pairs of hexadecimal digits", json, err);
    return set_bytes(cell, VALUE_BLOB);
}

static enum outcome set_dumped(struct row_json_cell *cell, const json_t *json,
                               struct error *err)
{
    json_writer_append(&cell->bytes, json, JSON_FORM_COMPACT);
    if (buffer_check(&cell->bytes, err) == FAILED)
        return FAILED;
    return set_bytes(cell, VALUE_TEXT);
}

static bool fits_array(enum column_codec codec, const json_t *element)
{
    if (json_is_null(element))
        return true;
    return codec == CODEC_ARRAY_OF_TEXT
               ? json_is_string(element)
               : json_is_number(element) || json_is_boolean(element);
}

/* Arrays that JSON does not hold go as the primary spells them: {{1,2},{3,4}}. */
static enum outcome read_array(struct row_json_cell *cell, const json_t *json,
                               enum column_codec codec, struct error *err)
{
    const char *text = json_string_value(json);
    const json_t *element;
    size_t i;

    if (text && (*text == '{' || *text == '['))
        return set_string(cell, json);
    if (!json_is_array(json))
        return wrong_type("an array", json, err);
    json_array_foreach(json, i, element)
    {
        if (!fits_array(codec, element))
            return wrong_type(codec == CODEC_ARRAY_OF_TEXT
                                  ? "an array of strings"
                                  : "an array of numbers or booleans",
                              element, err);
    }
    return set_dumped(cell, json, err);
}

static bool is_label(const struct table_column *column, const char *text)
{
    for (size_t i = 0; i < column->label_count; i++)
        if (strcmp(column->labels[i], text) == 0)
            return true;
    return column->label_count == 0;
}

static enum outcome read_text(struct row_json_cell *cell, const json_t *json,
                              const struct table_column *column, struct error *err)
{
    const char *text = json_string_value(json);

    if (!text)
        return wrong_type("a string", json, err);
    if (strlen(text) != json_string_length(json))
        return error_set(err, ERROR_INVALID, "cannot hold a NUL character");
    if (!is_label(column, text)) {
        error_set(err, ERROR_INVALID, "cannot be \"%.80s\"", text);
        return error_hint(err, "it is one of a list that begins with \"%.80s\"",
                          column->labels[0]);
    }
    return set_string(cell, json);
}

static enum outcome read_any(struct row_json_cell *cell, const json_t *json,
                             const struct table_column *column, struct error *err)
{
    switch (column->codec) {
    case CODEC_SMALLINT:
        return read_integer(cell, json, INT16_MAX, err);
    case CODEC_INTEGER:
        return read_integer(cell, json, INT32_MAX, err);
    case CODEC_BIGINT:
        return read_integer(cell, json, INT64_MAX, err);
    case CODEC_BOOLEAN:
        return read_boolean(cell, json, err);
    case CODEC_REAL:
    case CODEC_DOUBLE:
    case CODEC_NUMERIC_AS_REAL:
        return read_real(cell, json, err);
    case CODEC_NUMERIC_SHORT:
        return read_short_numeric(cell, json, err);
    case CODEC_NUMERIC:
        return read_numeric(cell, json, err);
    case CODEC_UUID:
        return read_uuid(cell, json, err);
    case CODEC_TIMESTAMPTZ:
        return read_time(cell, json, err);
    case CODEC_BYTEA:
        return read_blob(cell, json, err);
    case CODEC_JSON:
    case CODEC_JSONB:
        return set_dumped(cell, json, err);
    case CODEC_ARRAY_OF_LITERALS:
    case CODEC_ARRAY_OF_TEXT:
        return read_array(cell, json, column->codec, err);
    default:
        return read_text(cell, json, column, err);
    }
}

enum outcome row_json_read(const struct table *table, size_t column, const json_t *json,
                           struct row_json_cell *cell, struct error *err)
{
    const struct table_column *wanted = &table->columns[column];

    row_json_cell_release(cell);
    if (json_is_null(json))
        return OK;
    if (read_any(cell, json, wanted, err) == OK && buffer_check(&cell->bytes, err) == OK)
        return OK;
    return error_wrap(err, "%s.%s", table->name, wanted->name);
}
