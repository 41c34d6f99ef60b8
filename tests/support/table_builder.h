/* Tables for tests, made by hand instead of by introspection. Memory running out fails
 * the test. */
#ifndef TESTS_SUPPORT_TABLE_BUILDER_H
#define TESTS_SUPPORT_TABLE_BUILDER_H

#include "lib/model/table.h"

/* An empty table of schema public; table_release() when done. */
struct table table_named(const char *name);

/* Appends a column; its type's name is "text" until the test says otherwise. The pointer
 * is valid until the next one is added. */
struct table_column *table_with_column(struct table *table, const char *name,
                                       enum column_codec codec);

void column_with_default(struct table_column *column, const char *expression);
void column_with_type(struct table_column *column, const char *type_name);

/* Labels and names come as a NULL-terminated list. */
void column_with_labels(struct table_column *column, const char *const *labels);
void table_with_key(struct table *table, const char *const *names);
struct table_index *table_with_index(struct table *table, const char *name, bool unique,
                                     const char *const *names);
void table_with_foreign_key(struct table *table, const char *const *names,
                            const char *parent_table, const char *const *parent_names);

/* To be freed. */
char *fingerprint_of(const struct table *table);

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
