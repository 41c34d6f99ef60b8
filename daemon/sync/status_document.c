#include "daemon/sync/status_document.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/store/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts ---- */

static void release_tables(struct status_facts *facts)
{
    for (size_t i = 0; i < facts->table_count; i++) {
        free(facts->tables[i].name);
        free(facts->tables[i].schema);
        free(facts->tables[i].cursor);
        free(facts->tables[i].failure);
    }
    for (size_t i = 0; i < facts->refusal_count; i++) {
        free(facts->refusals[i].schema);
        free(facts->refusals[i].name);
        free(facts->refusals[i].reason);
        free(facts->refusals[i].remedy);
    }
    free(facts->tables);
    free(facts->refusals);
    facts->tables = NULL;
    facts->refusals = NULL;
    facts->table_count = facts->refusal_count = 0;
}

void status_facts_release(struct status_facts *facts)
{
    release_tables(facts);
    change_counts_release(&facts->changes);
}

/* NULL for NULL; *failed is set where memory runs out, and else left alone. */
static char *copy_of(const char *text, bool *failed)
{
    char *copy = text ? strdup(text) : NULL;

    *failed |= text && !copy;
    return copy;
}

static void take_table(struct status_table *fact, const struct followed_table *followed,
                       bool *failed)
{
    const struct table *table = followed->table;

    *fact = (struct status_table){
        .name = copy_of(table->name, failed),
        .schema = copy_of(table->schema, failed),
        .cursor = copy_of(followed->cursor.exact, failed),
        .failure = copy_of(followed->failure, failed),
        .state = followed->state,
        .tracked = table->mode == TABLE_TRACKED,
        .has_row_count = followed->live_rows >= 0,
        .rows = followed->live_rows,
        .mark_us = followed->cursor.mark_us,
        .swept_us = followed->cursor.swept_us,
        .visible = followed->visible || followed->outdated,
        .has_delta =
            table->updated_at != TABLE_NO_COLUMN || table->deleted_at != TABLE_NO_COLUMN,
    };
    if (!fact->has_row_count && followed->has_copy && !followed->visible) {
        fact->has_row_count = true;
        fact->rows = followed->copy.row_count;
    }
}

static void take_refusal(struct table_refusal *fact, const struct table_refusal *refusal,
                         bool *failed)
{
    *fact = (struct table_refusal){
        .schema = copy_of(refusal->schema, failed),
        .name = copy_of(refusal->name, failed),
        .reason = copy_of(refusal->reason, failed),
        .remedy = copy_of(refusal->remedy, failed),
    };
}

enum outcome status_facts_take_tables(struct status_facts *facts,
                                      const struct followed_set *followed,
                                      struct error *err)
{
    size_t refusals = followed->schema.refusal_count;
    bool failed = false;

    release_tables(facts);
    facts->tables = calloc(followed->count + 1, sizeof(*facts->tables));
    facts->refusals = calloc(refusals + 1, sizeof(*facts->refusals));
    if (!facts->tables || !facts->refusals)
        return error_out_of_memory(err);
    for (; facts->table_count < followed->count; facts->table_count++)
        take_table(&facts->tables[facts->table_count],
                   &followed->tables[facts->table_count], &failed);
    for (; facts->refusal_count < refusals; facts->refusal_count++)
        take_refusal(&facts->refusals[facts->refusal_count],
                     &followed->schema.refusals[facts->refusal_count], &failed);
    facts->tables_known = !failed;
    if (!failed)
        return OK;
    release_tables(facts);
    return error_out_of_memory(err);
}

/* ---- the document ---- */

json_t *status_time(int64_t time_us)
{
    char text[CLOCK_TEXT_SIZE];

    if (!time_us)
        return json_null();
    clock_format_utc(time_us, text);
    return json_string(text);
}

json_t *status_seconds(int64_t duration_us)
{
    return json_real((double)(duration_us / US_PER_MS) / 1000.0);
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *behind(int64_t mark_us)
{
    int64_t behind_us = clock_now_us() - mark_us;

    return mark_us ? status_seconds(behind_us > 0 ? behind_us : 0) : json_null();
}

json_t *status_text(const char *text)
{
    json_t *string = json_string(text);
    OWNED(text_free) char *copy = string ? NULL : strdup(text);

    if (!copy)
        return string;
    for (char *byte = copy; *byte; byte++)
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    return json_string(copy);
}

json_t *status_reason(const struct error *reason)
{
    const char *sqlstate = NULL;

    if (!reason)
        return json_null();
    if (strncmp(reason->origin, "SQLSTATE ", 9) == 0)
        sqlstate = reason->origin + 9;
    return json_pack("{s:s, s:o, s:o, s:o}", "name", error_kind_name(reason->kind),
                     "text", status_text(reason->message), "sqlstate",
                     text_or_null(sqlstate), "hint", status_text(reason->hint));
}

static json_t *primary_document(const struct status_primary *primary)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:b}", "host", primary->host,
        "port", primary->port, "database", primary->database, "user", primary->user,
        "tls", primary->tls, "pooler", primary->pooler, "standby", primary->standby,
        "server_version",
        primary->server_version ? json_integer(primary->server_version) : json_null(),
        "round_trip_ms",
        primary->round_trip_us ? json_real((double)primary->round_trip_us / 1000.0)
                               : json_null(),
        "connected", primary->connected);
}

static void append_duration(struct buffer *text, int64_t duration_us)
{
    int64_t whole = duration_us / US_PER_SECOND;

    if (whole >= 60 && whole % 60 == 0)
        buffer_append_format(text, "%lld min", (long long)whole / 60);
    else
        buffer_append_format(text, "%lld s", (long long)whole);
}

static json_t *promise(const struct status_facts *facts, const struct status_table *table)
{
    OWNED(buffer_release) struct buffer text = {0};

    if (table->tracked)
        return json_string("exact at every round");
    if (table->has_delta) {
        buffer_append_text(&text, "late commits within ");
        append_duration(&text, facts->promises.overlap_us);
        buffer_append_text(&text, ", ");
    }
    buffer_append_text(&text, "exact at every sweep (");
    append_duration(&text, facts->promises.sweep_interval_us);
    buffer_append_text(&text, ")");
    return json_string(text.data ? text.data : "");
}

static json_t *table_document(const struct status_facts *facts,
                              const struct status_table *table)
{
    const struct change_count *changes = change_counts_find(&facts->changes, table->name);

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:I, s:I}", "name",
        table->name, "schema", table->schema, "state", table_state_name(table->state),
        "mode", table->tracked ? "tracked" : "untracked", "rows",
        table->has_row_count ? json_integer(table->rows) : json_null(), "mark",
        status_time(table->mark_us), "behind_s", behind(table->mark_us), "cursor",
        text_or_null(table->cursor), "swept", status_time(table->swept_us), "reason",
        text_or_null(table->failure), "readable", table->visible, "promise",
        promise(facts, table), "pending", (json_int_t)(changes ? changes->pending : 0),
        "rejected", (json_int_t)(changes ? changes->rejected : 0));
}

static json_t *tables_document(const struct status_facts *facts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < facts->table_count; i++)
        json_array_append_new(array, table_document(facts, &facts->tables[i]));
    return array;
}

static json_t *refusals_document(const struct status_facts *facts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < facts->refusal_count; i++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "schema",
                                               facts->refusals[i].schema, "name",
                                               facts->refusals[i].name, "reason",
                                               facts->refusals[i].reason, "remedy",
                                               facts->refusals[i].remedy));
    return array;
}

static json_t *progress_document(const struct status_progress *progress)
{
    int64_t now_us = clock_monotonic_us();
    double elapsed_s = (double)(now_us - progress->table_started_us) / 1e6;
    int64_t done = progress->rows - progress->rows_at_start;
    double rate = elapsed_s > 0 ? (double)done / elapsed_s : 0;
    int64_t left = progress->rows_expected - progress->rows;

    if (!progress->active)
        return json_null();
    return json_pack(
        "{s:I, s:I, s:s, s:I, s:o, s:I, s:I, s:o, s:o}", "tables_done",
        (json_int_t)progress->tables_done, "tables", (json_int_t)progress->tables,
        "table", progress->table, "rows", (json_int_t)progress->rows, "rows_expected",
        progress->rows_expected >= 0 ? json_integer(progress->rows_expected)
                                     : json_null(),
        "bytes", (json_int_t)progress->bytes, "rows_per_s", (json_int_t)rate, "eta_s",
        rate > 0 && left > 0 ? json_real((double)left / rate) : json_null(), "elapsed_s",
        status_seconds(now_us - progress->started_us));
}

static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long total = 0;
    long long resident = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%lld %lld", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * 4096;
}

/* Who tells what a stopped daemon left in the file is not the daemon. */
static json_t *memory(const struct status_facts *facts)
{
    return facts->state == SYNC_STOPPED ? json_null() : json_integer(resident_bytes());
}

static json_t *cost_document(const struct status_facts *facts)
{
    struct cache_sizes sizes;

    cache_measure(facts->promises.cache_path, &sizes);
    return json_pack("{s:I, s:I, s:I, s:o}", "file_bytes", (json_int_t)sizes.file_bytes,
                     "wal_bytes", (json_int_t)sizes.wal_bytes, "disk_free_bytes",
                     (json_int_t)sizes.disk_free_bytes, "resident_bytes", memory(facts));
}

/* The cache is complete up to where its slowest table is. */
static int64_t lowest_mark_us(const struct status_facts *facts)
{
    int64_t lowest_us = 0;

    for (size_t i = 0; i < facts->table_count; i++) {
        int64_t mark_us = facts->tables[i].mark_us;

        if (!mark_us)
            return 0;
        if (!lowest_us || mark_us < lowest_us)
            lowest_us = mark_us;
    }
    return lowest_us;
}

static void append_hint(json_t *hints, const char *text, const char *command)
{
    json_array_append_new(hints,
                          json_pack("{s:s, s:s}", "text", text, "command", command));
}

static void append_change_hints(const struct status_facts *facts, json_t *hints)
{
    const struct change_counts *changes = &facts->changes;
    char command[64];

    if (changes->rejected) {
        snprintf(command, sizeof(command), "tidemark rejected show %lld",
                 (long long)changes->first_rejected.rejected_id);
        append_hint(hints,
                    changes->rejected == 1 ? "a change was refused"
                                           : "changes were refused",
                    changes->first_rejected.rejected_id ? command : "tidemark rejected");
    }
    if (changes->conflicts_open)
        append_hint(hints, "a conflict waits for a decision", "tidemark conflicts");
}

static json_t *hints_document(const struct status_facts *facts)
{
    json_t *hints = json_array();
    bool failed = false;

    for (size_t i = 0; i < facts->table_count; i++)
        failed = failed || facts->tables[i].state == TABLE_FAILED;
    if (failed || facts->refusal_count)
        append_hint(hints, "some tables are not followed", "tidemark doctor");
    append_change_hints(facts, hints);
    if (facts->state == SYNC_PAUSED)
        append_hint(hints, "syncing is paused", "tidemark resume");
    if (facts->state == SYNC_BLOCKED)
        append_hint(hints, "something needs a person", "tidemark doctor");
    return hints;
}

json_t *status_facts_document(const struct status_facts *facts)
{
    int64_t mark_us = lowest_mark_us(facts);
    json_t *document = json_pack(
        "{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "v", 1, "kind", "status",
        "cache", facts->promises.cache_path, "state", sync_state_name(facts->state),
        "since", status_time(facts->since_us), "reason",
        status_reason(facts->has_reason ? &facts->reason : NULL), "next_try",
        status_time(facts->next_try_us), "mark", status_time(mark_us), "behind_s",
        behind(mark_us), "primary", primary_document(&facts->primary));
    json_t *rest = json_pack(
        "{s:o, s:b, s:o, s:o, s:{s:I, s:o, s:o}, s:o, s:s, s:o}", "tables",
        tables_document(facts), "tables_known", facts->tables_known, "refused",
        refusals_document(facts), "progress", progress_document(&facts->progress),
        "rounds", "completed", (json_int_t)facts->rounds, "last_ms",
        facts->rounds ? json_real((double)facts->last_round_us / 1000.0) : json_null(),
        "last_at", status_time(facts->last_round_at_us), "cost", cost_document(facts),
        "version", TIDEMARK_VERSION, "hints", hints_document(facts));

    json_t *changes = status_changes_document(facts);

    if (!document || !changes || !rest || json_object_update(document, changes) != 0 ||
        json_object_update(document, rest) != 0) {
        json_decref(document);
        document = NULL;
    }
    json_decref(changes);
    json_decref(rest);
    return document;
}
