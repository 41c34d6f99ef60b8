#include "daemon/primary/wire_row.h"

#include "daemon/primary/type_codec.h"

/* What the fields are. */
struct shape {
    const struct table *table;
    const int *key; /* NULL: all columns in order */
    size_t count;
};

static inline const struct table_column *column_of(const struct shape *shape, size_t i)
{
    return &shape->table->columns[shape->key ? (size_t)shape->key[i] : i];
}

static enum outcome decode(const struct shape *shape, const struct wire_field *fields,
                           struct buffer *scratch, struct value *values,
                           struct error *err)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct table_column *column = column_of(shape, i);

        if (fields[i].size < 0)
            values[i] = (struct value){.type = VALUE_NULL};
        else if (type_codec_decode(column->codec, fields[i].bytes, (size_t)fields[i].size,
                                   scratch, &values[i], err) == FAILED)
            return error_wrap(err, "%s.%s", shape->table->name, column->name);
    }
    return OK;
}

/* Reserved at once: text already handed out must not move. */
static enum outcome reserve(const struct shape *shape, const struct wire_field *fields,
                            struct buffer *scratch, struct error *err)
{
    size_t total = 0;

    for (size_t i = 0; i < shape->count; i++)
        if (fields[i].size >= 0)
            total += type_codec_scratch_bytes(column_of(shape, i)->codec,
                                              (size_t)fields[i].size);
    buffer_clear(scratch);
    return buffer_reserve(scratch, total) ? OK : error_out_of_memory(err);
}

enum outcome wire_row_decode(const struct table *table, const struct wire_field *fields,
                             struct buffer *scratch, struct value *values,
                             struct error *err)
{
    const struct shape all = {table, NULL, table->column_count};

    if (reserve(&all, fields, scratch, err) == FAILED)
        return FAILED;
    return decode(&all, fields, scratch, values, err);
}

enum outcome wire_row_decode_key(const struct table *table,
                                 const struct wire_field *fields, struct buffer *scratch,
                                 struct value *values, struct error *err)
{
    const struct shape key = {table, table->key, table->key_count};

    if (reserve(&key, fields, scratch, err) == FAILED)
        return FAILED;
    return decode(&key, fields, scratch, values, err);
}
