/*
 * Primary password: read from its file for one connection attempt and wiped after it;
 * and the checks on a conninfo that need no network.
 *
 * libpq's own passfile cannot be used with systemd credentials: their ACL looks
 * group-readable to it.
 */
#ifndef DAEMON_PRIMARY_PRIMARY_PASSWORD_H
#define DAEMON_PRIMARY_PRIMARY_PASSWORD_H

#include "daemon/primary/primary.h"

struct pg_conn;

/* out_password is NULL without a file. A file that others may read is refused. */
MUST_CHECK enum outcome primary_password_read(const char *path, char **out_password,
                                              struct error *err);
void primary_password_free(char **password); /* wipes it first */

/* Malformed, holds a password, or would send data in the clear to another host:
 * ERROR_INVALID. */
MUST_CHECK enum outcome primary_check_conninfo(const struct primary_config *config,
                                               struct error *err);

/* The same of a connection that was started, and has sent nothing yet: libpq may have its
 * host from a service file. */
MUST_CHECK enum outcome primary_check_connection(const struct primary_config *config,
                                                 struct pg_conn *connection,
                                                 struct error *err);

#endif
