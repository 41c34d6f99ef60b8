#include "daemon/primary/wire_row.h"

#include "daemon/primary/type_codec.h"

/* The column of the i-th field: all of them in order, or those of the key. */
static inline const struct table_column *column_of(const struct table *table,
                                                   const int *key, size_t i)
{
    return &table->columns[key ? (size_t)key[i] : i];
}

static enum outcome decode(const struct table *table, const int *key, size_t count,
                           const struct wire_field *fields, struct buffer *scratch,
                           struct value *values, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct table_column *column = column_of(table, key, i);

        if (fields[i].size < 0)
            values[i] = (struct value){.type = VALUE_NULL};
        else if (type_codec_decode(column->codec, fields[i].bytes, (size_t)fields[i].size,
                                   scratch, &values[i], err) == FAILED)
            return error_wrap(err, "%s.%s", table->name, column->name);
    }
    return OK;
}

/* Reserved at once: text already handed out must not move. */
static enum outcome reserve(const struct table *table, const int *key, size_t count,
                            const struct wire_field *fields, struct buffer *scratch,
                            struct error *err)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        if (fields[i].size >= 0)
            total += type_codec_scratch_bytes(column_of(table, key, i)->codec,
                                              (size_t)fields[i].size);
    buffer_clear(scratch);
    return buffer_reserve(scratch, total) ? OK : error_out_of_memory(err);
}

enum outcome wire_row_decode(const struct table *table, const struct wire_field *fields,
                             struct buffer *scratch, struct value *values,
                             struct error *err)
{
    if (reserve(table, NULL, table->column_count, fields, scratch, err) == FAILED)
        return FAILED;
    return decode(table, NULL, table->column_count, fields, scratch, values, err);
}

enum outcome wire_row_decode_key(const struct table *table,
                                 const struct wire_field *fields, struct buffer *scratch,
                                 struct value *values, struct error *err)
{
    if (reserve(table, table->key, table->key_count, fields, scratch, err) == FAILED)
        return FAILED;
    return decode(table, table->key, table->key_count, fields, scratch, values, err);
}
