#include "daemon/cli/doctor_checks.h"

#include "daemon/cli/human_text.h"
#include "daemon/primary/primary_query.h"
#include "doctor.sql.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/store/mirror_sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tables that a check asks about: their OIDs and one column name each, as arrays of
 * the primary, and where in doctor->tables they are. */
struct selection {
    struct buffer oids;
    struct buffer columns;
    const struct table **tables;
    size_t count;
};

typedef bool table_test(const struct table *table);

static void selection_release(struct selection *selection)
{
    buffer_release(&selection->oids);
    buffer_release(&selection->columns);
    free((void *)selection->tables);
}

static void append_quoted(struct buffer *array, const char *text)
{
    buffer_append_text(array, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buffer_append_text(array, "\\");
        buffer_append(array, text, 1);
    }
    buffer_append_text(array, "\"");
}

static const char *column_name(const struct table *table, int column)
{
    return column == TABLE_NO_COLUMN ? "" : table->columns[column].name;
}

static void append_table(struct selection *selection, const struct table *table,
                         const char *column)
{
    const char *separator = selection->count ? "," : "";

    buffer_append_format(&selection->oids, "%s%u", separator, table->oid);
    buffer_append_text(&selection->columns, separator);
    append_quoted(&selection->columns, column);
    selection->tables[selection->count++] = table;
}

/* deleted_at: whether that column or updated_at is named beside the OID. NULL tests
 * nothing. */
static bool select_tables(struct doctor *doctor, struct selection *selection,
                          table_test *test, bool deleted_at)
{
    selection->tables = calloc(doctor->tables.table_count + 1, sizeof(void *));
    if (!selection->tables) {
        doctor->findings.failed = true;
        return false;
    }
    buffer_append_text(&selection->oids, "{");
    buffer_append_text(&selection->columns, "{");
    for (size_t i = 0; i < doctor->tables.table_count; i++) {
        const struct table *table = &doctor->tables.tables[i];

        if (!test || test(table))
            append_table(
                selection, table,
                column_name(table, deleted_at ? table->deleted_at : table->updated_at));
    }
    buffer_append_text(&selection->oids, "}");
    buffer_append_text(&selection->columns, "}");
    doctor->findings.failed |= selection->oids.failed || selection->columns.failed;
    return !doctor->findings.failed && selection->count > 0;
}

static bool ask_about(struct doctor *doctor, const struct sql *sql,
                      const struct selection *selection, size_t param_count,
                      struct primary_result **out_result)
{
    const char *params[] = {selection->oids.data, selection->columns.data};

    return doctor_ask(doctor, sql, params, param_count, out_result);
}

static const struct table *table_at(const struct selection *selection,
                                    const struct primary_result *result, size_t row)
{
    return selection->tables[primary_result_int(result, row, 0)];
}

/* "schema"."table" as the text of a literal: 'it''s' for track('…'). */
static void quote_twice(struct buffer *text, const struct table *table)
{
    OWNED(buffer_release) struct buffer name = {0};

    mirror_sql_primary_name(&name, table);
    mirror_sql_literal(text, name.data ? name.data : "");
    text->failed |= name.failed;
}

static void add_tracking_sql(struct doctor *doctor, const struct table *table,
                             bool from_scratch)
{
    OWNED(buffer_release) struct buffer name = {0};

    quote_twice(&name, table);
    if (name.failed)
        doctor->findings.failed = true;
    else if (from_scratch)
        findings_sql(&doctor->findings,
                     "select tidemark.untrack(%s); select tidemark.track(%s);", name.data,
                     name.data);
    else
        findings_sql(&doctor->findings, "select tidemark.track(%s);", name.data);
}

static void add_untracked(struct doctor *doctor, const struct table *table)
{
    struct human sweep =
        human_duration((double)doctor->engine->sweep_interval_us / US_PER_SECOND);

    if (table->updated_at == TABLE_NO_COLUMN)
        findings_warn(
            &doctor->findings, "TM164",
            "%s is untracked and has no updated_at: changes are seen after at most %s",
            table->name, sweep.text);
    else
        findings_warn(
            &doctor->findings, "TM161",
            "%s is untracked: a late commit or a hard delete is seen after at most %s",
            table->name, sweep.text);
    add_tracking_sql(doctor, table, false);
}

void doctor_check_tracking(struct doctor *doctor)
{
    OWNED(selection_release) struct selection all = {0};
    OWNED(primary_result_free) struct primary_result *found = NULL;
    size_t row = 0;

    if (!select_tables(doctor, &all, NULL, false) ||
        !ask_about(doctor, &doctor_sql.tracking, &all, 1, &found))
        return;
    for (size_t i = 0; i < all.count; i++) {
        const struct table *table = all.tables[i];

        if (row < primary_result_rows(found) && table_at(&all, found, row) == table) {
            findings_fail(&doctor->findings, "TM162", "%s: its tracking is broken: %s",
                          table->name, primary_result_text(found, row, 1));
            add_tracking_sql(doctor, table, false);
            row++;
        } else if (table->mode == TABLE_UNTRACKED) {
            add_untracked(doctor, table);
        }
    }
}

static bool is_tracked(const struct table *table)
{
    return table->mode == TABLE_TRACKED;
}

static bool is_untracked_with_times(const struct table *table)
{
    return table->mode == TABLE_UNTRACKED && table->updated_at != TABLE_NO_COLUMN;
}

void doctor_check_stamps(struct doctor *doctor)
{
    OWNED(selection_release) struct selection tracked = {0};
    OWNED(primary_result_free) struct primary_result *found = NULL;

    if (!select_tables(doctor, &tracked, is_tracked, false) ||
        !ask_about(doctor, &doctor_sql.future_stamps, &tracked, 1, &found))
        return;
    for (size_t i = 0; i < primary_result_rows(found); i++) {
        const struct table *table = table_at(&tracked, found, i);

        findings_warn(
            &doctor->findings, "TM163",
            "%s was restored from another server: rows stamped there travel with "
            "every round",
            table->name);
        add_tracking_sql(doctor, table, true);
    }
}

static bool has_index_on(const struct table *table, int column)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].column_count && table->indexes[i].columns[0] == column &&
            !table->indexes[i].predicate)
            return true;
    return table->key_count && table->key[0] == column;
}

static void add_missing_index(struct doctor *doctor, const struct table *table)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, "create index concurrently on ");
    mirror_sql_primary_name(&sql, table);
    buffer_append_text(&sql, " (");
    mirror_sql_identifier(&sql, column_name(table, table->updated_at));
    buffer_append_text(&sql, ");");
    findings_fail(
        &doctor->findings, "TM103", "%s: no index on %s: each look scans %s rows",
        table->name, column_name(table, table->updated_at),
        table->estimated_rows < 0 ? "all" : human_count(table->estimated_rows).text);
    if (sql.failed)
        doctor->findings.failed = true;
    else
        findings_sql(&doctor->findings, "%s", sql.data);
}

void doctor_check_indexes(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->tables.table_count; i++) {
        const struct table *table = &doctor->tables.tables[i];

        if (is_untracked_with_times(table) && !has_index_on(table, table->updated_at))
            add_missing_index(doctor, table);
    }
}

void doctor_check_null_times(struct doctor *doctor)
{
    OWNED(selection_release) struct selection untracked = {0};
    OWNED(primary_result_free) struct primary_result *found = NULL;

    if (!select_tables(doctor, &untracked, is_untracked_with_times, false) ||
        !ask_about(doctor, &doctor_sql.null_times, &untracked, 2, &found))
        return;
    for (size_t i = 0; i < primary_result_rows(found); i++) {
        const struct table *table = table_at(&untracked, found, i);
        double rows = strtod(primary_result_text(found, i, 1), NULL);

        findings_warn(&doctor->findings, "TM165",
                      "%s: about %s rows have no %s: seen by sweeps only", table->name,
                      human_count((int64_t)ceil(rows)).text,
                      column_name(table, table->updated_at));
        findings_cure(&doctor->findings, "fill it in, and make the column not null");
    }
}

static void add_policy(struct doctor *doctor, const struct table *table,
                       const char *policy, bool hides_deleted)
{
    struct findings *findings = &doctor->findings;
    const char *role = doctor->role ? doctor->role : "this role";

    if (!policy) {
        findings_fail(findings, "TM107", "%s: no policy lets %s see any row", table->name,
                      role);
        findings_cure(findings, "a select policy for it, or a role with BYPASSRLS in "
                                "[primary] role");
    } else if (hides_deleted) {
        findings_fail(findings, "TM106",
                      "%s: policy \"%s\" hides deleted rows: deletes will never arrive",
                      table->name, policy);
        findings_cure(findings,
                      "take the test of %s out of the policy (the live_ view has "
                      "it), or use a role with BYPASSRLS",
                      column_name(table, table->deleted_at));
    } else {
        findings_warn(
            findings, "TM108",
            "%s: policy \"%s\" decides which rows %s sees; a row that it begins "
            "to hide stays in the cache",
            table->name, policy, role);
        findings_cure(findings,
                      "a role with BYPASSRLS and a scope, unless that is meant");
    }
}

void doctor_check_row_security(struct doctor *doctor)
{
    OWNED(selection_release) struct selection all = {0};
    OWNED(primary_result_free) struct primary_result *found = NULL;

    if (!select_tables(doctor, &all, NULL, true) ||
        !ask_about(doctor, &doctor_sql.row_security, &all, 2, &found))
        return;
    for (size_t i = 0; i < primary_result_rows(found); i++) {
        const struct table *table = table_at(&all, found, i);

        add_policy(doctor, table, primary_result_text(found, i, 1),
                   table->deleted_at != TABLE_NO_COLUMN &&
                       primary_result_bool(found, i, 2));
    }
}
