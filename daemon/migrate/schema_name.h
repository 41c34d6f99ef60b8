/* Schema name: the parts of a name as the catalog queries write it: qualified, quoted
 * where need be. Pure. */
#ifndef DAEMON_MIGRATE_SCHEMA_NAME_H
#define DAEMON_MIGRATE_SCHEMA_NAME_H

/* A name of PostgreSQL has 63 bytes at most. */
#define SCHEMA_NAME_SIZE 300

/* The first and the last part, unquoted; cut short rather than overflown. */
void schema_name_first(const char *name, char out_part[static SCHEMA_NAME_SIZE]);
void schema_name_last(const char *name, char out_part[static SCHEMA_NAME_SIZE]);

#endif
