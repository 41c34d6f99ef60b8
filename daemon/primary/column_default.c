#include "daemon/primary/column_default.h"

#include "lib/base/cleanup.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char column_default_random_uuid[] =
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||"
    " substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) ||"
    " substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))";

static void append_literal(struct buffer *sql, const char *text)
{
    buffer_append_text(sql, "'");
    for (; *text; text++)
        buffer_append(sql, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    buffer_append_text(sql, "'");
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* The name of a type after ::, as it ends the expression. */
static bool is_type_name(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("_ .,\"()[]", *text) &&
            (unsigned char)*text < 0x80)
            return false;
    return true;
}

/* 'text'::type, and no more than one cast: a second one could change the text. */
static bool read_text_constant(struct buffer *content, const char *expression)
{
    const char *at = expression;

    if (*at++ != '\'')
        return false;
    for (; *at; at++) {
        if (*at == '\'' && *++at != '\'')
            break;
        buffer_append(content, at, 1);
    }
    buffer_append(content, "", 0);
    if (content->failed || at == expression + 1 || at[-1] != '\'')
        return false;
    return *at == '\0' || (strncmp(at, "::", 2) == 0 && is_type_name(at + 2));
}

/* 5, 1.5, '-5'::integer, (5)::numeric, (-5): the digits. */
static bool read_number(struct buffer *content, const char *expression)
{
    size_t length;

    if (*expression == '\'')
        return read_text_constant(content, expression);
    if (*expression != '(') {
        buffer_append_text(content, expression);
        return !content->failed;
    }
    length = strcspn(++expression, "()");
    buffer_append(content, expression, length);
    expression += length;
    if (content->failed || *expression++ != ')')
        return false;
    return *expression == '\0' ||
           (strncmp(expression, "::", 2) == 0 && is_type_name(expression + 2));
}

/* Digits with at most one point and a sign; *out_decimals of them after the point. */
static bool is_decimal(const char *text, size_t *out_decimals)
{
    size_t digits;
    size_t decimals = 0;

    text += *text == '-';
    digits = strspn(text, "0123456789");
    text += digits;
    if (*text == '.') {
        decimals = strspn(++text, "0123456789");
        text += decimals;
    }
    *out_decimals = decimals;
    return digits && *text == '\0';
}

static void translate_number(struct buffer *sql, const char *expression, bool whole)
{
    OWNED(buffer_release) struct buffer digits = {0};
    size_t decimals;

    if (!read_number(&digits, expression) || !is_decimal(digits.data, &decimals))
        return;
    if (!whole || !decimals)
        buffer_append_text(sql, digits.data);
}

/* Kept as TEXT with all digits of the column's scale: 0 is '0.00' in a numeric(20,2). */
static void translate_exact_number(struct buffer *sql, const struct table_column *column,
                                   const char *expression)
{
    OWNED(buffer_release) struct buffer digits = {0};
    const char *comma = strchr(column->type_name, ',');
    size_t scale = comma ? strtoul(comma + 1, NULL, 10) : 0;
    bool unlimited = strcmp(column->type_name, "numeric") == 0;
    size_t decimals;

    if (strncmp(column->type_name, "numeric", 7) != 0 ||
        !read_number(&digits, expression) || !is_decimal(digits.data, &decimals))
        return;
    if (!unlimited && decimals > scale)
        return;
    if (!unlimited && scale && !decimals && !strchr(digits.data, '.'))
        buffer_append_text(&digits, ".");
    for (; !unlimited && decimals < scale; decimals++)
        buffer_append_text(&digits, "0");
    if (digits.failed)
        sql->failed = true;
    else
        append_literal(sql, digits.data);
}

static bool is_label(const struct table_column *column, const char *text)
{
    for (size_t i = 0; i < column->label_count; i++)
        if (strcmp(column->labels[i], text) == 0)
            return true;
    return column->label_count == 0;
}

static void translate_text(struct buffer *sql, const struct table_column *column,
                           const char *expression)
{
    OWNED(buffer_release) struct buffer content = {0};

    if (read_text_constant(&content, expression) && is_label(column, content.data))
        append_literal(sql, content.data);
}

static void translate_boolean(struct buffer *sql, const char *expression)
{
    static const char *const yes[] = {"true", "'t'::boolean", "'true'::boolean", NULL};
    static const char *const no[] = {"false", "'f'::boolean", "'false'::boolean", NULL};

    if (is_one_of(expression, yes))
        buffer_append_text(sql, "1");
    else if (is_one_of(expression, no))
        buffer_append_text(sql, "0");
}

static void translate_moment(struct buffer *sql, const char *expression)
{
    static const char *const moments[] = {
        "now()",
        "CURRENT_TIMESTAMP",
        "clock_timestamp()",
        "statement_timestamp()",
        "transaction_timestamp()",
        "timezone('utc'::text, now())",
        "timezone('UTC'::text, now())",
        "(now() AT TIME ZONE 'utc'::text)",
        "(now() AT TIME ZONE 'UTC'::text)",
        NULL,
    };

    if (is_one_of(expression, moments))
        buffer_append_text(sql, column_codec_present_moment(CODEC_TIMESTAMPTZ));
}

static bool is_canonical_uuid(const char *text)
{
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !text[i] || !strchr("0123456789abcdef", text[i]))
            return false;
    }
    return text[36] == '\0';
}

static void translate_uuid(struct buffer *sql, const char *expression)
{
    static const char *const generators[] = {"gen_random_uuid()", "uuid_generate_v4()",
                                             NULL};
    OWNED(buffer_release) struct buffer content = {0};
    const char *call = strrchr(expression, '.');

    if (is_one_of(call ? call + 1 : expression, generators))
        buffer_append_text(sql, column_default_random_uuid);
    else if (read_text_constant(&content, expression) && is_canonical_uuid(content.data))
        append_literal(sql, content.data);
}

static void translate_bytea(struct buffer *sql, const char *expression)
{
    OWNED(buffer_release) struct buffer content = {0};
    const char *digits;

    if (!read_text_constant(&content, expression) || strncmp(content.data, "\\x", 2) != 0)
        return;
    digits = content.data + 2;
    if (digits[strspn(digits, "0123456789abcdef")] == '\0' && strlen(digits) % 2 == 0)
        buffer_append_format(sql, "x'%s'", digits);
}

static bool is_empty_array(const char *expression)
{
    OWNED(buffer_release) struct buffer content = {0};

    if (strncmp(expression, "ARRAY[]::", 9) == 0)
        return is_type_name(expression + 9);
    return read_text_constant(&content, expression) && !strcmp(content.data, "{}");
}

void column_default_translate(struct buffer *sql, const struct table_column *column,
                              const char *expression)
{
    switch (column->codec) {
    case CODEC_SMALLINT:
    case CODEC_INTEGER:
    case CODEC_BIGINT:
        translate_number(sql, expression, true);
        break;
    case CODEC_REAL:
    case CODEC_DOUBLE:
    case CODEC_NUMERIC_SHORT:
    case CODEC_NUMERIC_AS_REAL:
        translate_number(sql, expression, false);
        break;
    case CODEC_NUMERIC:
        translate_exact_number(sql, column, expression);
        break;
    case CODEC_BOOLEAN:
        translate_boolean(sql, expression);
        break;
    case CODEC_TEXT:
    case CODEC_PADDED_TEXT:
    case CODEC_CASELESS_TEXT:
    case CODEC_JSON:
    case CODEC_JSONB:
        translate_text(sql, column, expression);
        break;
    case CODEC_UUID:
        translate_uuid(sql, expression);
        break;
    case CODEC_TIMESTAMPTZ:
        translate_moment(sql, expression);
        break;
    case CODEC_BYTEA:
        translate_bytea(sql, expression);
        break;
    case CODEC_ARRAY_OF_LITERALS:
    case CODEC_ARRAY_OF_TEXT:
        if (is_empty_array(expression))
            buffer_append_text(sql, "'[]'");
        break;
    case CODEC_SERVER_TEXT:
    case CODEC_COUNT:
        break;
    }
}
