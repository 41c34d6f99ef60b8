/* Value binding: values as parameters of SQLite statements, and columns as values. */
#ifndef LIB_STORE_VALUE_BINDING_H
#define LIB_STORE_VALUE_BINDING_H

#include "lib/model/value.h"

#include <stddef.h>

struct row_result;
struct statement;

/* The value's bytes must live until the statement has run. */
void value_bind(struct statement *statement, int parameter, const struct value *value);

/* The same for a column of a row source. */
void value_give(struct row_result *result, const struct value *value);

/* Valid until the statement's next step. */
void value_read(const struct statement *statement, int column, struct value *out_value);

/* Several at once: to the parameters from `first` on; from the first columns. */
void value_bind_all(struct statement *statement, int first, const struct value *values,
                    size_t count);
void value_read_all(const struct statement *statement, struct value *out_values,
                    size_t count);

#endif
