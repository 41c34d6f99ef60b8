#include "daemon/primary/wire_row.h"

#include "daemon/primary/type_codec.h"

static size_t scratch_bytes(const struct table *table, const struct wire_field *fields)
{
    size_t total = 0;

    for (size_t i = 0; i < table->column_count; i++)
        if (fields[i].size >= 0)
            total +=
                type_codec_scratch_bytes(table->columns[i].codec, (size_t)fields[i].size);
    return total;
}

enum outcome wire_row_decode(const struct table *table, const struct wire_field *fields,
                             struct buffer *scratch, struct value *values,
                             struct error *err)
{
    buffer_clear(scratch);
    if (!buffer_reserve(scratch, scratch_bytes(table, fields)))
        return error_out_of_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *column = &table->columns[i];

        if (fields[i].size < 0)
            values[i] = (struct value){.type = VALUE_NULL};
        else if (type_codec_decode(column->codec, fields[i].bytes, (size_t)fields[i].size,
                                   scratch, &values[i], err) == FAILED)
            return error_wrap(err, "%s.%s", table->name, column->name);
    }
    return OK;
}
