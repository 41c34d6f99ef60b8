#include "lib/store/value_binding.h"

#include "lib/db/row_source.h"
#include "lib/db/statement.h"

void value_bind(struct statement *statement, int parameter, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        statement_bind_null(statement, parameter);
        break;
    case VALUE_INTEGER:
        statement_bind_int(statement, parameter, value->integer);
        break;
    case VALUE_REAL:
        statement_bind_real(statement, parameter, value->real);
        break;
    case VALUE_TEXT:
        statement_bind_bytes(statement, parameter, value->bytes, value->size);
        break;
    case VALUE_BLOB:
        statement_bind_blob(statement, parameter, value->bytes, value->size);
        break;
    }
}

void value_give(struct row_result *result, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        break;
    case VALUE_INTEGER:
        row_result_int(result, value->integer);
        break;
    case VALUE_REAL:
        row_result_real(result, value->real);
        break;
    case VALUE_TEXT:
        row_result_text(result, value->bytes, value->size);
        break;
    case VALUE_BLOB:
        row_result_blob(result, value->bytes, value->size);
        break;
    }
}

void value_read(const struct statement *statement, int column, struct value *out_value)
{
    *out_value =
        (struct value){.type = (enum value_type)statement_column_type(statement, column)};
    switch (out_value->type) {
    case VALUE_NULL:
        break;
    case VALUE_INTEGER:
        out_value->integer = statement_column_int(statement, column);
        break;
    case VALUE_REAL:
        out_value->real = statement_column_real(statement, column);
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        out_value->bytes = statement_column_bytes(statement, column);
        out_value->size = statement_column_size(statement, column);
        break;
    }
}

void value_bind_all(struct statement *statement, int first, const struct value *values,
                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        value_bind(statement, first + (int)i, &values[i]);
}

void value_read_all(const struct statement *statement, struct value *out_values,
                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        value_read(statement, (int)i, &out_values[i]);
}
