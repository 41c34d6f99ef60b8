#include "daemon/cli/doctor.h"

#include "daemon/cli/doctor_checks.h"
#include "daemon/cli/report.h"
#include "daemon/cli/terminal.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>
#include <unistd.h>

struct check {
    const char *group;
    doctor_check *run;
    bool asks_primary;
};

/* In this order. The tables are introspected before what is asked about them. */
static const struct check checks[] = {
    {"machine", doctor_check_folder, false},
    {"machine", doctor_check_disk, false},
    {"file", doctor_check_file, false},
    {"network", doctor_check_connection, false},
    {"network", doctor_check_addresses, true},
    {"network", doctor_check_encryption, true},
    {"network", doctor_check_session, true},
    {"network", doctor_check_clock, true},
    {"schema", doctor_check_role, true},
    {"schema", doctor_check_installation, true},
    {"schema", doctor_check_tables, true},
    {"schema", doctor_check_tracking, true},
    {"schema", doctor_check_stamps, true},
    {"schema", doctor_check_indexes, true},
    {"schema", doctor_check_null_times, true},
    {"schema", doctor_check_row_security, true},
    {"schema", doctor_check_transactions, true},
};

static void doctor_release(struct doctor *doctor)
{
    primary_free(doctor->primary);
    table_set_release(&doctor->tables);
    findings_release(&doctor->findings);
    free(doctor->role);
}

void doctor_add_error(struct doctor *doctor, const char *id, const struct error *err)
{
    findings_fail(&doctor->findings, id, "%s", err->message);
    if (err->hint[0])
        findings_cure(&doctor->findings, "%s", err->hint);
}

bool doctor_ask(struct doctor *doctor, const struct sql *sql, const char *const *params,
                size_t param_count, struct primary_result **out_result)
{
    struct error err;

    if (primary_query(doctor->primary, sql, params, param_count, out_result, &err) == OK)
        return true;
    if (!err.hint[0])
        error_hint(&err, "see the server's log; the other checks go on");
    doctor_add_error(doctor, "TM141", &err);
    return false;
}

static void examine(struct doctor *doctor)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        bool connected = doctor->primary && primary_is_connected(doctor->primary);

        doctor->findings.group = checks[i].group;
        if (connected || !checks[i].asks_primary)
            checks[i].run(doctor);
    }
}

static enum exit_status print(const struct findings *findings, bool json, bool fix_sql)
{
    if (fix_sql)
        findings_print_sql(findings, stdout);
    else if (json && report_document(findings_document(findings)) != EXIT_DONE)
        return EXIT_FAILED;
    else if (!json)
        findings_print(findings, stdout, terminal_of(STDOUT_FILENO).colour);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_DONE : EXIT_FAILED;
}

enum exit_status doctor_command(const struct config *config, bool json, bool fix_sql)
{
    OWNED(doctor_release) struct doctor doctor = {0};
    struct engine_config engine;

    config_engine(config, &engine);
    engine.primary.application = "tidemark doctor";
    doctor.config = config;
    doctor.engine = &engine;
    examine(&doctor);
    if (doctor.findings.failed || print(&doctor.findings, json, fix_sql) != EXIT_DONE) {
        fputs("tidemark: doctor: the report is not complete\n", stderr);
        return EXIT_FAILED;
    }
    if (doctor.findings.unreachable)
        return EXIT_UNREACHABLE;
    return findings_count(&doctor.findings, FINDING_FAIL) ? EXIT_NEEDS_PERSON : EXIT_DONE;
}
