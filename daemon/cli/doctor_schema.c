#include "daemon/cli/doctor_checks.h"

#include "daemon/cli/human_text.h"
#include "daemon/migrate/migrate_primary.h"
#include "daemon/primary/introspect.h"
#include "daemon/primary/primary_query.h"
#include "doctor.sql.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/store/mirror_sql.h"

#include <stdlib.h>
#include <string.h>

void doctor_check_role(struct doctor *doctor)
{
    OWNED(primary_result_free) struct primary_result *role = NULL;
    struct findings *findings = &doctor->findings;

    if (!doctor_ask(doctor, &doctor_sql.role, NULL, 0, &role))
        return;
    if (primary_result_rows(role) == 0)
        return;
    doctor->role = strdup(primary_result_text(role, 0, 0));
    if (!doctor->role)
        findings->failed = true;
    else if (primary_result_bool(role, 0, 1))
        findings_warn(findings, "TM142",
                      "role %s is a superuser: more than a mirror needs", doctor->role);
    else
        findings_ok(findings, "role %s%s", doctor->role,
                    primary_result_bool(role, 0, 2) ? ", sees all rows (BYPASSRLS)" : "");
    if (doctor->role && primary_result_bool(role, 0, 1))
        findings_cure(findings,
                      "a role of its own with SELECT on the mirrored tables, and "
                      "select tidemark.grant_sync('that role')");
}

static void check_version(struct doctor *doctor)
{
    OWNED(primary_result_free) struct primary_result *newest = NULL;
    struct findings *findings = &doctor->findings;
    const char *ours = migrate_newest_name();
    const char *theirs;
    int order;

    if (!doctor_ask(doctor, &doctor_sql.newest_migration, NULL, 0, &newest))
        return;
    theirs =
        primary_result_rows(newest) ? primary_result_text(newest, 0, 0) : "nothing yet";
    order = primary_result_rows(newest) ? strcmp(theirs, ours) : -1;
    if (order == 0) {
        findings_ok(findings, "schema tidemark is at %s", theirs);
    } else if (order < 0) {
        findings_fail(findings, "TM151",
                      "schema tidemark is at %s, this program knows %s", theirs, ours);
        findings_cure(findings, "as the owner: tidemark migrate");
    } else {
        findings_warn(findings, "TM151",
                      "schema tidemark is at %s, newer than this program", theirs);
        findings_cure(findings, "install the tidemark that migrated it");
    }
}

static void add_missing_grant(struct doctor *doctor)
{
    OWNED(buffer_release) struct buffer role = {0};

    findings_fail(&doctor->findings, "TM152",
                  "role %s may not read schema tidemark: deleted rows of tracked tables "
                  "do not arrive",
                  doctor->role ? doctor->role : "?");
    if (!doctor->role)
        return;
    mirror_sql_literal(&role, doctor->role);
    if (role.failed)
        doctor->findings.failed = true;
    else
        findings_sql(&doctor->findings, "select tidemark.grant_sync(%s);", role.data);
}

void doctor_check_installation(struct doctor *doctor)
{
    OWNED(primary_result_free) struct primary_result *found = NULL;
    struct findings *findings = &doctor->findings;

    if (!doctor_ask(doctor, &doctor_sql.installation, NULL, 0, &found))
        return;
    if (primary_result_rows(found) == 0) {
        findings_warn(findings, "TM150",
                      "schema tidemark is not installed: no table can be "
                      "tracked");
        findings_cure(findings, "as the owner: tidemark migrate");
        return;
    }
    if (primary_result_bool(found, 0, 0) && primary_result_bool(found, 0, 1) &&
        primary_result_bool(found, 0, 2)) {
        check_version(doctor);
        return;
    }
    add_missing_grant(doctor);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Some remedies begin with SQL that runs as it stands, some have gaps for a person. */
static void add_remedy(struct findings *findings, const struct table_refusal *refusal)
{
    const char *alternative = strstr(refusal->remedy, "; or ");
    size_t length =
        alternative ? (size_t)(alternative - refusal->remedy) : strlen(refusal->remedy);

    if (starts_with(refusal->remedy, "grant ") ||
        starts_with(refusal->remedy, "select tidemark."))
        findings_sql(findings, "%.*s;", (int)length, refusal->remedy);
    if (starts_with(refusal->remedy, "alter table "))
        findings_cure(findings, "%s; or leave it out: tables = *, !%s", refusal->remedy,
                      refusal->name);
    else if (refusal->remedy[0])
        findings_cure(findings, "%s", refusal->remedy);
}

static void add_refusals(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->tables.refusal_count; i++) {
        const struct table_refusal *refusal = &doctor->tables.refusals[i];

        findings_fail(&doctor->findings, "TM160", "%s.%s is not mirrored: %s",
                      refusal->schema, refusal->name, refusal->reason);
        add_remedy(&doctor->findings, refusal);
    }
}

void doctor_check_tables(struct doctor *doctor)
{
    struct findings *findings = &doctor->findings;
    size_t tracked = 0;
    struct error err;

    if (introspect(doctor->primary, &doctor->engine->selection, &doctor->tables, &err) ==
        FAILED) {
        doctor_add_error(doctor, "TM141", &err);
        return;
    }
    add_refusals(doctor);
    for (size_t i = 0; i < doctor->tables.table_count; i++)
        tracked += doctor->tables.tables[i].mode == TABLE_TRACKED;
    if (doctor->tables.table_count == 0) {
        findings_fail(findings, "TM143", "there is no table to mirror");
        findings_cure(findings, "see [sync] tables and [primary] schema");
    } else if (tracked) {
        findings_ok(findings, "%zu of %zu tables tracked: exact at every round", tracked,
                    doctor->tables.table_count);
    }
}

void doctor_check_transactions(struct doctor *doctor)
{
    OWNED(primary_result_free) struct primary_result *found = NULL;
    struct findings *findings = &doctor->findings;

    if (!doctor_ask(doctor, &doctor_sql.long_transactions, NULL, 0, &found))
        return;
    for (size_t i = 0; i < primary_result_rows(found); i++) {
        findings_warn(findings, "TM166",
                      "%s has been in a transaction for %s: until it ends, "
                      "rows written since then travel again and again",
                      primary_result_text(found, i, 0),
                      human_duration((double)primary_result_int(found, i, 1)).text);
        findings_cure(findings, "%s", primary_result_text(found, i, 2));
    }
}
