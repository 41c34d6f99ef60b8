#include "daemon/sync/push_statement.h"

#include "daemon/primary/array_text.h"
#include "daemon/primary/type_codec.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/row_key.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INT8_OID 20

/* ---- its text ---- */

static void build(struct buffer *sql, enum push_verb verb,
                  const struct mirror_push *shape)
{
    switch (verb) {
    case PUSH_INSERT:
        mirror_sql_push_insert(sql, shape);
        break;
    case PUSH_UPDATE:
        mirror_sql_push_update(sql, shape);
        break;
    case PUSH_DELETE:
        mirror_sql_push_delete(sql, shape);
        break;
    case PUSH_LOOK:
        mirror_sql_push_look(sql, shape);
        break;
    case PUSH_VISIBLE:
        mirror_sql_push_visible(sql, shape);
        break;
    }
}

enum outcome push_statement_init(struct push_statement *statement, enum push_verb verb,
                                 const struct mirror_push *shape, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    size_t count = shape->column_count;

    *statement = (struct push_statement){.verb = verb, .shape = *shape};
    build(&sql, verb, shape);
    statement->text = buffer_take(&sql);
    statement->columns = calloc(count + 1, sizeof(*statement->columns));
    statement->array_count = mirror_sql_push_parameters(shape);
    statement->arrays = calloc(statement->array_count, sizeof(*statement->arrays));
    if (!statement->text || !statement->columns || !statement->arrays) {
        push_statement_release(statement);
        return error_out_of_memory(err);
    }
    if (count)
        memcpy(statement->columns, shape->columns, count * sizeof(*statement->columns));
    statement->shape.columns = statement->columns;
    return OK;
}

void push_statement_release(struct push_statement *statement)
{
    for (size_t i = 0; statement->arrays && i < statement->array_count; i++)
        buffer_release(&statement->arrays[i]);
    free(statement->arrays);
    free(statement->columns);
    free(statement->text);
    buffer_release(&statement->key_bytes);
    *statement = (struct push_statement){0};
}

/* ---- its rows ---- */

static bool holds_nul(const struct value *value)
{
    return value->type == VALUE_TEXT && value->size &&
           memchr(value->bytes, '\0', value->size);
}

/* The fewest digits that name the double: 0.1 is to arrive as 0.1 in a numeric. */
static void append_real(struct buffer *array, double real)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    array_text_append_element(array, text, strlen(text));
}

static void append_other(struct buffer *array, const struct value *value)
{
    OWNED(buffer_release) struct buffer text = {0};

    value_append_text(&text, value);
    array_text_append_element(array, text.data ? text.data : "", text.length);
    array->failed |= text.failed;
}

static void append_value(struct buffer *array, const struct value *value)
{
    buffer_append(array, array->length ? "," : "{", 1);
    if (value->type == VALUE_NULL)
        buffer_append_text(array, "NULL");
    else if (value->type == VALUE_TEXT)
        array_text_append_element(array, value->bytes, value->size);
    else if (value->type == VALUE_REAL && isfinite(value->real))
        append_real(array, value->real);
    else
        append_other(array, value);
}

static const struct staged_value *value_at(const struct push_row *row, size_t number)
{
    return &row->values[row->positions ? row->positions[number] : number];
}

static bool is_sendable(const struct push_statement *statement,
                        const struct push_row *row, const struct value *key)
{
    const struct mirror_push *shape = &statement->shape;

    for (size_t i = 0; i < shape->table->key_count; i++)
        if (holds_nul(&key[i]))
            return false;
    for (size_t i = 0; i < shape->column_count; i++)
        if ((shape->locals && holds_nul(&value_at(row, i)->local)) ||
            (shape->bases && holds_nul(&value_at(row, i)->base)))
            return false;
    return true;
}

static void append_packed_bases(struct buffer *array, const struct push_row *row,
                                size_t count)
{
    OWNED(buffer_release) struct buffer bases = {0};
    struct value packed = {.type = VALUE_TEXT};

    for (size_t i = 0; i < count; i++)
        append_value(&bases, &value_at(row, i)->base);
    buffer_append_text(&bases, "}");
    packed.bytes = bases.data;
    packed.size = bases.length;
    if (bases.failed)
        array->failed = true;
    else
        append_value(array, &packed);
}

static void append_row(struct push_statement *statement, const struct push_row *row,
                       const struct value *key)
{
    const struct mirror_push *shape = &statement->shape;
    struct value ordinal = {.type = VALUE_INTEGER, .integer = row->ordinal};
    struct buffer *array = statement->arrays;

    append_value(array++, &ordinal);
    for (size_t i = 0; i < shape->table->key_count; i++)
        append_value(array++, &key[i]);
    for (size_t i = 0; shape->locals && i < shape->column_count; i++)
        append_value(array++, &value_at(row, i)->local);
    if (mirror_sql_push_packs_bases(shape))
        append_packed_bases(array, row, shape->column_count);
    else
        for (size_t i = 0; shape->bases && i < shape->column_count; i++)
            append_value(array++, &value_at(row, i)->base);
}

enum outcome push_statement_add(struct push_statement *statement,
                                const struct push_row *row, struct error *err)
{
    struct value key[TABLE_KEY_LIMIT];

    if (row_key_values(statement->shape.table, row->row_key, &statement->key_bytes, key,
                       err) == FAILED)
        return FAILED;
    if (!is_sendable(statement, row, key))
        return NOTHING;
    append_row(statement, row, key);
    statement->row_count++;
    return OK;
}

static size_t size_of(const struct push_statement *statement)
{
    size_t size = 0;

    for (size_t i = 0; i < statement->array_count; i++)
        size += statement->arrays[i].length;
    return size;
}

bool push_statement_is_full(const struct push_statement *statement)
{
    bool looks = statement->verb == PUSH_LOOK || statement->verb == PUSH_VISIBLE;

    return statement->row_count >= (looks ? PUSH_LOOK_ROWS : PUSH_STATEMENT_ROWS) ||
           size_of(statement) >= PUSH_STATEMENT_BYTES;
}

/* ---- sending ---- */

static enum outcome close_arrays(struct push_statement *statement, const char **params,
                                 struct error *err)
{
    for (size_t i = 0; i < statement->array_count; i++) {
        struct buffer *array = &statement->arrays[i];

        buffer_append(array, "}", 1);
        if (buffer_check(array, err) == FAILED)
            return FAILED;
        params[i] = array->data;
    }
    return OK;
}

/* What one large row needed is given back. */
static void empty(struct push_statement *statement)
{
    for (size_t i = 0; i < statement->array_count; i++)
        if (statement->arrays[i].capacity > PUSH_STATEMENT_BYTES)
            buffer_release(&statement->arrays[i]);
        else
            buffer_clear(&statement->arrays[i]);
    statement->row_count = 0;
}

static void free_params(const char ***params)
{
    free((void *)*params);
}

enum outcome push_statement_send(struct push_statement *statement,
                                 struct primary_pipeline *pipeline, struct error *err)
{
    OWNED(free_params)
    const char **params = calloc(statement->array_count, sizeof(*params));
    struct primary_statement once = {
        .name = statement->shape.table->name, .text = statement->text, .once = true};

    if (!params)
        return error_out_of_memory(err);
    if (close_arrays(statement, params, err) == FAILED ||
        primary_pipeline_send(pipeline, &once, params, statement->array_count, err) ==
            FAILED)
        return FAILED;
    empty(statement);
    return primary_pipeline_pass_on(pipeline, err);
}

enum outcome push_statement_send_text(struct primary_pipeline *pipeline,
                                      const struct sql *sql, struct error *err)
{
    struct primary_statement once = {.name = sql->name, .text = sql->text, .once = true};

    return primary_pipeline_send(pipeline, &once, NULL, 0, err);
}

/* ---- reading ---- */

enum outcome push_ordinals_add(struct push_ordinals *ordinals, int64_t ordinal,
                               struct error *err)
{
    if (array_room(&ordinals->items, ordinals->count, err) == FAILED)
        return FAILED;
    ordinals->items[ordinals->count++] = ordinal;
    return OK;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

void push_ordinals_sort(struct push_ordinals *ordinals)
{
    if (ordinals->count)
        qsort(ordinals->items, ordinals->count, sizeof(*ordinals->items), by_number);
}

void push_ordinals_release(struct push_ordinals *ordinals)
{
    free(ordinals->items);
    *ordinals = (struct push_ordinals){0};
}

static enum outcome add_field(const struct wire_field *field,
                              struct push_ordinals *ordinals, struct error *err)
{
    OWNED(buffer_release) struct buffer scratch = {0};
    struct value ordinal;

    if (type_codec_decode(CODEC_BIGINT, field->bytes, (size_t)field->size, &scratch,
                          &ordinal, err) == FAILED)
        return FAILED;
    return push_ordinals_add(ordinals, ordinal.integer, err);
}

enum outcome push_statement_read_ordinals(struct primary_pipeline *pipeline,
                                          const struct table *table,
                                          struct push_ordinals *ordinals,
                                          struct error *err)
{
    static const uint32_t types[] = {INT8_OID};
    struct primary_statement once = {.name = table->name, .once = true};
    struct wire_field field;
    enum outcome outcome;

    if (primary_pipeline_next(pipeline, &once, err) == FAILED)
        return FAILED;
    while ((outcome = primary_pipeline_row(pipeline, &once, &field, types, 1, err)) == OK)
        if (add_field(&field, ordinals, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

enum outcome push_statement_read_done(struct primary_pipeline *pipeline,
                                      const struct sql *sql, struct error *err)
{
    struct primary_statement once = {.name = sql->name, .once = true};

    if (primary_pipeline_next(pipeline, &once, err) == FAILED)
        return FAILED;
    return primary_pipeline_row(pipeline, &once, NULL, NULL, 0, err) == FAILED ? FAILED
                                                                               : OK;
}
