/*
 * Schema alteration: the statements that alter one object, where its catalog text alone
 * does not say them: a column's type, the values of an enum, the attributes of a
 * composite type.
 *
 * Pure but for the cast callback.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_ALTERATION_H
#define DAEMON_MIGRATE_SCHEMA_ALTERATION_H

#include "daemon/migrate/schema_compare.h"

/* Are the values of one enum, in their order, among those of the other? */
bool schema_alteration_only_adds_values(const struct schema_object *from,
                                        const struct schema_object *to);

/* Does the composite type lose an attribute, and its values with it? */
bool schema_alteration_drops_attributes(const struct schema_object *from,
                                        const struct schema_object *to);

/* Appends the statements, without the last semicolon. */
void schema_alteration_append(struct buffer *script, const struct schema_object *from,
                              const struct schema_object *to,
                              const struct schema_compare_config *config);

#endif
