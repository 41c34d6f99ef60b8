#include "lib/base/json_writer.h"

#include "lib/base/cleanup.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* What jansson reads. */
#define DEPTH_LIMIT 2048

#define SURE_DIGITS 15 /* no text of so many is changed by becoming a double */
#define MOST_DIGITS 17 /* no double is changed by becoming such a text */

struct writer {
    struct buffer *text;
    enum json_form form;
    size_t depth;
};

static void write_json(struct writer *writer, const json_t *json);

/* ---- one value ---- */

static int append_part(const char *part, size_t size, void *context)
{
    struct buffer *text = context;

    buffer_append(text, part, size);
    return text->failed ? -1 : 0;
}

static void write_scalar(const struct writer *writer, const json_t *json, size_t form)
{
    if (json_dump_callback(json, append_part, writer->text, JSON_ENCODE_ANY | form))
        writer->text->failed = true;
}

static bool is_enough(double real, int digits)
{
    char text[40];

    snprintf(text, sizeof(text), "%.*g", digits, real);
    return strtod(text, NULL) == real;
}

/* The smallest doubles have fewer digits than others. */
static size_t digits_of(double real)
{
    int digits = fpclassify(real) == FP_SUBNORMAL ? 1 : SURE_DIGITS;

    while (digits < MOST_DIGITS && !is_enough(real, digits))
        digits++;
    return (size_t)digits;
}

/* jansson writes the digits, because it does so in any locale. */
static void write_real(const struct writer *writer, const json_t *json)
{
    write_scalar(writer, json, JSON_REAL_PRECISION(digits_of(json_real_value(json))));
}

static void write_name(const struct writer *writer, const char *name)
{
    OWNED(json_decrefp) json_t *text = json_string_nocheck(name);

    if (text)
        write_scalar(writer, text, 0);
    else
        writer->text->failed = true;
    buffer_append_text(writer->text, writer->form == JSON_FORM_COMPACT ? ":" : ": ");
}

/* ---- values in values ---- */

static void begin_item(const struct writer *writer, bool is_first)
{
    if (!is_first)
        buffer_append_text(writer->text, ",");
    if (writer->form == JSON_FORM_INDENTED)
        buffer_append_format(writer->text, "\n%*s", (int)(2 * writer->depth), "");
}

static void begin(struct writer *writer, const char *bracket)
{
    buffer_append_text(writer->text, bracket);
    if (++writer->depth > DEPTH_LIMIT)
        writer->text->failed = true;
}

static void end(struct writer *writer, const char *bracket, bool is_empty)
{
    writer->depth--;
    if (!is_empty && writer->form == JSON_FORM_INDENTED)
        buffer_append_format(writer->text, "\n%*s", (int)(2 * writer->depth), "");
    buffer_append_text(writer->text, bracket);
}

static void write_array(struct writer *writer, const json_t *array)
{
    size_t count = json_array_size(array);

    begin(writer, "[");
    for (size_t i = 0; i < count && !writer->text->failed; i++) {
        begin_item(writer, i == 0);
        write_json(writer, json_array_get(array, i));
    }
    end(writer, "]", count == 0);
}

static void write_object(struct writer *writer, json_t *object)
{
    bool is_first = true;
    const char *name;
    json_t *value;

    begin(writer, "{");
    json_object_foreach(object, name, value)
    {
        if (writer->text->failed)
            break;
        begin_item(writer, is_first);
        write_name(writer, name);
        write_json(writer, value);
        is_first = false;
    }
    end(writer, "}", is_first);
}

static void write_json(struct writer *writer, const json_t *json)
{
    if (json_is_object(json))
        write_object(writer, (json_t *)json);
    else if (json_is_array(json))
        write_array(writer, json);
    else if (json_is_real(json))
        write_real(writer, json);
    else
        write_scalar(writer, json, 0);
}

void json_writer_append(struct buffer *text, const json_t *json, enum json_form form)
{
    struct writer writer = {.text = text, .form = form};

    write_json(&writer, json);
}

char *json_writer_text(const json_t *json, enum json_form form)
{
    OWNED(buffer_release) struct buffer text = {0};

    json_writer_append(&text, json, form);
    return buffer_take(&text);
}
