/*
 * Doctor checks: what a check works on, and the checks themselves, one function each.
 * Only for doctor*.c.
 *
 * A check adds its findings to the report and never fails: what it could not look at is
 * a finding too. Checks of one group stand in one file.
 */
#ifndef DAEMON_CLI_DOCTOR_CHECKS_H
#define DAEMON_CLI_DOCTOR_CHECKS_H

#include "daemon/cli/doctor_findings.h"
#include "daemon/config.h"
#include "daemon/primary/primary.h"
#include "daemon/sync/engine.h"
#include "lib/base/error.h"
#include "lib/base/sql.h"
#include "lib/model/table.h"

struct primary_result;

struct doctor {
    const struct config *config;
    const struct engine_config *engine; /* made of it */
    struct findings findings;
    struct primary *primary;  /* connected, or NULL */
    struct primary_info info; /* of the connection */
    char *role;               /* quoted name of the role that reads; NULL: not known */
    struct table_set tables;  /* as introspected; empty until then */
};

typedef void doctor_check(struct doctor *doctor);

/* doctor_machine.c: needs no primary */
doctor_check doctor_check_folder;
doctor_check doctor_check_disk;
doctor_check doctor_check_file;

/* doctor_network.c */
doctor_check doctor_check_connection; /* opens doctor->primary */
doctor_check doctor_check_addresses;
doctor_check doctor_check_encryption;
doctor_check doctor_check_session;
doctor_check doctor_check_clock;

/* doctor_schema.c */
doctor_check doctor_check_role;
doctor_check doctor_check_installation;
doctor_check doctor_check_tables; /* fills doctor->tables */
doctor_check doctor_check_transactions;

/* doctor_tables.c: of the mirrored tables */
doctor_check doctor_check_tracking;
doctor_check doctor_check_stamps;
doctor_check doctor_check_indexes;
doctor_check doctor_check_null_times;
doctor_check doctor_check_row_security;

/* ---- for the checks ---- */

/* Adds a failed check as a finding. */
void doctor_add_error(struct doctor *doctor, const char *id, const struct error *err);

/* Asks the primary; a failure becomes a finding, and the answer is false. */
bool doctor_ask(struct doctor *doctor, const struct sql *sql, const char *const *params,
                size_t param_count, struct primary_result **out_result);

#endif
